"""Devices that users added: their card and models as files, who added them, and from which measurements."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

from sqlalchemy import Connection, delete, func, insert, select, update

from hwnas.service.store.database import Database, now
from hwnas.service.store.schema import DEVICES, JOBS, NUMBERS, PARTS


@final
@dataclass(frozen=True, kw_only=True)
class AddedDevice:
    """A device as it is kept. files: those of its models by their path beside the cards; card: the text of its card."""

    name: str
    revision: int
    added_by: str
    added_at: float
    job: str
    card: str
    files: Mapping[str, bytes]


def revision(database: Database) -> tuple[int, int]:
    """Changes whenever a device is added, replaced or removed: number of devices, and how often that was."""
    with database.reading() as connection:
        devices = connection.execute(select(func.count()).select_from(DEVICES)).scalar_one()
        changes = connection.execute(select(NUMBERS.c.number).where(NUMBERS.c.name == "revision")).scalar_one()
    return int(devices), int(changes)


def identity(database: Database) -> str:
    """What tells a database from all others."""
    with database.reading() as connection:
        number = connection.execute(select(NUMBERS.c.number).where(NUMBERS.c.name == "identity")).scalar_one()
    return f"{number:016x}"


def added_devices(database: Database) -> list[AddedDevice]:
    """All of them, by name."""
    with database.reading() as connection:
        return [_as_device(row._mapping) for row in connection.execute(select(DEVICES).order_by(DEVICES.c.name))]


def find_device(database: Database, name: str) -> AddedDevice | None:
    """One of them; None where no user added it."""
    with database.reading() as connection:
        row = connection.execute(select(DEVICES).where(DEVICES.c.name == name)).first()
    return None if row is None else _as_device(row._mapping)


def is_as_seen(connection: Connection, device: AddedDevice) -> bool:
    """Whether the device of this name is the one whose revision was seen (0: none), until the end of the transaction:
    whoever changes a device waits for it."""
    connection.execute(select(NUMBERS.c.number).where(NUMBERS.c.name == "revision").with_for_update())
    found = connection.execute(select(DEVICES.c.revision).where(DEVICES.c.name == device.name)).scalar()
    return (found or 0) == device.revision


def put_device(connection: Connection, device: AddedDevice) -> None:
    """Keep a device in place of one of the same name; its revision is one that no device had."""
    revision = _next_revision(connection)
    connection.execute(delete(DEVICES).where(DEVICES.c.name == device.name))
    packed = json.dumps({path: base64.b64encode(content).decode() for path, content in device.files.items()})
    payload = select(PARTS.c.content).where(PARTS.c.job == device.job, PARTS.c.part == "payload").scalar_subquery()
    values = {"name": device.name, "added_by": device.added_by, "added_at": now(), "job": device.job}
    values |= {"measurements": payload, "card": device.card, "files": packed.encode()}
    connection.execute(insert(DEVICES).values(revision=revision, **values))


def drop_device(database: Database, name: str) -> bool:
    """Remove a device, and the jobs that adapted it: asked again they must adapt again. Whether it was there."""
    with database.writing() as connection:
        _next_revision(connection)
        if not connection.execute(delete(DEVICES).where(DEVICES.c.name == name)).rowcount:
            return False
        adapted = select(JOBS.c.id, JOBS.c.request).where(JOBS.c.kind == "adapt", JOBS.c.state == "done")
        for job, request in connection.execute(adapted).all():
            if json.loads(request)["name"] == name:
                connection.execute(delete(JOBS).where(JOBS.c.id == job))
                connection.execute(delete(PARTS).where(PARTS.c.job == job))
        return True


def _next_revision(connection: Connection) -> int:
    """A revision that no device had; others who want one wait for the end of the transaction."""
    mine = NUMBERS.c.name == "revision"
    connection.execute(update(NUMBERS).where(mine).values(number=NUMBERS.c.number + 1))
    return int(connection.execute(select(NUMBERS.c.number).where(mine)).scalar_one())


def _as_device(row: Any) -> AddedDevice:
    files = {path: base64.b64decode(text) for path, text in json.loads(row["files"]).items()}
    return AddedDevice(**{name: value for name, value in row.items() if name != "measurements"} | {"files": files})


def measurements_of(database: Database, name: str) -> bytes | None:
    """The files that a device was adapted from, as they were uploaded; kept when the job is pruned. None: no such."""
    with database.reading() as connection:
        packed = connection.execute(select(DEVICES.c.measurements).where(DEVICES.c.name == name)).scalar()
    return None if packed is None else zlib.decompress(packed)
