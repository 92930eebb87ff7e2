"""Costs that are known: nothing is asked twice, and a file of them is the checkpoint of a search."""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, final

import numpy as np

from hwnas.arrays import Array, Bool, Float, Integer
from hwnas.errors import DataError, UsageError
from hwnas.folders import write_whole
from hwnas.spaces import Space

_DAMAGE: Final = (OSError, ValueError, KeyError, EOFError, UnicodeDecodeError)


@final
class KnownCosts:
    """Costs by the key of an architecture, in memory or beside that in a file.

    path: file that is read, and written by `save`; None for none. facts: what decides the costs beside the space, such
    as the name and version of an objective, plain values: a file of other facts is refused. What is not among them
    cannot be noticed: an objective that was edited takes a file of the old one for its own.
    Raises `DataError` for a damaged file or one of other facts, `UsageError` for a path or facts that cannot be.
    """

    def __init__(self, path: Path | str | None = None, *, facts: Mapping[str, Any] | None = None) -> None:
        if not isinstance(path, str | os.PathLike | None):
            raise UsageError(f"expected the path of a file, or None, got {path!r}; facts are given by keyword")
        self.path = None if path is None else Path(path)
        self._facts = _written(facts)
        self._space: dict[str, Any] | None = None
        self._costs: dict[int, Float[Array, " m"]] = {}
        self._saved = 0
        if self.path is not None and self.path.is_file():
            self._load(self.path)

    def __len__(self) -> int:
        return len(self._costs)

    def belong_to(self, space: Space, *, costs: int) -> None:
        """Take these for the costs of architectures of a space, so many of each; the file says so once it is saved.

        Raises `DataError` where the file, `UsageError` where the memory has others. A file of an earlier version says
        no space: it is read where its facts have "space", the name, else refused.
        """
        asked = {"space": space.name, "choices": [int(choice) for choice in space.choices], "costs": costs}
        if self._space is None and self._costs:
            name = json.loads(self._facts).get("space", None if self._saved else space.name)
            if name is None:
                raise self._refusal(asked, "those of an earlier version, which does not say the space")
            if name != space.name:
                raise self._refusal(asked, f"those of {name!r}")
            self._space = {**asked, "costs": len(next(iter(self._costs.values())))}
        if self._space is not None and self._space != asked:
            raise self._refusal(asked, _described(self._space))
        self._space = asked

    def lacks(self, keys: Integer[Array, " n"]) -> Bool[Array, " n"]:
        """Which keys are not known; of equal ones the first alone."""
        seen: set[int] = set()
        lacking = [key not in self._costs and not (key in seen or seen.add(key)) for key in keys.tolist()]  # type: ignore[func-returns-value]
        return np.array(lacking, dtype=np.bool_)

    def costs(self, keys: Integer[Array, " n"]) -> Float[Array, "n m"]:
        """Costs of known keys."""
        width = len(next(iter(self._costs.values()), ()))
        return np.array([self._costs[key] for key in keys.tolist()], dtype=np.float64).reshape(len(keys), width)

    def add(self, keys: Integer[Array, " n"], costs: Float[Array, "n m"]) -> None:
        """Keep costs. Raises `UsageError` for another number of costs than is known of other architectures."""
        width = len(next(iter(self._costs.values()), costs.T))
        if costs.shape[1] != width:
            raise UsageError(f"expected {width} costs of each architecture, as of those known, got {costs.shape[1]}")
        self._costs.update(zip(keys.tolist(), costs, strict=True))

    def save(self) -> None:
        """Write the file, whole or not at all, where there is something new. Raises `DataError`."""
        if self.path is None or len(self) == self._saved:
            return
        file, space = io.BytesIO(), b"" if self._space is None else _written(self._space).encode()
        keys = np.array(list(self._costs), dtype=np.int64)
        costs = self.costs(keys)
        np.savez_compressed(
            file,
            facts=np.frombuffer(self._facts.encode(), dtype=np.uint8),
            keys=keys,
            costs=costs,
            space=np.frombuffer(space, dtype=np.uint8),
            sha256=np.frombuffer(_digest(keys, costs, space), dtype=np.uint8),
        )
        write_whole(self.path, file.getvalue())
        self._saved = len(self)

    def _load(self, path: Path) -> None:
        from zipfile import BadZipFile
        from zlib import error as zlib_error

        try:
            with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
                facts, keys, costs = bytes(file["facts"]).decode(), file["keys"], file["costs"]
                space = bytes(file["space"]) if "space" in file else b""  # earlier versions did not write it
                sound = _digest(keys, costs, space) == bytes(file["sha256"])
        except (*_DAMAGE, BadZipFile, zlib_error) as error:
            raise DataError(f"{path}: expected costs of a search, got {error!r}; delete it to start anew") from error
        if not sound:
            raise DataError(f"{path}: expected the costs that were written, got others; delete it to start anew")
        if facts != self._facts:
            raise DataError(
                f"{path}: expected costs of {self._facts}, got those of {facts}; give another file, or delete it"
            )
        self._space = json.loads(space) if space else None
        self.add(keys, costs)
        self._saved = len(self)

    def _refusal(self, asked: Mapping[str, Any], found: str) -> DataError | UsageError:
        expected = f"expected costs of a search, {_described(asked)}, got {found}"
        if self.path is None:
            return UsageError(f"{expected}; give each problem KnownCosts of its own")
        return DataError(f"{self.path}: {expected}; give another file, or delete it to start anew")


def _written(facts: Mapping[str, Any] | None) -> str:
    try:
        return json.dumps(dict(facts or {}), sort_keys=True)
    except (TypeError, ValueError) as error:
        raise UsageError(f"expected facts as names with plain values, got {facts!r}: {error}") from None


def _described(of: Mapping[str, Any]) -> str:
    size = math.prod(of["choices"])
    count = f"{size:,}" if size < 1e6 else f"{size:.3g}"
    return f"{of['costs']} of each of the {count} architectures of {of['space']!r}"


def _digest(keys: Integer[Array, " n"], costs: Float[Array, "n m"], space: bytes) -> bytes:
    return hashlib.sha256(keys.tobytes() + costs.tobytes() + space).digest()
