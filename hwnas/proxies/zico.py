"""`zico`: how steady the gradients are from batch to batch (Li 2023)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from hwnas.proxies.proxy import Proxy

if TYPE_CHECKING:
    from hwnas.proxies.evidence import Evidence


def score(evidence: Evidence) -> float:
    """Sum over layers of the log of the sum over weights of mean |g| / std g, over the two halves of the batch.

    As in the paper's code, the deviation is that of the signed gradients, divided by 2 and not by 1, weights whose
    gradients do not differ are left out, and so are layers that have no others. -inf where no layer is left.
    """
    total, layers = 0.0, 0
    for gradients in evidence.half_gradients:
        pair = gradients.double()
        if not pair.isfinite().all():
            return math.nan
        deviation = pair.std(dim=0, correction=0)
        differ = deviation > 0
        if differ.any():
            total += math.log((pair.abs().mean(dim=0)[differ] / deviation[differ]).sum().item())
            layers += 1
    return total if layers else -math.inf


PROXY = Proxy(
    name="zico",
    title="inverse coefficient of variation of the gradients",
    needs=frozenset({"half_gradients"}),
    score=score,
    source="Li 2023, arXiv:2301.11300, eq. 16, on two batches, as its code computes it",
    fails="grows with the number of layers and weights; two batches make a noisy deviation",
    uses_data=True,
    least_images=2,
    uses_labels=True,
    constants={"batches": 2},
    minus_infinity="no weight has gradients that differ between the halves of the batch",
)
