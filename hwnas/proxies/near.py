"""`near`: how many directions the outputs of the layers fill (Husistein 2025)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hwnas.proxies.proxy import Proxy

if TYPE_CHECKING:
    from hwnas.proxies.evidence import Evidence

NEAR_IMAGES: Final = 16


def score(evidence: Evidence) -> float:
    """Sum over layers and activations of the effective rank of their outputs, positions by channels."""
    return sum(evidence.activation_ranks)


PROXY = Proxy(
    name="near",
    title="sum over layers of the effective rank of their outputs",
    needs=frozenset({"activation_ranks"}),
    score=score,
    source="Husistein 2025, arXiv:2408.08776, NEAR score, of one initialisation",
    fails="grows with the number of layers and channels; sees a few neighbouring positions of a feature map",
    uses_data=True,
    uses_labels=False,
    constants={"images": NEAR_IMAGES},
)
