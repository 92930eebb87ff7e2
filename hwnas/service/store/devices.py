"""Devices that users added: their card and models as files, who added them, and from which measurements."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

from sqlalchemy import Connection, delete, func, insert, select

from hwnas.service.store.database import Database, now
from hwnas.service.store.schema import DEVICES


@final
@dataclass(frozen=True, kw_only=True)
class AddedDevice:
    """A device as it is kept. files: those of its models by their path beside the cards; card: the text of its card."""

    name: str
    revision: int
    added_by: str
    added_at: float
    job: str
    measurements: bytes
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
    values = {"name": device.name, "added_by": device.added_by, "added_at": now(), "job": device.job}
    values |= {"measurements": device.measurements, "card": device.card, "files": packed.encode()}
    connection.execute(insert(DEVICES).values(revision=highest + 1, **values))


def drop_device(database: Database, name: str) -> bool:
    """Remove a device; whether it was there."""
    with database.writing() as connection:
        return connection.execute(delete(DEVICES).where(DEVICES.c.name == name)).rowcount > 0


def _as_device(row: Mapping[str, Any]) -> AddedDevice:
    files = {path: base64.b64decode(text) for path, text in json.loads(row["files"]).items()}
    return AddedDevice(**{**row, "files": files, "measurements": bytes(row["measurements"])})
