"""Where tables and downloaded files lie, and how a file gets there whole or not at all."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hwnas.errors import DataError
from hwnas.folders import cache_folder


def table_path(name: str) -> Path:
    """Where the converted table `name` lies once it is pulled or imported."""
    return cache_folder() / "tables" / f"{name}.npz"


def file_path(path: str) -> Path:
    """Where a published file lies, by its path in the layout of a mirror."""
    return cache_folder() / "files" / path


@contextmanager
def writing(target: Path) -> Iterator[None]:
    """Make the folder of `target`; whatever the system refuses inside becomes one clear `DataError`."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise DataError(
            f"expected to write {target}, got: {error.strerror or error}; "
            "make the folder writable or free space there, or set HWNAS_DATA to another folder"
        ) from error


def write_whole(target: Path, content: bytes) -> None:
    """Write a file beside `target` and rename it: readers see the old file or the new one, never a part.

    Raises `DataError` where the folder cannot be written.
    """
    with writing(target):
        # Not tempfile: its files are readable by their owner alone, and a cache may be shared.
        part = target.with_name(f".{target.name}.{os.getpid()}-{threading.get_ident()}.tmp")
        try:
            part.write_bytes(content)
            part.replace(target)
        except BaseException:  # Ctrl-C included: nothing half-written stays behind
            with suppress(OSError):
                part.unlink()
            raise
