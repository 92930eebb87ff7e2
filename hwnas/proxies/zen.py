"""`zen`: the expressivity of a network with Gaussian weights (Lin 2021, algorithm 1)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from hwnas.proxies.proxy import Proxy

if TYPE_CHECKING:
    from hwnas.proxies.evidence import Evidence

ZEN_REPEATS: Final = 4
ZEN_BATCH: Final = 16
ZEN_MIXUP: Final = 1e-2


def score(evidence: Evidence) -> float:
    """Mean over repeats of log E||f(x) - f(x + a e)|| plus the sum over batch norms of log sigma.

    The second term gives back the scale that batch norm removes. -inf where the features do not depend on the input;
    NaN where they overflow.
    """
    response = evidence.gaussian
    assert response is not None
    scores = [
        (-math.inf if change == 0 else math.log(change)) + log_spread
        for change, log_spread in zip(response.change, response.log_spread, strict=True)
    ]
    return sum(scores) / len(scores)


PROXY = Proxy(
    name="zen",
    title="Zen-score: log of the response to a small change of the input, with batch-norm compensation",
    needs=frozenset({"gaussian"}),
    score=score,
    source="Lin 2021, arXiv:2102.01063, algorithm 1",
    fails="spaces with average pooling and skip connections in parallel; prefers depth",
    uses_data=False,
    uses_labels=False,
    constants={"repeats": ZEN_REPEATS, "batch": ZEN_BATCH, "mixup": ZEN_MIXUP},
    minus_infinity="the features do not depend on the input",
)
