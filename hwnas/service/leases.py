"""Whether the workers of running jobs live: by what is heard of them, in this process's own elapsed time."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final, final

from hwnas.service.logs import log_event
from hwnas.service.store import Database
from hwnas.service.store.work import running_jobs, take_away

LEASE_S: Final = 6.0  # without a beat


@final
class Leases:
    """Watches running jobs. clock: elapsed seconds, which no change of date touches."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._database, self._clock = database, clock
        self._heard: dict[str, tuple[str | None, int, float]] = {}
        self._looked = -LEASE_S

    def look(self, *, own: Sequence[str]) -> None:
        """Take jobs away from workers that were silent for `LEASE_S`. own: leases that are not to be watched."""
        if self._clock() - self._looked < LEASE_S / 6:
            return
        self._looked = self._clock()
        heard: dict[str, tuple[str | None, int, float]] = {}
        for job in running_jobs(self._database):
            if job.worker in own:
                continue
            lease, beat, when = self._heard.get(job.id, (None, -1, 0.0))
            if (lease, beat) != (job.worker, job.beat):
                when = self._clock()
            heard[job.id] = (job.worker, job.beat, when)
            if self._clock() - when > LEASE_S and take_away(self._database, job):
                log_event("taken away", job=job.id, attempts=job.attempts)
        self._heard = heard

    def free(self, job: str, lease: str) -> None:
        """Take a job away at once from a worker whose process for it died."""
        for found in running_jobs(self._database):
            if found.id == job and found.worker == lease:
                take_away(self._database, found)
