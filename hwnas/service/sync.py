"""Devices of the database as cards in this process's user folder, where every function of the API finds them."""

from __future__ import annotations

import threading
from typing import Final

from hwnas.devices.registry import user_cards
from hwnas.devices.user_devices import remove_device
from hwnas.errors import UnknownNameError, UsageError
from hwnas.folders import write_whole
from hwnas.service.store import Database
from hwnas.service.store.devices import added_devices, revision

_LOCK: Final = threading.Lock()
_seen: dict[int, tuple[int, int]] = {}
_written: dict[int, dict[str, int]] = {}


def refresh_devices(database: Database) -> None:
    """Write what is new and remove what is gone, where anything changed. Raises `StoreError`, `DataError`."""
    now = revision(database)
    with _LOCK:
        if _seen.get(id(database)) == now:
            return
        written = _written.setdefault(id(database), {})
        devices = {device.name: device for device in added_devices(database)}
        for name in [name for name in written if name not in devices]:
            _remove(name)
            del written[name]
        for device in devices.values():
            if written.get(device.name) == device.revision:
                continue
            for path, content in device.files.items():  # models first: the card names them
                if not (user_cards() / path).exists():
                    write_whole(user_cards() / path, content)
            write_whole(user_cards() / f"{device.name}.toml", device.card.encode())
            written[device.name] = device.revision
        _seen[id(database)] = now


def _remove(name: str) -> None:
    try:
        remove_device(name)
    except (UnknownNameError, UsageError):  # somebody else removed it
        return
