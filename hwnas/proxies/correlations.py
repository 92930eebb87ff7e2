"""Correlations between the rows of a Jacobian: what `jacob_cov` and `epe_nas` look at."""

from __future__ import annotations

import math
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


def without_correlations(jacobian: Tensor) -> float | None:
    """The score where correlations do not exist: NaN for numbers that are not finite, -inf for a row that is constant.

    None where every row varies.
    """
    if not jacobian.isfinite().all():
        return math.nan
    return None if (jacobian.double().std(dim=1) > 0).all() else -math.inf
