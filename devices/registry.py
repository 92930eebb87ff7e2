"""Names of devices, as they arrive from the command line, HTTP or files, and the cards behind them.

Shipped cards lie beside this file; a user's own lie in `devices/` of the user folder. A user's card of the same name
replaces a shipped one; any other name that two cards share is an error.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

from hwnas.devices.card import Card, Device
from hwnas.devices.card_file import read_card, read_names
from hwnas.errors import DataError, UnknownNameError, tell_once
from hwnas.folders import config_folder

SHIPPED_CARDS: Final = Path(__file__).parent / "cards"


def user_cards() -> Path:
    """Folder of the user's own cards: `devices/` in `HWNAS_HOME`, else in the platform's configuration folder."""
    return config_folder() / "devices"


def load_devices() -> dict[str, Card]:
    """Every card by its name, sorted; a user's card that is wrong is passed over, and said once.

    Raises `DataError` for a wrong shipped card and for names that clash.
    """
    files, _ = _index()
    cards = {}
    for name, path in sorted(files.items()):
        try:
            cards[name] = read_card(path)
        except DataError as error:
            _pass_over(path, error)
    return cards


def wrong_cards() -> dict[Path, DataError]:
    """The user's cards that cannot be read, each with what is wrong."""
    wrong = {}
    for path in sorted(user_cards().glob("*.toml")):
        try:
            read_card(path)
        except DataError as error:
            wrong[path] = error
    return wrong


def get_device(reference: str) -> Device:
    """The device that `reference` means: a name or alias in any case, with `@variant` where not the default is meant.

    "_" and spaces may stand for "-". Raises `UnknownNameError` with the nearest names, `DataError` for a wrong card.
    """
    name, at, variant = plain_name(reference).partition("@")
    files, names = _index()
    if name not in names:
        raise UnknownNameError("device", reference, names, listed=files)
    return read_card(files[names[name]]).device(variant if at else None)


def kept_name(device: Device) -> str:
    """How files of predictions call a device: by its variant, but for the default one of the shipped card.

    A user's card in the place of a shipped one may have another default: its reference would then mean another variant.
    """
    shipped = SHIPPED_CARDS / f"{device.name}.toml"
    if not (shipped.exists() and (user_cards() / shipped.name).exists()):
        return device.reference
    return replace(device, card=replace(device.card, default_variant=read_card(shipped).default_variant)).reference


def plain_name(reference: str) -> str:
    """A reference as names are written: lower case, with "-" for "_" and spaces."""
    return reference.strip().lower().replace("_", "-").replace(" ", "-")


def device_names() -> dict[str, str]:
    """Names of devices by every name and alias. Raises `DataError` for names that clash."""
    return _index()[1]


def _index() -> tuple[dict[str, Path], dict[str, str]]:
    """Files by device name, and device names by every name and alias. Read anew each time: 2 ms for 17 cards."""
    files = {path.stem: path for folder in (SHIPPED_CARDS, user_cards()) for path in sorted(folder.glob("*.toml"))}
    names: dict[str, str] = {}
    for path in files.values():
        for name in _names(path):
            other = names.setdefault(name, path.stem)
            if other != path.stem:
                raise DataError(
                    f"{path}: {name!r} is already a name of device {other!r} ({files[other]}); "
                    "change it, or call the file and the device like the one to replace"
                )
    return files, names


def _names(path: Path) -> tuple[str, ...]:
    """Name and aliases of a card; of a user's that is wrong the name of its file, so that asking for it says why."""
    try:
        return read_names(path)
    except DataError as error:
        _pass_over(path, error)
        return (path.stem,)


def _pass_over(path: Path, error: DataError) -> None:
    """Say that a user's card is passed over; an error about a shipped one is raised again."""
    if path.parent != user_cards():
        raise error
    tell_once(f"note: passed over a card of your own: {error}; `hwnas devices {path.stem} --remove` removes it")
