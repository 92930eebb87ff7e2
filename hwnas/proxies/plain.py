"""`plain`: first-order change of the loss when all weights shrink together (Abdelfattah 2021)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hwnas.proxies.proxy import Proxy

if TYPE_CHECKING:
    from hwnas.proxies.evidence import Evidence


def score(evidence: Evidence) -> float:
    """Sum over all weights w of w dL/dw, signs kept: what `snip` is before its absolute value."""
    return float(sum((layer.weight.double() * layer.gradient.double()).sum().item() for layer in evidence.gradients))


PROXY = Proxy(
    name="plain",
    title="sum of w dL/dw",
    needs=frozenset({"gradients"}),
    score=score,
    source="baseline in the code of Abdelfattah 2021, arXiv:2101.08134",
    fails="layers followed by batch norm add exactly nothing (their loss does not feel the scale of their weights)",
    uses_data=True,
    uses_labels=True,
)
