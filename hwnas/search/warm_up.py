"""Zero-cost warm-up (Abdelfattah et al. 2021, section 5.1): a search starts from what a proxy ranks highest."""

from __future__ import annotations

import numpy as np

from hwnas.arrays import Array, Float, Integer
from hwnas.errors import UsageError


def warm_up(
    vectors: Integer[Array, "n v"], scores: Float[Array, " m"], *, seed: int, sample: int | None = None
) -> Integer[Array, "k v"]:
    """The start of a search: architectures by descending score, for `SearchSettings.start`.

    scores: by a proxy, higher is better; NaN is left out, equal ones in random order. sample: how many of the
    architectures are scored, drawn without repeats; None for all. Raises `UsageError` where they do not fit.
    """
    if len(vectors) != len(scores):
        raise UsageError(f"expected a score for each of {len(vectors)} architectures, got {len(scores)}")
    if sample is not None and not 1 <= sample <= len(vectors):
        raise UsageError(f"expected to score 1 to {len(vectors)} architectures, got {sample}")
    rows = np.random.default_rng(seed).permutation(len(vectors))[:sample]
    rows = rows[~np.isnan(scores[rows])]
    return np.asarray(vectors[rows[np.argsort(-scores[rows], kind="stable")]])
