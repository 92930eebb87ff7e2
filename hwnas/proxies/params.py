"""`params`: number of parameters, frozen ones too (baseline)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hwnas.proxies.proxy import Proxy

if TYPE_CHECKING:
    from hwnas.proxies.evidence import Evidence


def score(evidence: Evidence) -> float:
    """Parameters, frozen ones and those of dead operations too; statistics of batch norms are none."""
    assert evidence.graph is not None
    return float(evidence.graph.params)


PROXY = Proxy(
    name="params",
    title="number of parameters, frozen ones too (baseline)",
    needs=frozenset({"graph"}),
    score=score,
    source="baseline, White 2022",
    fails="between networks of the same size; counts operations that never reach the output",
    uses_data=False,
    uses_labels=False,
    by_architecture=True,
    unit="parameters",
)
