"""Entropy of principal components: what `az_expressivity` and `az_progressivity` look at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hwnas.arrays import Array, Float


def entropies(spectra: Sequence[Sequence[float]]) -> Float[Array, " m"]:
    """-sum p log p of each of m spectra of a covariance, p being its eigenvalues by their sum.

    -inf for all zeros, NaN for one with a NaN. 0 says that one component carries everything, log(channels) that all
    carry the same.
    """
    return np.array([_entropy(np.asarray(spectrum, dtype=np.float64)) for spectrum in spectra], dtype=np.float64)


def _entropy(spectrum: Float[Array, " c"]) -> float:
    total = spectrum.sum()
    if total == 0:
        return -np.inf
    if np.isnan(total):
        return np.nan
    shares = spectrum[spectrum > 0] / total
    return float(-(shares * np.log(shares)).sum())
