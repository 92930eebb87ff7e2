"""Devices of a user's own: cards in the user's folder, and models adapted from a few measurements beside them.

A model is a folder of `models/` that is named by its contents and never changed. The card, which names it, is written
last: whatever is killed on the way, a device is as it was before or as it is to be.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

from hwnas.devices.card import Card
from hwnas.devices.card_file import read_card, write_card
from hwnas.devices.registry import SHIPPED_CARDS, device_names, get_device, plain_name, user_cards
from hwnas.errors import DataError, UsageError
from hwnas.folders import writing

_DIGITS: Final = 12  # of the checksum in a folder's name


def models_folder() -> Path:
    """Where the folders of adapted models lie, beside the user's cards and apart from the cache."""
    return user_cards() / "models"


def own_card(name: str) -> Card | None:
    """The user's own card of this name; None where there is none. Raises `DataError` for a wrong card."""
    path = user_cards() / f"{name}.toml"
    return read_card(path) if path.exists() else None


def keep_models(name: str, write: Callable[[Path], None]) -> str:
    """Make a folder of models that is whole or absent, and return its name.

    name: what the folder's name begins with. write: puts the files into the folder that it is given.
    Raises `DataError` where the user's folder cannot be written, and what `write` raises.
    """
    part = models_folder() / f".{name}.{os.getpid()}.tmp"
    with writing(part):
        shutil.rmtree(part, ignore_errors=True)  # of a process of the same number that was killed
        part.mkdir()
        try:
            write(part)
            digest = hashlib.sha256()
            for path in sorted(part.iterdir()):
                digest.update(path.name.encode() + path.read_bytes())
            folder = f"{name}-{digest.hexdigest()[:_DIGITS]}"
            if not (models_folder() / folder).exists():
                part.rename(models_folder() / folder)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    return folder


def keep_card(card: Card) -> Path:
    """Write a card into the user's folder, replacing one of the same name; models that only the old one named go.

    Raises `DataError` where it cannot be written or read back; then models that only the new one names go.
    """
    path, named = user_cards() / f"{card.name}.toml", {model.folder for model in card.adapted()}
    before = _model_folders(path)
    try:
        write_card(card, path)
    except BaseException:  # Ctrl-C included: no model without a card stays behind
        _drop_models(named - before)
        raise
    _drop_models(before - named)
    return path


def remove_device(reference: str) -> Path:
    """Remove a user's own device, its card first and then its models. Returns the path of the card.

    A card that cannot be read is known by the name of its file.
    Raises `UnknownNameError`, and `UsageError` for a device that comes with hwnas.
    """
    path = next((path for path in user_cards().glob("*.toml") if path.stem == plain_name(reference)), None)
    if path is None:
        name = get_device(reference).card.name
        path = user_cards() / f"{name}.toml"
        if not path.exists():
            raise UsageError(
                f"expected a device of your own to remove, got {name!r}, which comes with hwnas; yours are the cards "
                f"in {user_cards()}"
            )
    folders = _model_folders(path)
    with writing(path):
        path.unlink()
    _drop_models(folders)
    return path


def require_new_name(name: str) -> None:
    """Refuse a name of a device that comes with hwnas, or an alias of another device. Raises `UsageError`."""
    owner = device_names().get(name)
    if (SHIPPED_CARDS / f"{owner or name}.toml").exists():
        raise UsageError(f"expected a name of its own for the device, got {name!r}, a device that comes with hwnas")
    if owner not in (None, name):
        raise UsageError(f"expected a name of its own for the device, got {name!r}, an alias of {owner!r}")


def _model_folders(path: Path) -> set[str]:
    """The folders of models that a card names, as far as it can be read; none where there is no card."""
    try:
        return {model.folder for model in read_card(path).adapted()} if path.exists() else set()
    except DataError:
        text = path.read_bytes().decode(errors="replace")
        return set(re.findall(r'\bfolder = "([a-z0-9][a-z0-9.-]*)"', text))


def _drop_models(folders: set[str]) -> None:
    for folder in folders:
        shutil.rmtree(models_folder() / folder, ignore_errors=True)
