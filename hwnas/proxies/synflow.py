"""`synflow`: the flow of weight through the linearised network (Tanaka 2020, eq. 4; Abdelfattah 2021, eq. 1)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from hwnas.proxies.proxy import Proxy

if TYPE_CHECKING:
    from hwnas.proxies.evidence import Evidence


def score(evidence: Evidence) -> float:
    """Natural logarithm of the sum over all weights of |w dR/dw|, where R sums the logits of the linearised network.

    The sum itself reaches 1e30 in deep networks; its logarithm keeps the order. -inf where no input reaches the output;
    NaN where the flow is undefined.
    """
    total = sum((layer.weight * layer.gradient).abs().sum().item() for layer in evidence.synflow)
    return -math.inf if total == 0 else math.log(total)


PROXY = Proxy(
    name="synflow",
    title="logarithm of the synaptic flow of the linearised network",
    needs=frozenset({"synflow"}),
    score=score,
    source="Tanaka 2020, arXiv:2006.05467, eq. 4; as a proxy Abdelfattah 2021, eq. 1; here its logarithm",
    fails="prefers wide and deep networks whatever the task; sees neither batch norm nor data",
    uses_data=False,
    uses_labels=False,
    minus_infinity="no path leads from the input to the output",
)
