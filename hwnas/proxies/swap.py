"""`swap`: how many different patterns the units of a network make over a few images (Peng 2024)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hwnas.proxies.proxy import Proxy

if TYPE_CHECKING:
    from hwnas.proxies.evidence import Evidence

# The paper's code takes 16: networks on images of 224 pixels then have all 65,536 patterns, and the same score.
SWAP_IMAGES: Final = 32


def score(evidence: Evidence) -> float:
    """Number of distinct on/off patterns over the images that units of activations have; at most 2 to their number."""
    assert evidence.unit_patterns is not None
    return float(evidence.unit_patterns)


PROXY = Proxy(
    name="swap",
    title="number of distinct patterns of single units over 32 images",
    needs=frozenset({"unit_patterns"}),
    score=score,
    source="Peng 2024, arXiv:2403.04161, SWAP-Score without its regularisation by a wanted size",
    fails="activations that are no modules; grows with the number of their units until all patterns are there",
    uses_data=True,
    uses_labels=False,
    least_images=2,
    constants={"images": SWAP_IMAGES},
)
