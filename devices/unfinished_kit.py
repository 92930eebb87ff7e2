"""Kits whose nets take long to make: what an interrupted one has is kept, and the same kit goes on from there."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, final

from hwnas.devices.agent.files import sha256_of
from hwnas.devices.kit import MANIFEST, KitFacts, KitNet, OtherKitError, manifest_of
from hwnas.folders import write_whole, writing

_SO_FAR: Final = "unfinished.json"  # the manifest of a kit that is being made


@final
class UnfinishedKit:
    """The kit of these planned nets, whose sums and shapes are not known yet, in a folder.

    Raises `OtherKitError` where the folder holds another kit that is finished.
    """

    def __init__(self, folder: Path, facts: KitFacts, planned: Sequence[KitNet]) -> None:
        self._folder, self._facts = folder, facts
        finished, begun = _read(folder / MANIFEST), _read(folder / _SO_FAR)
        if finished is not None and not self._is(finished, planned):
            raise OtherKitError(folder)
        lines: list[dict[str, Any]] = []
        for found in (begun, finished):
            lines = found["nets"] if found and self._has_facts(found) else lines
        made = [KitNet(**{**line, "input_shape": tuple(line["input_shape"])}) for line in lines]
        self._made = {(net.name, net.arch, net.role): net for net in made if self._is_whole(net)}

    def made(self, planned: KitNet) -> KitNet | None:
        """The net where its file is in the folder already, whole."""
        return self._made.get((planned.name, planned.arch, planned.role))

    def keep(self, nets: Sequence[KitNet], content: bytes) -> None:
        """Write the file of the last of the nets that are there now. Raises `DataError` where it cannot be written."""
        write_whole(self._folder / nets[-1].file, content)
        write_whole(self._folder / _SO_FAR, json.dumps(manifest_of(self._facts, nets)).encode())

    def finished(self) -> None:
        """Forget that it was unfinished."""
        with writing(self._folder / _SO_FAR):
            (self._folder / _SO_FAR).unlink(missing_ok=True)

    def _has_facts(self, found: dict[str, Any]) -> bool:
        return {**found, "nets": []} == manifest_of(self._facts, [])

    def _is(self, found: dict[str, Any], planned: Sequence[KitNet]) -> bool:
        lines = [(line["name"], line["arch"], line["role"]) for line in found["nets"]]
        return self._has_facts(found) and lines == [(net.name, net.arch, net.role) for net in planned]

    def _is_whole(self, net: KitNet) -> bool:
        path = self._folder / net.file
        return path.is_file() and sha256_of(path) == net.sha256


def _read(path: Path) -> dict[str, Any] | None:
    """A manifest; None where there is none that can be read."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and isinstance(found.get("nets"), list) else None
