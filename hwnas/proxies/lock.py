"""One writer at a time for a file that is written again and again."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from hwnas.errors import DataError

POLL_SECONDS: Final = 0.5
Waits = Callable[[int], None]  # called with the number of the process that is waited for


@contextmanager
def single_writer(target: Path, *, waits: Waits | None = None) -> Iterator[None]:
    """Hold `<target>.lock` inside the block, with this process's number in it.

    waits: called every half second while another process is writing; what it raises ends the waiting.
    The lock of a process that is gone is taken over. Raises `DataError` where another process is writing and nobody
    `waits`, or where the folder cannot be written.
    """
    lock = target.with_name(f"{target.name}.lock")
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        while (holder := _take(lock)) is not None:
            if waits is None:
                raise DataError(
                    f"process {holder} is writing {target}; wait for it or give another file "
                    f"(if that is not so, delete {lock})"
                )
            waits(holder)
            time.sleep(POLL_SECONDS)
    except OSError as error:
        raise DataError(f"expected to write {target}, got: {error.strerror or error}; give another file") from error
    try:
        yield
    finally:
        with suppress(OSError):
            lock.unlink()


def _take(lock: Path) -> int | None:
    """None where the lock is this process's now, else who has it."""
    mine = lock.with_name(f"{lock.name}.{os.getpid()}.{threading.get_ident()}")
    mine.write_text(str(os.getpid()))
    try:
        while True:
            with suppress(FileExistsError):
                os.link(mine, lock)  # with its content or not at all
                return None
            with suppress(FileNotFoundError):  # given up in between
                holder = lock.read_text().strip()
                if holder.isdigit() and _is_alive(int(holder)):
                    return int(holder)
                lock.unlink()
    finally:
        mine.unlink(missing_ok=True)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)  # signal 0 asks only whether it could be sent
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
