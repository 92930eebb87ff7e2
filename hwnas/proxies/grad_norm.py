"""`grad_norm`: how strongly the loss pulls on the weights before any training (Abdelfattah 2021, section 3.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hwnas.proxies.proxy import Proxy

if TYPE_CHECKING:
    from hwnas.proxies.evidence import Evidence


def score(evidence: Evidence) -> float:
    """Sum over weighted layers of the Euclidean norm of the loss gradient."""
    return float(sum(layer.gradient.double().norm().item() for layer in evidence.gradients))


PROXY = Proxy(
    name="grad_norm",
    title="sum of gradient norms of the loss",
    needs=frozenset({"gradients"}),
    score=score,
    source="Abdelfattah 2021, section 3.1",
    fails="over the best networks of NAS-Bench-201; depends on the scale of the initialisation",
    uses_data=True,
    uses_labels=True,
)
