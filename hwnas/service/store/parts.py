"""Large parts of jobs: what was uploaded, how far a job came, and its result. Compressed where that helps."""

from __future__ import annotations

import zlib
from typing import Any, Literal

from sqlalchemy import Connection, delete, insert, select

from hwnas.service.store.database import Database
from hwnas.service.store.schema import PARTS

Part = Literal["payload", "checkpoint", "result", "candidates"]


def put_part(connection: Connection, job: str, part: Part, content: bytes) -> None:
    """Keep a part of a job in place of what it was."""
    packed = zlib.compress(content, 6)
    connection.execute(delete(PARTS).where(PARTS.c.job == job, PARTS.c.part == part))
    connection.execute(insert(PARTS).values(job=job, part=part, content=packed, bytes=len(packed)))


def drop_parts(connection: Connection, job: str, *parts: Part) -> None:
    """Drop parts of a job, those that are there."""
    connection.execute(delete(PARTS).where(PARTS.c.job == job, PARTS.c.part.in_(parts)))


def get_part(database: Database, job: str, part: Part) -> bytes | None:
    """A part of a job; None where it has none."""
    with database.reading() as connection:
        return part_of(connection, job, part)


def part_of(connection: Connection, job: str, part: Part) -> bytes | None:
    """As `get_part`, within a transaction."""
    packed: Any = connection.execute(select(PARTS.c.content).where(PARTS.c.job == job, PARTS.c.part == part)).scalar()
    return None if packed is None else zlib.decompress(packed)
