"""One writer at a time for a file that is written again and again."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hwnas.errors import DataError


@contextmanager
def single_writer(target: Path) -> Iterator[None]:
    """Hold `<target>.lock` inside the block, with this process's number in it.

    The lock of a process that is gone is taken over. Raises `DataError` where another process is writing, or where
    the folder cannot be written.
    """
    lock = target.with_name(f"{target.name}.lock")
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        _take(lock, target)
    except OSError as error:
        raise DataError(f"expected to write {target}, got: {error.strerror or error}; give another file") from error
    try:
        yield
    finally:
        with suppress(OSError):
            lock.unlink()


def _take(lock: Path, target: Path) -> None:
    try:
        handle = os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
    except FileExistsError:
        holder = lock.read_text().strip()
        if holder.isdigit() and _is_alive(int(holder)):
            raise DataError(
                f"process {holder} is writing {target}; wait for it or give another file "
                f"(if that is not so, delete {lock})"
            ) from None
        lock.unlink(missing_ok=True)
        handle = os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
    with os.fdopen(handle, "w") as file:
        file.write(str(os.getpid()))


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)  # signal 0 asks only whether it could be sent
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
