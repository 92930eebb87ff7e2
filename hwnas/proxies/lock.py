"""One writer at a time for a file that is written again and again."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from hwnas.errors import DataError

POLL_SECONDS: Final = 0.5
_BEYOND: Final = 1 << 20  # byte that Windows locks: what lies before it can be read by all
Waits = Callable[[int], None]  # called with the number of the process that is waited for


@contextmanager
def single_writer(target: Path, *, waits: Waits | None = None) -> Iterator[None]:
    """Hold `<target>.lock` inside the block, with this process's number in it.

    waits: called every half second while another process is writing; what it raises ends the waiting.
    The system takes the lock from a process that ends, however it ends: a file that one left holds nobody up, whatever
    number is in it. Raises `DataError` where another process is writing and nobody `waits`, or where the folder cannot
    be written.
    """
    lock = target.with_name(f"{target.name}.lock")
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        while (held := _take(lock)) is None:
            holder = _holder(lock)
            if holder is None:  # given up in between, or not yet written down
                time.sleep(0.001)
                continue
            if waits is None:
                raise DataError(f"process {holder} is writing {target}; wait for it or give another file")
            waits(holder)
            time.sleep(POLL_SECONDS)
    except OSError as error:
        raise DataError(f"expected to write {target}, got: {error.strerror or error}; give another file") from error
    try:
        yield
    finally:
        with suppress(OSError):  # Windows keeps files that are open; nobody is held up by it
            lock.unlink()
        os.close(held)


def _take(lock: Path) -> int | None:
    """The open file whose lock this process has now; None where another one has it."""
    while True:
        file = os.open(lock, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            if not _locked(file):
                os.close(file)
                return None
            if _is_at(file, lock):  # else its holder removed it after it was opened here
                os.ftruncate(file, 0)
                os.write(file, str(os.getpid()).encode())
                return file
        except BaseException:
            os.close(file)
            raise
        os.close(file)


def _is_at(file: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False


def _holder(lock: Path) -> int | None:
    """The number in the file; None where there is none."""
    try:
        return int(lock.read_bytes())
    except (FileNotFoundError, ValueError):
        return None


if sys.platform == "win32":
    import msvcrt

    def _locked(file: int) -> bool:
        """Whether the lock of an open file is this process's now."""
        os.lseek(file, _BEYOND, os.SEEK_SET)
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        os.lseek(file, 0, os.SEEK_SET)
        return True

else:
    import fcntl

    def _locked(file: int) -> bool:
        """Whether the lock of an open file is this process's now."""
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
