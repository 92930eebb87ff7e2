"""Correlations between the rows of a Jacobian: what `jacob_cov` and `epe_nas` look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def row_correlations(jacobian: Tensor) -> Tensor:
    """(b, b) Pearson correlations of the rows of a (b, pixels) matrix, float64; NaN for a row that is constant."""
    rows = jacobian.double()
    rows = rows - rows.mean(dim=1, keepdim=True)
    rows = rows / rows.norm(dim=1, keepdim=True)
    correlations: Tensor = rows @ rows.T
    return correlations.clamp(-1.0, 1.0)


def informative(jacobian: Tensor) -> bool:
    """Whether every row varies, so that all correlations exist."""
    return bool((jacobian.double().std(dim=1) > 0).all()) and bool(jacobian.isfinite().all())
