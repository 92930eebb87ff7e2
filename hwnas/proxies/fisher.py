"""`fisher`: how much the loss would change without each channel (Turner 2020, eq. 3; Abdelfattah 2021, section 3.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hwnas.proxies.proxy import Proxy

if TYPE_CHECKING:
    from hwnas.proxies.evidence import Evidence


def score(evidence: Evidence) -> float:
    """Sum over channels of half the mean over images of (sum over positions of activation times gradient)^2."""
    return float(sum(0.5 * layer.double().square().mean(dim=0).sum().item() for layer in evidence.channel_saliency))


PROXY = Proxy(
    name="fisher",
    title="sum of channel saliencies (empirical Fisher information of gates on channels)",
    needs=frozenset({"channel_saliency"}),
    score=score,
    source="Turner 2020, arXiv:1906.04113, eq. 3; as a proxy Abdelfattah 2021, section 3.1",
    fails="weakest of the gradient proxies on NAS-Bench-201; a few layers with large gradients decide it",
    uses_data=True,
    uses_labels=True,
)
