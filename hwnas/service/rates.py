"""How often one caller may ask: a bucket of tokens for each, that fills up evenly."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, final

BURST_S: Final = 10.0  # a bucket holds what comes in so many seconds
MOST_CALLERS: Final = 10_000  # remembered; the longest silent is forgotten, with a full bucket


@final
class Rates:
    """Buckets by caller. per_second: requests that each may make in the long run; 0 for no limit."""

    def __init__(self, *, per_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._clock = per_second, clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def allows(self, caller: str) -> bool:
        """Whether the caller may make one more request now; it counts as made."""
        if not self._rate:
            return True
        now, full = self._clock(), max(1.0, self._rate * BURST_S)  # of a small rate one request must fit in
        left, when = self._buckets.pop(caller, (full, now))
        left = min(full, left + (now - when) * self._rate)
        allowed = left >= 1
        self._buckets[caller] = (left - 1 if allowed else left, now)
        if len(self._buckets) > MOST_CALLERS:
            self._buckets.popitem(last=False)
        return allowed
