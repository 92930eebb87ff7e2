"""Devices of the database as cards in this process's user folder, where every function of the API finds them."""

from __future__ import annotations

import time
from contextlib import suppress
from threading import Lock
from typing import final

from hwnas.devices.registry import user_cards
from hwnas.devices.user_devices import remove_device
from hwnas.errors import UnknownNameError, UsageError
from hwnas.folders import write_whole
from hwnas.service.store import Database
from hwnas.service.store.devices import AddedDevice, added_devices, revision


@final
class DeviceFolder:
    """What of the database is in the folder already."""

    def __init__(self, database: Database) -> None:
        self._database, self._lock = database, Lock()
        self._asked = float("-inf")
        self._seen: tuple[int, int] | None = None
        self._written: dict[str, int] = {}

    def refresh(self, *, every_s: float = 0.0) -> None:
        """Write what is new and remove what is gone, where anything changed. Raises `StoreError`, `DataError`.

        every_s: ask the database at most so often.
        """
        if time.monotonic() - self._asked < every_s:
            return
        self._asked, now = time.monotonic(), revision(self._database)
        with self._lock:
            if now == self._seen:
                return
            devices = {device.name: device for device in added_devices(self._database)}
            for name in [name for name in self._written if name not in devices]:
                with suppress(UnknownNameError, UsageError):  # somebody else removed it
                    remove_device(name)
                del self._written[name]
            for device in devices.values():
                if self._written.get(device.name) != device.revision:
                    _write(device)
                    self._written[device.name] = device.revision
            self._seen = now


def _write(device: AddedDevice) -> None:
    """Models first: the card, which names them, comes last."""
    for path, content in device.files.items():
        if not (user_cards() / path).exists():
            write_whole(user_cards() / path, content)
    write_whole(user_cards() / f"{device.name}.toml", device.card.encode())
