"""Devices that users added: their card and models as files, who added them, and from which measurements."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

from sqlalchemy import Connection, delete, func, insert, select

from hwnas.service.store.database import Database, now
from hwnas.service.store.schema import DEVICES, JOBS, PARTS


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
    """Changes whenever a device is added, replaced or removed: number of devices and highest revision."""
    with database.reading() as connection:
        number, highest = connection.execute(select(func.count(), func.max(DEVICES.c.revision))).one()
    return int(number), int(highest or 0)


def added_devices(database: Database) -> list[AddedDevice]:
    """All of them, by name."""
    with database.reading() as connection:
        return [_as_device(row._mapping) for row in connection.execute(select(DEVICES).order_by(DEVICES.c.name))]


def find_device(database: Database, name: str) -> AddedDevice | None:
    """One of them; None where no user added it."""
    with database.reading() as connection:
        row = connection.execute(select(DEVICES).where(DEVICES.c.name == name)).first()
    return None if row is None else _as_device(row._mapping)


def put_device(connection: Connection, device: AddedDevice) -> None:
    """Keep a device in place of one of the same name; its revision is one that no device had."""
    highest = connection.execute(select(func.max(DEVICES.c.revision))).scalar() or 0
    connection.execute(delete(DEVICES).where(DEVICES.c.name == device.name))
    packed = json.dumps({path: base64.b64encode(content).decode() for path, content in device.files.items()})
    payload = select(PARTS.c.content).where(PARTS.c.job == device.job, PARTS.c.part == "payload").scalar_subquery()
    values = {"name": device.name, "added_by": device.added_by, "added_at": now(), "job": device.job}
    values |= {"measurements": payload, "card": device.card, "files": packed.encode()}
    connection.execute(insert(DEVICES).values(revision=highest + 1, **values))


def drop_device(database: Database, name: str) -> bool:
    """Remove a device, and the jobs that adapted it: asked again they must adapt again. Whether it was there."""
    with database.writing() as connection:
        job = connection.execute(select(DEVICES.c.job).where(DEVICES.c.name == name)).scalar()
        if job is None:
            return False
        while job is not None:  # each adaptation came after the one before
            request = connection.execute(select(JOBS.c.request).where(JOBS.c.id == job)).scalar()
            connection.execute(delete(JOBS).where(JOBS.c.id == job))
            connection.execute(delete(PARTS).where(PARTS.c.job == job))
            job = None if request is None else json.loads(request)["after"]
        connection.execute(delete(DEVICES).where(DEVICES.c.name == name))
        return True


def _as_device(row: Any) -> AddedDevice:
    files = {path: base64.b64decode(text) for path, text in json.loads(row["files"]).items()}
    return AddedDevice(**{name: value for name, value in row.items() if name != "measurements"} | {"files": files})


def measurements_of(database: Database, name: str) -> bytes | None:
    """The files that a device was adapted from, as they were uploaded; kept when the job is pruned. None: no such."""
    with database.reading() as connection:
        packed = connection.execute(select(DEVICES.c.measurements).where(DEVICES.c.name == name)).scalar()
    return None if packed is None else zlib.decompress(packed)
