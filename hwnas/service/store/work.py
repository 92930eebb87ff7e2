"""What workers do with jobs: take one, say that they are at it, end it. Every change is fenced by the lease.

A lease is a name that no other attempt has. A worker that was thought dead and is not finds that its lease is gone:
whatever it says then changes nothing, so that a job ends once. Whether a lease is alive is told by its beats, which
grow; how long is for each watcher's own clock of elapsed time, so that no jump of a wall clock ends or keeps one.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, final

from sqlalchemy import Connection, func, select, update

from hwnas.service.store.database import Database, now
from hwnas.service.store.devices import AddedDevice, is_as_seen, put_device
from hwnas.service.store.forms import Job, Kind, State
from hwnas.service.store.jobs import as_job
from hwnas.service.store.parts import drop_parts, put_part
from hwnas.service.store.schema import JOBS

MOST_ATTEMPTS: Final = 5  # begun in a row without a checkpoint in between
_DIED = "expected the worker to live until the job is done, got {} that ended in a row (killed, or out of memory)"


@final
@dataclass(frozen=True, kw_only=True)
class Ending:
    """How a job ends. result: of one that is done; candidates: columns beside a front. device: that it adds, with the
    revision of the one that was there when it began, 0 where there was none. error: problem of one that failed.

    total: steps in all, of one that is done and told: a short one ends before the database heard of them.
    """

    state: State
    result: bytes | None = None
    candidates: bytes | None = None
    device: AddedDevice | None = None
    error: dict[str, Any] | None = None
    total: int | None = None


def claim(database: Database, lease: str, kinds: Sequence[Kind]) -> Job | None:
    """Take the oldest job of these kinds that waits; None where none does."""
    oldest = select(JOBS.c.id).where(JOBS.c.state == "queued", JOBS.c.kind.in_(kinds)).order_by(JOBS.c.seq).limit(1)
    with database.reading() as connection:  # mostly there is nothing: no lock for that
        if connection.execute(oldest).scalar() is None:
            return None
    with database.writing() as connection:
        job = connection.execute(oldest.with_for_update(skip_locked=True)).scalar()
        if job is None:
            return None
        row = connection.execute(select(JOBS).where(JOBS.c.id == job)).one()
        values: dict[str, Any] = {"state": "running", "worker": lease, "started_at": row.started_at or now()}
        counts = {name: JOBS.c[name] + 1 for name in ("attempts", "beat", "version")}
        connection.execute(update(JOBS).where(JOBS.c.id == job).values(**values, **counts))
        return as_job(connection.execute(select(JOBS).where(JOBS.c.id == job)).one())


def beat(
    database: Database,
    job: str,
    lease: str,
    *,
    progress: tuple[int, int | None, float | None],
    checkpoint: bytes | None = None,
) -> bool | None:
    """Say that somebody works on a job, and how far it is. Whether its end was asked for; None: the lease is gone.

    progress: steps done, steps in all, seconds left. checkpoint: what the job goes on from; it makes the attempt count.
    """
    done, total, left = progress
    values: dict[str, Any] = {"done": done, "total": total, "seconds_left": left}
    values |= {"beat": JOBS.c.beat + 1, "version": JOBS.c.version + 1}
    with database.writing() as connection:
        if checkpoint is not None:
            values["attempts"] = 1
        held = _holding(connection, job, lease, values)
        if held and checkpoint is not None:
            put_part(connection, job, "checkpoint", checkpoint)
        if not held:
            return None
        return _is_to_end(connection, job)


def finish(database: Database, job: str, lease: str, ending: Ending) -> bool:
    """End a job; whether it was still ours to end. All of its traces change together, or none.

    A cancellation that was withdrawn while the worker obeyed ends nothing: the job waits again. So it does where its
    device is another by now than it began with: it begins once more, from that one.
    """
    values: dict[str, Any] = {"state": ending.state, "finished_at": now(), "seconds_left": None, "worker": None}
    values |= {"version": JOBS.c.version + 1, "error": None if ending.error is None else json.dumps(ending.error)}
    if ending.state == "done":
        total = JOBS.c.total if ending.total is None else ending.total
        values |= {"cancel": False, "total": total, "done": func.coalesce(total, JOBS.c.done)}
    with database.writing() as connection:
        if ending.device is not None and not is_as_seen(connection, ending.device):
            values, ending = _given_back(), Ending(state="queued")
        if ending.state == "cancelled" and not _is_to_end(connection, job, lock=True):
            values = _given_back()
        if not _holding(connection, job, lease, values):
            return False
        if ending.result is not None:
            put_part(connection, job, "result", ending.result)
            drop_parts(connection, job, "checkpoint")
        if ending.candidates is not None:
            put_part(connection, job, "candidates", ending.candidates)
        if ending.device is not None:
            put_device(connection, ending.device)
        return True


def release(database: Database, job: str, lease: str) -> bool:
    """Give a job back: it waits again, and the attempt does not count. Whether it was ours."""
    with database.writing() as connection:
        return _holding(connection, job, lease, _given_back())


def running_jobs(database: Database) -> list[Job]:
    """Jobs that somebody works on, or did."""
    with database.reading() as connection:
        return [as_job(row) for row in connection.execute(select(JOBS).where(JOBS.c.state == "running"))]


def take_away(database: Database, job: Job) -> bool:
    """Take a job from a worker that shows no life: it waits again, or ends where that was tried often enough.

    Whether nothing was heard of it since `job` was read, neither of its worker nor of who cancels or resumes it.
    """
    values: dict[str, Any] = {"state": "queued"}
    if job.cancel:
        values = {"state": "cancelled", "finished_at": now()}
    elif job.attempts >= MOST_ATTEMPTS:
        from hwnas.service.problems import refusal

        error = refusal(500, _DIED.format(f"{job.attempts} attempts"))
        values = {"state": "failed", "finished_at": now(), "error": json.dumps(error)}
    same = [JOBS.c.state == "running"]
    same += [JOBS.c[name] == getattr(job, name) for name in ("id", "worker", "beat", "cancel")]
    values |= {"worker": None, "seconds_left": None, "version": JOBS.c.version + 1}
    with database.writing() as connection:
        return connection.execute(update(JOBS).where(*same).values(**values)).rowcount == 1


def _holding(connection: Connection, job: str, lease: str, values: dict[str, Any]) -> bool:
    """Change a job that is worked on under this lease; whether it still is."""
    ours = (JOBS.c.id == job, JOBS.c.worker == lease, JOBS.c.state == "running")
    return connection.execute(update(JOBS).where(*ours).values(**values)).rowcount == 1


def _is_to_end(connection: Connection, job: str, *, lock: bool = False) -> bool:
    """Whether somebody asked for a job's end. lock: until the end of the transaction; SQLite ignores it."""
    query = select(JOBS.c.cancel).where(JOBS.c.id == job)
    return bool(connection.execute(query.with_for_update() if lock else query).scalar())


def _given_back() -> dict[str, Any]:
    """Values of a job that waits again after an attempt that does not count."""
    counts = {"version": JOBS.c.version + 1, "attempts": JOBS.c.attempts - 1}
    return {"state": "queued", "worker": None, "seconds_left": None, **counts}
