"""`grad_sign`: how well the images agree on the direction of every weight (Zhang & Jia 2022)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hwnas.proxies.proxy import Proxy

if TYPE_CHECKING:
    from hwnas.proxies.evidence import Evidence


def score(evidence: Evidence) -> float:
    """Sum over all weights of |sum over images of sign(gradient of the image's loss)|.

    0 where no weight reaches the loss. NaN where a gradient is not finite.
    """
    return float(sum(layer.double().abs().sum().item() for layer in evidence.sign_sums))


PROXY = Proxy(
    name="grad_sign",
    title="agreement of the signs of the images' gradients",
    needs=frozenset({"sign_sums"}),
    score=score,
    source="Zhang & Jia 2022, arXiv:2110.08616, algorithm 1; each image a batch of its own, as in its code",
    fails="grows with the number of weights and images; gradients that are rounding alone vote as well",
    uses_data=True,
    least_images=2,
    uses_labels=True,
    second_order=True,
)
