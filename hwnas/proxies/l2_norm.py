"""`l2_norm`: how large the initial weights are (Abdelfattah 2021, as a baseline)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hwnas.proxies.proxy import Proxy

if TYPE_CHECKING:
    from hwnas.proxies.evidence import Evidence


def score(evidence: Evidence) -> float:
    """Sum over weighted layers of the Euclidean norm of the weights."""
    return float(sum(weight.double().norm().item() for weight in evidence.weights))


PROXY = Proxy(
    name="l2_norm",
    title="sum of weight norms",
    needs=frozenset({"weights"}),
    score=score,
    source="baseline in the code of Abdelfattah 2021, arXiv:2101.08134",
    fails="sees neither data nor connections: it counts layers, weighted by the scale of the initialisation",
    uses_data=False,
    uses_labels=False,
)
