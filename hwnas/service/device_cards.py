"""Cards of a database in the user folder: each says at its end which database keeps it, so that no other card goes.

Models that no card names any more stay for as long as somebody may still read them, then they go.
"""

from __future__ import annotations

import fcntl
import hashlib
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from hwnas.devices.registry import user_cards
from hwnas.devices.user_devices import models_folder
from hwnas.folders import write_whole, writing
from hwnas.service.settings import Limits

UNUSED_S: Final = 3600.0 + Limits().job_seconds  # a job may have read a card when it began
_LOCK: Final = ".lock"
_MARK: Final = re.compile(r"# kept by the database (\w+) of a service, sum (\w+)\n\Z")
_FOLDER: Final = re.compile(r"\bfolder = \"([a-z0-9][a-z0-9.-]*)\"")


@contextmanager
def nobody_else_writes() -> Iterator[None]:
    """Hold the folder of cards against other processes of services. Raises `DataError` where it cannot be written."""
    lock = user_cards() / _LOCK
    with writing(lock):
        held = lock.open("ab")
    with held:
        with suppress(OSError):  # a file system that knows no locks
            fcntl.flock(held, fcntl.LOCK_EX)
        yield


@contextmanager
def nobody_writes() -> Iterator[None]:
    """Hold the folder of cards as it is; it need not be writable."""
    try:
        held = (user_cards() / _LOCK).open("rb")
    except OSError:  # no service wrote here
        yield
        return
    with held:
        with suppress(OSError):
            fcntl.flock(held, fcntl.LOCK_SH)
        yield


def copy_cards(target: Path) -> None:
    """Copy cards and models as they are at one moment; nothing where there are none."""
    if user_cards().is_dir():
        with nobody_writes():
            shutil.copytree(user_cards(), target, ignore=shutil.ignore_patterns(".*"))


def marked(name: str, card: str, database: str) -> str:
    """The text of a card with the mark of the database that keeps it."""
    return f"{card}# kept by the database {database} of a service, sum {_sum(name, card)}\n"


def database_of(path: Path) -> str | None:
    """The database that keeps a card; None of one that a user made, or changed, or that is not there."""
    try:
        text = path.read_bytes().decode()
    except (OSError, UnicodeDecodeError):
        return None
    found = _MARK.search(text)
    if found is None or found[2] != _sum(path.stem, text[: found.start()]):
        return None
    return found[1]


def cards_of(database: str) -> list[str]:
    """Names of the cards that a database keeps here."""
    return [path.stem for path in sorted(user_cards().glob("*.toml")) if database_of(path) == database]


def write_card(name: str, text: str, files: dict[str, bytes]) -> str | None:
    """Write a device that a database keeps, its models first: the card, which names them, comes last. A card of the
    same name that a user made is put aside, and its new name given back. The folder is held."""
    path = user_cards() / f"{name}.toml"
    for place, content in files.items():
        if not (user_cards() / place).exists():
            write_whole(user_cards() / place, content)
    before = _text(path)
    aside = None
    if before.strip() and database_of(path) is None and not text.startswith(before):
        aside = f"{path.name}.{_sum(name, before)[:8]}.own"
        write_whole(path.with_name(aside), path.read_bytes())
    write_whole(path, text.encode())
    _note_unused(before)
    return aside


def remove_card(name: str) -> None:
    """Remove a card; its models stay for a while. The folder is held."""
    path = user_cards() / f"{name}.toml"
    before = _text(path)
    with writing(path):
        path.unlink(missing_ok=True)
    _note_unused(before)


def are_unused() -> bool:
    """Whether there are models that no card named when it was last looked."""
    return any(models_folder().glob(".*.unused"))


def remove_unused() -> None:
    """Remove models that no card names, and did not for `UNUSED_S`. The folder is held."""
    named = "".join(_text(path) for path in user_cards().glob("*") if path.is_file())  # also cards put aside
    for note in models_folder().glob(".*.unused"):
        folder = note.name.removeprefix(".").removesuffix(".unused")
        with suppress(OSError):
            if folder not in named and time.time() - note.stat().st_mtime > UNUSED_S:
                shutil.rmtree(models_folder() / folder, ignore_errors=True)
                note.unlink()
            elif folder in named:
                note.unlink()


def _note_unused(card: str) -> None:
    """Note since when the models of a card that was may be unused."""
    for folder in set(_FOLDER.findall(card)):
        note = models_folder() / f".{folder}.unused"
        if (models_folder() / folder).is_dir() and not note.exists():
            write_whole(note, b"")


def _text(path: Path) -> str:
    return path.read_bytes().decode(errors="replace") if path.is_file() else ""


def _sum(name: str, card: str) -> str:
    return hashlib.sha256(f"{name}\n{card}".encode()).hexdigest()[:16]
