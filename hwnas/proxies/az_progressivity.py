"""`az_progressivity`: the least that a block adds to the expressivity of its input (Lee & Ham 2024)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hwnas.proxies.az_expressivity import AZ_BATCH
from hwnas.proxies.entropies import entropies
from hwnas.proxies.proxy import Proxy

if TYPE_CHECKING:
    from hwnas.proxies.evidence import Evidence


def score(evidence: Evidence) -> float:
    """Smallest difference between entropies of successive feature maps.

    -inf where features are constant, NaN where they are not finite.
    """
    assert evidence.stages is not None
    values = entropies(evidence.stages.spectra)
    if np.isnan(values).any():
        return np.nan
    return float(np.diff(values).min()) if np.isfinite(values).all() else -np.inf


PROXY = Proxy(
    name="az_progressivity",
    title="AZ-NAS: smallest increase of expressivity from block to block",
    needs=frozenset({"stages"}),
    score=score,
    source="Lee & Ham 2024, arXiv:2403.19232, progressivity",
    fails="decided by one block alone; networks of a constant width, such as vision transformers",
    uses_data=False,
    uses_labels=False,
    constants={"batch": AZ_BATCH},
    minus_infinity="the features of a block are constant",
)
