"""`naswot`: how differently the ReLUs see the images of a batch (Mellor 2021, eq. 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hwnas.proxies.proxy import Proxy

if TYPE_CHECKING:
    from hwnas.proxies.evidence import Evidence


def score(evidence: Evidence) -> float:
    """log |det K|, K_ij being the number of ReLU units on which images i and j agree; -inf where K is singular."""
    assert evidence.relu_agreement is not None
    return float(evidence.relu_agreement.slogdet().logabsdet.item())


PROXY = Proxy(
    name="naswot",
    title="log-determinant of the agreement of ReLU patterns",
    needs=frozenset({"relu_agreement"}),
    score=score,
    source="Mellor 2021, arXiv:2006.04647, section 3 (kernel K_H)",
    fails="networks without ReLU; grows with the number of ReLU units; depends on the batch size",
    uses_data=True,
    uses_labels=False,
)
