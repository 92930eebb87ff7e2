"""`flops`: floating point operations of one image, 2 x MACs (baseline)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hwnas.proxies.proxy import Proxy

if TYPE_CHECKING:
    from hwnas.proxies.evidence import Evidence


def score(evidence: Evidence) -> float:
    """Operations as torch's flop counter counts them, two for each multiply-accumulate, dead ones included."""
    assert evidence.graph is not None
    return float(evidence.graph.flops)


PROXY = Proxy(
    name="flops",
    title="floating point operations of one image, 2 x MACs (baseline)",
    needs=frozenset({"graph"}),
    score=score,
    source="baseline, White 2022",
    fails="between networks of the same size; counts operations that never reach the output",
    uses_data=False,
    uses_labels=False,
    by_architecture=True,
    unit="FLOPs",
)
