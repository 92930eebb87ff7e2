"""Names of combinations, and of all that can score: proxies and combinations. A new combination is one line here."""

from __future__ import annotations

from typing import Final

from hwnas.errors import UnknownNameError
from hwnas.proxies.combinations import auto, az_nas, te_nas, vote
from hwnas.proxies.combinations.combination import Combination
from hwnas.proxies.combinations.rank_sums import rank_sum_of
from hwnas.proxies.proxy import Proxy
from hwnas.proxies.registry import PROXIES, known_proxies, plain_name

COMBINATIONS: Final[dict[str, Combination]] = {
    module.COMBINATION.name: module.COMBINATION for module in (auto, az_nas, vote, te_nas)
}
Scorer = Proxy | Combination


def get_scorer(name: str) -> Scorer:
    """The proxy or combination called `name`, in any case, `-` or `_`; `zen+flops` is a sum of ranks.

    Raises `UnknownNameError`, `UsageError`.
    """
    wanted = plain_name(name)
    if "+" in wanted:
        return rank_sum_of([part.strip() for part in wanted.split("+")])
    if wanted in COMBINATIONS:
        return COMBINATIONS[wanted]
    if wanted not in PROXIES and wanted not in known_proxies():
        raise UnknownNameError("proxy", name, {**PROXIES, **COMBINATIONS})
    return PROXIES[wanted]
