"""Tables of the database. Times are seconds since 1970; JSON is ASCII text; numbers of 64 bits."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

METADATA: Final = MetaData()
_NUMBER: Final = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers rows by itself for INTEGER alone

JOBS: Final = Table(
    "hwnas_jobs",
    METADATA,
    Column("seq", _NUMBER, primary_key=True, autoincrement=True),
    Column("id", String(40), nullable=False, unique=True),
    Column("kind", String(20), nullable=False),
    Column("state", String(10), nullable=False),
    Column("request", Text, nullable=False),
    Column("owner", String(80), nullable=False),
    Column("created_at", Float(53), nullable=False),
    Column("started_at", Float(53)),
    Column("finished_at", Float(53)),
    Column("attempts", Integer, nullable=False, default=0),
    Column("beat", _NUMBER, nullable=False, default=0),
    Column("worker", String(80)),
    Column("cancel", Boolean, nullable=False, default=False),
    Column("done", _NUMBER, nullable=False, default=0),
    Column("total", _NUMBER),
    Column("seconds_left", Float(53)),
    Column("error", Text),
    Column("version", _NUMBER, nullable=False, default=1),
    Index("hwnas_jobs_by_state", "state", "seq"),
    Index("hwnas_jobs_by_owner", "owner", "state"),
)

# Apart from the jobs, so that listing them reads none of it.
PARTS: Final = Table(
    "hwnas_job_parts",
    METADATA,
    Column("job", String(40), primary_key=True),
    Column("part", String(12), primary_key=True),  # payload, checkpoint, result or candidates
    Column("content", LargeBinary, nullable=False),
    Column("bytes", _NUMBER, nullable=False),
)

KEYS: Final = Table(
    "hwnas_idempotency_keys",
    METADATA,
    Column("owner", String(80), primary_key=True),
    Column("key", String(200), primary_key=True),
    Column("job", String(40), nullable=False),
    Column("created_at", Float(53), nullable=False),
)

# Numbers of the database as a whole: "identity", by which a folder knows what it keeps; "revision" of the devices.
NUMBERS: Final = Table(
    "hwnas_numbers",
    METADATA,
    Column("name", String(20), primary_key=True),
    Column("number", _NUMBER, nullable=False),
)

DEVICES: Final = Table(
    "hwnas_devices",
    METADATA,
    Column("name", String(80), primary_key=True),
    Column("revision", _NUMBER, nullable=False),
    Column("added_by", String(80), nullable=False),
    Column("added_at", Float(53), nullable=False),
    Column("job", String(40), nullable=False),
    Column("measurements", LargeBinary, nullable=False),
    Column("card", Text, nullable=False),
    Column("files", LargeBinary, nullable=False),
)
