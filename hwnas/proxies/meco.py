"""`meco`: how far the channels of the feature maps are from depending on each other (Jiang 2023)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hwnas.proxies.proxy import Proxy

if TYPE_CHECKING:
    from hwnas.proxies.evidence import Evidence


def score(evidence: Evidence) -> float:
    """Sum over feature maps of the smallest eigenvalue of the correlations between channels; each is from 0 to 1."""
    return sum(evidence.smallest_eigenvalues)


PROXY = Proxy(
    name="meco",
    title="sum over feature maps of the smallest eigenvalue of the channels' correlations",
    needs=frozenset({"smallest_eigenvalues"}),
    score=score,
    source="Jiang 2023, NeurIPS 36, MeCo: sum over layers of the smallest eigenvalue of P(f), for one random image",
    fails="networks without feature maps; maps with no more positions than channels add nothing, so that networks that "
    "widen their layers, such as MnasNet's, hardly differ",
    uses_data=False,
    uses_labels=False,
)
