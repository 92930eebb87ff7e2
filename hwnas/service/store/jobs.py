"""Jobs in the database: asked for, listed, cancelled, resumed. What workers do with them stands in `work.py`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, final

from sqlalchemy import Connection, func, insert, select, update

from hwnas.service.store.database import Database, now
from hwnas.service.store.errors import KeyReusedError, TooManyJobsError
from hwnas.service.store.forms import FINAL, Job, Kind, State
from hwnas.service.store.parts import part_of, put_part
from hwnas.service.store.schema import JOBS, KEYS

_DIGITS: Final = 32  # of a job's id: 128 bits


@final
@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a job is asked. payload: a file that belongs to it. again: the state of the world that the answer is for.

    anew: whether one that is done answers nothing: it is asked for another answer, under another id.
    """

    kind: Kind
    request: Mapping[str, Any]
    payload: bytes | None = None
    again: str = ""
    anew: bool = False

    @property
    def id(self) -> str:
        """The same for the same question: a hash of everything that the answer depends on."""
        return self.id_of(0)

    def id_of(self, answers: int) -> str:
        """The id where there are so many answers already that do not count."""
        again = f"{self.again}#{answers}" if answers else self.again
        digest = hashlib.sha256(canonical({"kind": self.kind, "request": self.request, "again": again}).encode())
        digest.update(hashlib.sha256(self.payload or b"").digest())
        return digest.hexdigest()[:_DIGITS]


def canonical(value: Any) -> str:
    """JSON that is equal for equal values: sorted, ASCII, without spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def submit(database: Database, asked: Asked, *, owner: str, most: int, key: str | None = None) -> tuple[Job, bool]:
    """The job of this question, and whether it is new; one that failed or was cancelled is resumed.

    most: unfinished jobs that `owner` may have. key: idempotency key of the caller, which leads to the same job also
    where the world changed since, or the question is asked anew.
    Raises `TooManyJobsError`, `KeyReusedError`, `StoreError`.
    """
    with database.writing() as connection:
        job = None if key is None else _job_of_key(connection, owner, key, asked)
        if job is None:
            job = _job_of(connection, asked)
            if key is not None:
                connection.execute(insert(KEYS).values(owner=owner, key=key, job=job, created_at=now()))
        found = _row(connection, job, lock=True)
        if found is not None and not _go_on(connection, found, owner, most):
            return as_job(found), False
        if found is None:
            _require_room(connection, owner, most)
            values = {"kind": asked.kind, "request": canonical(asked.request), "owner": owner}
            connection.execute(insert(JOBS).values(id=job, state="queued", created_at=now(), **values))
            if asked.payload is not None:
                put_part(connection, job, "payload", asked.payload)
        row = _row(connection, job)
        assert row is not None
        return as_job(row), True


def find_job(database: Database, job: str) -> Job | None:
    """A job by its id; None where there is none."""
    with database.reading() as connection:
        row = _row(connection, job)
    return None if row is None else as_job(row)


def list_jobs(
    database: Database, *, before: int | None, limit: int, state: State | None = None, kind: Kind | None = None
) -> list[Job]:
    """At most `limit` jobs, the newest first, of those that came before number `before`."""
    query = select(JOBS).order_by(JOBS.c.seq.desc()).limit(limit)
    for column, value in ((JOBS.c.state, state), (JOBS.c.kind, kind)):
        if value is not None:
            query = query.where(column == value)
    if before is not None:
        query = query.where(JOBS.c.seq < before)
    with database.reading() as connection:
        return [as_job(row) for row in connection.execute(query)]


def cancel(database: Database, job: str) -> Job | None:
    """Ask for a job's end: at once where nobody works on it. A finished job stays as it is. None: no such job."""
    with database.writing() as connection:
        row = _row(connection, job, lock=True)
        if row is None or row.state in FINAL:
            return None if row is None else as_job(row)
        values: dict[str, Any] = {"cancel": True, "version": JOBS.c.version + 1}
        if row.state == "queued":
            values |= {"state": "cancelled", "finished_at": now(), "seconds_left": None}
        connection.execute(update(JOBS).where(JOBS.c.id == job).values(**values))
        row = _row(connection, job)
        assert row is not None
        return as_job(row)


def resume(database: Database, job: str, *, owner: str, most: int) -> Job | None:
    """Begin a failed or cancelled job again, from its checkpoint, and withdraw the cancellation of one that does not
    heed it yet; others stay as they are. None: no such job."""
    with database.writing() as connection:
        row = _row(connection, job, lock=True)
        if row is not None and _go_on(connection, row, owner, most):
            row = _row(connection, job)
        return None if row is None else as_job(row)


def count_by_state(database: Database) -> dict[str, int]:
    """How many jobs there are in each state."""
    with database.reading() as connection:
        rows = connection.execute(select(JOBS.c.state, func.count()).group_by(JOBS.c.state))
        return {state: int(number) for state, number in rows}


def as_job(row: Any) -> Job:
    """The job of a row."""
    values = dict(row._mapping)
    values["request"] = json.loads(values["request"])
    values["error"] = None if values["error"] is None else json.loads(values["error"])
    values["cancel"] = bool(values["cancel"])
    return Job(**values)


def _row(connection: Connection, job: str, *, lock: bool = False) -> Any:
    """lock: until the end of the transaction; SQLite, which knows one writer, ignores it."""
    query = select(JOBS).where(JOBS.c.id == job)
    return connection.execute(query.with_for_update() if lock else query).first()


def _go_on(connection: Connection, row: Any, owner: str, most: int) -> bool:
    """Have a job go on that failed, was cancelled, or is to be; whether it was one. The row is locked."""
    values: dict[str, Any] = {"cancel": False, "version": JOBS.c.version + 1}
    if row.state in ("failed", "cancelled"):
        _require_room(connection, owner, most)
        values |= {"state": "queued", "attempts": 0, "error": None, "finished_at": None, "worker": None}
    elif not row.cancel:
        return False
    connection.execute(update(JOBS).where(JOBS.c.id == row.id).values(**values))
    return True


def _require_room(connection: Connection, owner: str, most: int) -> None:
    waiting = select(func.count()).where(JOBS.c.owner == owner, JOBS.c.state.not_in(FINAL))
    number = connection.execute(waiting).scalar_one()
    if number >= most:
        raise TooManyJobsError(number, most)


def _job_of(connection: Connection, asked: Asked) -> str:
    """The id of a question: asked anew, that of the first job of it that is not done."""
    answers = 0
    while asked.anew and (row := _row(connection, asked.id_of(answers))) is not None and row.state == "done":
        answers += 1
    return asked.id_of(answers)


def _job_of_key(connection: Connection, owner: str, key: str, asked: Asked) -> str | None:
    """The job that a key is tied to; None where it is to none. Raises `KeyReusedError` where that was asked another."""
    job: str | None = connection.execute(select(KEYS.c.job).where(KEYS.c.owner == owner, KEYS.c.key == key)).scalar()
    if job is None or job == asked.id:
        return job
    row, payload = _row(connection, job), part_of(connection, job, "payload")
    if row is None or (row.kind, row.request, payload) != (asked.kind, canonical(asked.request), asked.payload):
        raise KeyReusedError(key)
    return job
