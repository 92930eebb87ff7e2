"""What was measured on a device: networks node by node, a line of JSON each, as they come in.

A run that is killed loses the network that it was at; the file is read up to the last whole line.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, final

from hwnas.errors import DataError, UsageError
from hwnas.folders import write_whole, writing
from hwnas.graphs.onnx_file import RuntimeNode
from hwnas.latency.kernels.recipes import Recipe

PROFILES: Final = "profiles.jsonl"
SETUP: Final = "setup.json"


@final
@dataclass(frozen=True, kw_only=True)
class Profile:
    """One network. nodes: of the graph that the runtime made of it, with the time of each. run_ms: of the whole."""

    recipe: Recipe
    nodes: tuple[RuntimeNode, ...]
    nodes_ms: Mapping[str, float]
    run_ms: float


@final
class ProfileFolder:
    """A folder of profiles of one device in one setting."""

    def __init__(self, folder: Path, setup: Mapping[str, Any]) -> None:
        """Raises `UsageError` where the folder has profiles of another setting."""
        self.path = folder / PROFILES
        kept = folder / SETUP
        try:
            before = json.loads(kept.read_bytes()) if kept.exists() else None
        except (OSError, ValueError) as error:
            raise DataError(f"{kept}: expected the setting of earlier measurements, got {error}") from error
        if before is not None and before != dict(setup):
            changed = [key for key in {*before, *setup} if before.get(key) != setup.get(key)]
            was = ", ".join(f"{key} {before.get(key)!r}, now {setup.get(key)!r}" for key in sorted(changed))
            raise UsageError(
                f"{folder} has measurements of another setting ({was}); name another folder, or --replace it"
            )
        if before is None:
            write_whole(kept, json.dumps(dict(setup), indent=1, sort_keys=True).encode())

    def read(self) -> list[Profile]:
        """All whole lines. Raises `DataError` for one that is no profile."""
        if not self.path.exists():
            return []
        lines = self.path.read_bytes().split(b"\n")
        return [self._profile(number, line) for number, line in enumerate(lines[:-1], start=1)]

    def append(self, profiles: Iterable[Profile]) -> None:
        """Add profiles. Raises `DataError` where the file cannot be written."""
        with writing(self.path):
            if self.path.exists():  # a line that was cut short is written over
                content = self.path.read_bytes()
                whole = content[: content.rfind(b"\n") + 1]
                if len(whole) < len(content):
                    write_whole(self.path, whole)
            with self.path.open("ab") as file:
                for profile in profiles:
                    file.write(json.dumps(_plain(profile)).encode() + b"\n")

    def _profile(self, number: int, line: bytes) -> Profile:
        try:
            plain = json.loads(line)
            return Profile(
                recipe=Recipe(**plain["recipe"]),
                nodes=tuple(RuntimeNode(n[0], n[1], tuple(n[2]), tuple(n[3])) for n in plain["nodes"]),
                nodes_ms={name: float(value) for name, value in plain["nodes_ms"].items()},
                run_ms=float(plain["run_ms"]),
            )
        except (ValueError, KeyError, TypeError, IndexError) as error:
            raise DataError(
                f"{self.path}, line {number}: expected a profile, got {error!r}; remove the line"
            ) from error


def _plain(profile: Profile) -> dict[str, Any]:
    return {
        "recipe": asdict(profile.recipe),
        "nodes": [[node.name, node.kind, list(node.inputs), list(node.outputs)] for node in profile.nodes],
        "nodes_ms": {name: round(value, 7) for name, value in profile.nodes_ms.items()},
        "run_ms": round(profile.run_ms, 7),
    }
