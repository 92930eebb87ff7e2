"""`az_trainability`: how near to 1 the gain of each block is for gradients (Lee & Ham 2024)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from hwnas.errors import ProxyError
from hwnas.proxies.az_expressivity import AZ_BATCH
from hwnas.proxies.proxy import Proxy

if TYPE_CHECKING:
    from hwnas.proxies.evidence import Evidence


def score(evidence: Evidence) -> float:
    """Mean over blocks of 2 - s - 1/s, s being the spectral norm of the Jacobian as random signs show it.

    At most 0, where every block has s = 1. -inf where a block is the identity or lets no gradient through; NaN where
    a gradient is not finite.
    """
    assert evidence.stages is not None
    gains = [gain for gain in evidence.stages.gains if gain is not None]
    if not gains:
        raise ProxyError(
            "az_trainability expected a block whose output has the positions of its input, got none; use another proxy"
        )
    if any(map(math.isnan, gains)):
        return math.nan
    if 0 in gains:
        return -math.inf
    return sum(2 - gain - 1 / gain for gain in gains) / len(gains)


PROXY = Proxy(
    name="az_trainability",
    title="AZ-NAS: mean over blocks of 2 - s - 1/s, s the spectral norm of their Jacobian",
    needs=frozenset({"stages"}),
    score=score,
    source="Lee & Ham 2024, arXiv:2403.19232, trainability",
    fails="spaces in which a block may be the identity, as in FBNet: all such networks tie",
    uses_data=False,
    uses_labels=False,
    constants={"batch": AZ_BATCH},
    minus_infinity="a block is the identity or lets no gradient through",
)
