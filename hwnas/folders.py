"""Folders of the user, and how a file gets there, or anywhere else, whole or not at all."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hwnas.errors import DataError, UsageError


def cache_folder() -> Path:
    """`HWNAS_DATA`, else the platform's cache folder for hwnas. It need not exist yet."""
    wanted = os.environ.get("HWNAS_DATA")
    if wanted:
        return Path(wanted).expanduser()
    from platformdirs import user_cache_path

    return user_cache_path("hwnas", appauthor=False)


def config_folder() -> Path:
    """`HWNAS_HOME`, else the platform's configuration folder for hwnas. It need not exist yet."""
    wanted = os.environ.get("HWNAS_HOME")
    if wanted:
        return Path(wanted).expanduser()
    from platformdirs import user_config_path

    return user_config_path("hwnas", appauthor=False)


def require_file(path: Path, what: str) -> None:
    """Raise `UsageError` where a file that somebody named is not there. what: should stand in it."""
    if not path.exists():
        raise UsageError(f"expected {what} in {path}, got no such file")


@contextmanager
def writing(target: Path) -> Iterator[None]:
    """Make the folder of `target`; whatever the system refuses inside becomes one clear `DataError`."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise DataError(f"expected to write {target}, got: {error.strerror or error}; {_advice(target)}") from error


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


def _advice(target: Path) -> str:
    """What to do about a refusal: our own folders can be moved by a variable, any other file by its name."""
    for variable, folder in {"HWNAS_DATA": cache_folder(), "HWNAS_HOME": config_folder()}.items():
        if target.absolute().is_relative_to(folder.absolute()):
            return f"make the folder writable or free space there, or set {variable} to another folder"
    return "make the folder writable or free space there, or choose another file or folder"
