"""`fisher`: how much the loss would change without each channel (Turner 2020, eq. 3; Abdelfattah 2021, section 3.1)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from hwnas.proxies.proxy import Proxy

if TYPE_CHECKING:
    from hwnas.proxies.evidence import ChannelSaliency, Evidence


def score(evidence: Evidence) -> float:
    """Sum over weights of the saliency of their channel.

    That is half the mean over images of (sum over positions of activation times gradient)^2. As in the code of
    Abdelfattah 2021 each weight counts with the saliency of its channel, so that layers of many weights weigh more.
    """
    return math.fsum(_of_layer(layer) for layer in evidence.channel_saliency)


def _of_layer(layer: ChannelSaliency) -> float:
    saliency = 0.5 * layer.products.double().square().mean(dim=0).sum().item()
    return layer.weights_per_channel * saliency


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
