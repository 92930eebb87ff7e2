"""`snip`: how much the loss would change without each weight, to first order (Lee 2019; Abdelfattah 2021, eq. 1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hwnas.proxies.proxy import Proxy

if TYPE_CHECKING:
    from hwnas.proxies.evidence import Evidence


def score(evidence: Evidence) -> float:
    """Sum over all weights w of |w dL/dw|."""
    return float(sum((layer.weight * layer.gradient).abs().double().sum().item() for layer in evidence.gradients))


PROXY = Proxy(
    name="snip",
    title="sum of connection sensitivities |w dL/dw|",
    needs=frozenset({"gradients"}),
    score=score,
    source="Lee 2019, arXiv:1810.02340; as a proxy Abdelfattah 2021, eq. 1",
    fails="over the best networks of NAS-Bench-201; depends on the scale of the initialisation",
    uses_data=True,
    uses_labels=True,
)
