"""One database: SQLite in a file by default, PostgreSQL by its address. Transactions are short; writers take turns."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, final

from sqlalchemy import Connection, Engine, create_engine, event, func, insert, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from hwnas.errors import MissingExtraError, UsageError
from hwnas.service.store.errors import StoreError
from hwnas.service.store.schema import DEVICES, METADATA, NUMBERS

BUSY_MS: Final = 5000  # how long SQLite waits for another writer
TRIES: Final = 3


@final
class Database:
    """Where jobs and devices are kept. Any number of processes may hold one open."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.is_sqlite = engine.dialect.name == "sqlite"

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that only reads. Raises `StoreError`."""
        with _clear_errors(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that is kept whole at the end, or not at all. Raises `StoreError`."""
        with _clear_errors(), self._engine.connect().execution_options(hwnas_writes=True) as connection:
            if self.is_sqlite:  # a reader that turns into a writer fails at once where another one writes
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection
            connection.commit()

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()


def open_database(url: str) -> Database:
    """Open a database, with its tables made where they are not there yet.

    Raises `UsageError` for an address that cannot be, `MissingExtraError` without a driver, `StoreError`.
    """
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
        if parsed.get_backend_name() not in ("sqlite", "postgresql"):
            raise UsageError(f"expected a database of sqlite or postgresql, got {parsed.get_backend_name()!r}")
        if parsed.get_backend_name() == "sqlite" and parsed.database:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(parsed, pool_pre_ping=True, connect_args=_arguments(parsed.get_backend_name()))
    except (ArgumentError, NoSuchModuleError) as error:
        raise UsageError(
            "expected the address of a database such as sqlite:////var/lib/hwnas/jobs.sqlite or "
            f"postgresql://user@host/name, got one that cannot be read ({type(error).__name__})"
        ) from None  # the address may hold a password
    except ImportError:
        raise MissingExtraError("a database of PostgreSQL", "service") from None
    except OSError as error:
        raise StoreError(f"expected to make the folder of the database, got: {error.strerror or error}") from error
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
    database = Database(engine)
    _make_tables(database, engine)
    return database


def _make_tables(database: Database, engine: Engine) -> None:
    """Make what is not there; of several processes that start at once, one is the first."""
    for attempt in range(TRIES):
        try:
            with _clear_errors():
                METADATA.create_all(engine)
            _make_numbers(database)
            return
        except StoreError:
            if attempt + 1 == TRIES:
                raise
            time.sleep(0.2)


def _make_numbers(database: Database) -> None:
    with database.reading() as connection:
        if len(connection.execute(select(NUMBERS)).all()) == 2:
            return
    with database.writing() as connection:
        known = set(connection.execute(select(NUMBERS.c.name)).scalars())
        highest = connection.execute(select(func.max(DEVICES.c.revision))).scalar() or 0
        for name, number in {"identity": secrets.randbits(62), "revision": highest}.items():
            if name not in known:
                connection.execute(insert(NUMBERS).values(name=name, number=number))


def now() -> float:
    """Seconds since 1970; for people and for pruning: no lease depends on it."""
    return time.time()


def _arguments(backend: str) -> dict[str, Any]:
    if backend == "sqlite":
        return {"timeout": BUSY_MS / 1000, "check_same_thread": False}
    return {"connect_timeout": 5}


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    """Readers and a writer at the same time, committed transactions on the disk; we begin transactions ourselves."""
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (f"busy_timeout={BUSY_MS}", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


@contextmanager
def _clear_errors() -> Iterator[None]:
    """One clear error for what a database refuses; the message names no address, which may hold a password."""
    try:
        yield
    except DBAPIError as error:
        said = " ".join(str(error.orig).split()) or type(error.orig).__name__
        raise StoreError(
            f"the database refused: {said[:200]}; try again, or look at the disk and the server"
        ) from error
    except SQLAlchemyError as error:
        raise StoreError(f"the database refused ({type(error).__name__}); try again") from error
