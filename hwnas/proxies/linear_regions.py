"""`linear_regions`: into how many linear pieces a network cuts its inputs (Chen 2021, TE-NAS)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hwnas.proxies.proxy import Proxy

if TYPE_CHECKING:
    from hwnas.proxies.evidence import Evidence

REGION_IMAGES: Final = 3000
REGION_PIXELS: Final = 4
REGION_REPEATS: Final = 3


def score(evidence: Evidence) -> float:
    """Mean over random networks of the number of distinct ReLU patterns that 3,000 small images have.

    At full width nearly all patterns differ, and the count says nothing. TE-NAS therefore counts in a network of one
    channel on images of one channel and 3x3 pixels. Here all channels but one of each so many as the first convolution
    has are silenced, which comes to the same in any convolutional network, and images have 4x4 pixels, which halve.
    """
    return sum(evidence.region_counts) / len(evidence.region_counts)


PROXY = Proxy(
    name="linear_regions",
    title="number of linear regions that small images fall into",
    needs=frozenset({"region_counts"}),
    score=score,
    source="Chen 2021, arXiv:2102.11535, section 3.1.2, with the thin network of its code",
    fails="networks without ReLU; deep ones, where every image has a region of its own",
    uses_data=True,
    uses_labels=False,
    constants={"images": REGION_IMAGES, "pixels": REGION_PIXELS, "repeats": REGION_REPEATS},
)
