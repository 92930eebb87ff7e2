"""Folders for temporary files of a process that may be killed: what the dead left is removed at the next start."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedWriter
from multiprocessing.util import Finalize
from pathlib import Path
from typing import Final

_PREFIX: Final = "hwnas-w"  # short: sockets lie within, whose addresses have at most 104 characters
_LOCK: Final = "lock"


@contextmanager
def own_folder() -> Iterator[Path]:
    """An empty folder that is gone afterwards; those whose processes are gone are removed now."""
    folder, lock = _make()
    try:
        yield folder
    finally:
        _remove(folder, lock)


def keep_temporary_files_together() -> None:
    """Have this process and those that it starts put their temporary files into a folder that goes when it ends."""
    folder, lock = _make()
    tempfile.tempdir = os.environ["TMPDIR"] = str(folder)
    # Lower than the priority of multiprocessing's own folder, which lies within and goes first.
    Finalize(None, _remove, (folder, lock), exitpriority=-200)


def remove_left() -> None:
    """Remove folders of our own user whose processes were killed."""
    for lock in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*/{_LOCK}"):
        folder = lock.parent
        if folder.is_symlink() or folder.stat().st_uid != os.getuid():
            continue
        try:
            with lock.open("rb") as held:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:  # its process lives, or another one removes it just now
            continue


def _make() -> tuple[Path, BufferedWriter]:
    """A folder, and the lock on it that this process has as long as it lives."""
    remove_left()
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    lock = (folder / "new").open("wb")
    fcntl.flock(lock, fcntl.LOCK_EX)
    (folder / "new").rename(folder / _LOCK)  # nobody sees it before it is held
    return folder, lock


def _remove(folder: Path, lock: BufferedWriter) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    lock.close()
