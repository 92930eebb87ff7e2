"""`macs`: multiply-accumulates of one image (baseline)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hwnas.proxies.proxy import Proxy

if TYPE_CHECKING:
    from hwnas.proxies.evidence import Evidence


def score(evidence: Evidence) -> float:
    """Multiply-accumulates of convolutions and matrix products for one image, dead operations included."""
    assert evidence.graph is not None
    return float(evidence.graph.macs)


PROXY = Proxy(
    name="macs",
    title="multiply-accumulates of one image (baseline)",
    needs=frozenset({"graph"}),
    score=score,
    source="baseline, White 2022",
    fails="between networks of the same size; counts operations that never reach the output",
    uses_data=False,
    uses_labels=False,
    by_architecture=True,
    unit="MACs",
)
