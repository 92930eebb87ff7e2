"""Devices of the database as cards in this process's user folder, where every function of the API finds them."""

from __future__ import annotations

import time
from threading import Lock
from typing import final

from hwnas.devices.registry import user_cards
from hwnas.service.device_cards import (
    are_unused,
    cards_of,
    marked,
    nobody_else_writes,
    remove_card,
    remove_unused,
    write_card,
)
from hwnas.service.logs import log_event
from hwnas.service.store import Database
from hwnas.service.store.devices import AddedDevice, added_devices, identity, revision


@final
class DeviceFolder:
    """What of the database is in the folder already. A card says itself which database keeps it: what was removed
    while no process looked is found by that, and what users made by themselves is left alone."""

    def __init__(self, database: Database) -> None:
        self._database, self._lock = database, Lock()
        self._asked = float("-inf")
        self._seen: tuple[int, int] | None = None

    def refresh(self, *, every_s: float = 0.0) -> None:
        """Write what is new and remove what is gone, where anything changed. Raises `StoreError`, `DataError`.

        every_s: ask the database at most so often, and do not wait for another thread that is at it.
        """
        if not self.is_due(every_s) or not self._lock.acquire(blocking=not every_s):
            return
        try:
            self._asked, now = time.monotonic(), revision(self._database)
            if now != self._seen:
                self._look()
                self._seen = now
        finally:
            self._lock.release()

    def is_due(self, every_s: float) -> bool:
        """Whether the database was not asked for so long."""
        return time.monotonic() - self._asked >= every_s

    def _look(self) -> None:
        its_name = identity(self._database)
        if not any(_changes(added_devices(self._database), its_name)) and not are_unused():
            return  # a folder that cannot be written will do
        with nobody_else_writes():
            written, gone = _changes(added_devices(self._database), its_name)
            for name in gone:
                remove_card(name)
            for device in written:
                aside = write_card(device.name, marked(device.name, device.card, its_name), dict(device.files))
                if aside is not None:
                    log_event("card put aside", device=device.name, file=aside)
            remove_unused()


def _changes(devices: list[AddedDevice], database: str) -> tuple[list[AddedDevice], list[str]]:
    """Devices whose cards are to be written, and names of cards that are to go."""
    known = {device.name for device in devices}
    return [d for d in devices if not _is_there(d, database)], [
        name for name in cards_of(database) if name not in known
    ]


def _is_there(device: AddedDevice, database: str) -> bool:
    path = user_cards() / f"{device.name}.toml"
    if not path.is_file() or path.read_bytes() != marked(device.name, device.card, database).encode():
        return False
    return all((user_cards() / place).exists() for place in device.files)
