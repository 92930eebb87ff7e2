"""`naswot_eval`: NASWOT of a new network in evaluation mode, whose batch norms return their input (Xiang 2023)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hwnas.proxies.naswot import PROXY as NASWOT
from hwnas.proxies.naswot import log_determinant
from hwnas.proxies.proxy import Proxy

if TYPE_CHECKING:
    from hwnas.proxies.evidence import Evidence


def score(evidence: Evidence) -> float:
    """log |det K|, K_ij being the number of units on which images i and j agree; -inf where K is singular."""
    return log_determinant(evidence.unnormalised_agreement, "naswot_eval")


PROXY = Proxy(
    name="naswot_eval",
    title="log-determinant of the agreement of activation patterns, without batch norms",
    needs=frozenset({"unnormalised_agreement"}),
    score=score,
    source="Mellor 2021, arXiv:2006.04647, kernel K_H, as the code of Xiang 2023 (arXiv:2106.06799) evaluates it",
    fails=NASWOT.fails,
    uses_data=True,
    uses_labels=False,
    least_images=2,
    minus_infinity=NASWOT.minus_infinity,
)
