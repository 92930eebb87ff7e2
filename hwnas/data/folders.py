"""Where tables and downloaded files lie, and how a file gets there whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hwnas.errors import DataError


def cache_folder() -> Path:
    """The folder in `HWNAS_DATA`, else the platform's cache folder of hwnas. Looking does not create it."""
    if chosen := os.environ.get("HWNAS_DATA"):
        return Path(chosen).expanduser()
    from platformdirs import user_cache_path

    return user_cache_path("hwnas", appauthor=False)


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
            "free the place, or set HWNAS_DATA to a folder that you can write"
        ) from error


def write_whole(target: Path, content: bytes) -> None:
    """Write a file beside `target` and rename it: readers see the old file or the new one, never a part.

    Raises `DataError` where the folder cannot be written.
    """
    with writing(target):
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".tmp", dir=target.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            os.replace(name, target)
        except BaseException:  # Ctrl-C included: nothing half-written stays behind
            with suppress(OSError):
                os.unlink(name)
            raise
