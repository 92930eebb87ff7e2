"""Old results go: by age, and the oldest beyond a size in all."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, final

from sqlalchemy import Connection, delete, func, select

from hwnas.service.settings import Settings
from hwnas.service.store.database import Database, now
from hwnas.service.store.forms import FINAL
from hwnas.service.store.schema import JOBS, KEYS, PARTS

DAY_S: Final = 24 * 3600.0
JUMP_S: Final = 3600.0  # the wall clock may run ahead of elapsed time by so much before it is not believed


@final
class Pruning:
    """Deletes finished jobs with all their parts. A wall clock that jumped ahead deletes nothing by age."""

    def __init__(
        self,
        database: Database,
        settings: Settings,
        *,
        wall: Callable[[], float] = now,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database, self._settings, self._wall, self._elapsed = database, settings, wall, elapsed
        self._began = (wall(), elapsed())

    def prune(self) -> int:
        """Delete what is too old or too much; how many jobs went. Raises `StoreError`."""
        ahead = (self._wall() - self._began[0]) - (self._elapsed() - self._began[1])
        gone = 0 if ahead > JUMP_S else self._by_age(self._wall() - self._settings.keep_days * DAY_S)
        return gone + self._by_size()

    def _by_age(self, oldest: float) -> int:
        old = select(JOBS.c.id).where(JOBS.c.state.in_(FINAL), JOBS.c.finished_at < oldest)
        with self._database.writing() as connection:
            connection.execute(delete(KEYS).where(KEYS.c.created_at < oldest))
            return _delete(connection, list(connection.execute(old).scalars()))

    def _by_size(self) -> int:
        sizes = (
            select(JOBS.c.id, func.sum(PARTS.c.bytes))
            .join(PARTS, PARTS.c.job == JOBS.c.id)
            .where(JOBS.c.state.in_(FINAL))
            .group_by(JOBS.c.id, JOBS.c.finished_at)
            .order_by(JOBS.c.finished_at.desc())
        )
        with self._database.reading() as connection:
            rows = list(connection.execute(sizes))
        total, too_much = 0, []
        for job, size in rows:
            total += int(size)
            if total > self._settings.keep_bytes:
                too_much.append(job)
        if not too_much:
            return 0
        with self._database.writing() as connection:
            return _delete(connection, too_much)


def _delete(connection: Connection, jobs: list[str]) -> int:
    """Delete jobs that are still finished, with their parts."""
    for job in jobs:
        if connection.execute(delete(JOBS).where(JOBS.c.id == job, JOBS.c.state.in_(FINAL))).rowcount:
            connection.execute(delete(PARTS).where(PARTS.c.job == job))
            connection.execute(delete(KEYS).where(KEYS.c.job == job))
    return len(jobs)
