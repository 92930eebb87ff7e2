"""Costs that are known: nothing is asked twice, and a file of them is the checkpoint of a search."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, final

import numpy as np

from hwnas.arrays import Array, Bool, Float, Integer
from hwnas.errors import DataError
from hwnas.folders import write_whole

_DAMAGE: Final = (OSError, ValueError, KeyError, EOFError, UnicodeDecodeError)


@final
class KnownCosts:
    """Costs by the key of an architecture, in memory or beside that in a file.

    path: file that is read, and written by `save`; None for none. facts: what decides the costs, plain values: a file
    of other facts is refused. Raises `DataError` for a damaged file or one of other facts.
    """

    def __init__(self, path: Path | None = None, *, facts: Mapping[str, Any] | None = None) -> None:
        self.path = path
        self._facts = json.dumps(dict(facts or {}), sort_keys=True)
        self._costs: dict[int, Float[Array, " m"]] = {}
        self._saved = 0
        if path is not None and path.is_file():
            self._load(path)

    def __len__(self) -> int:
        return len(self._costs)

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
        """Keep costs."""
        self._costs.update(zip(keys.tolist(), costs, strict=True))

    def save(self) -> None:
        """Write the file, whole or not at all, where there is something new. Raises `DataError`."""
        if self.path is None or len(self) == self._saved:
            return
        file = io.BytesIO()
        keys = np.array(list(self._costs), dtype=np.int64)
        costs = self.costs(keys)
        np.savez_compressed(
            file,
            facts=np.frombuffer(self._facts.encode(), dtype=np.uint8),
            keys=keys,
            costs=costs,
            sha256=np.frombuffer(_digest(keys, costs), dtype=np.uint8),
        )
        write_whole(self.path, file.getvalue())
        self._saved = len(self)

    def _load(self, path: Path) -> None:
        from zipfile import BadZipFile
        from zlib import error as zlib_error

        try:
            with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
                facts, keys, costs = bytes(file["facts"]).decode(), file["keys"], file["costs"]
                sound = _digest(keys, costs) == bytes(file["sha256"])
        except (*_DAMAGE, BadZipFile, zlib_error) as error:
            raise DataError(f"{path}: expected costs of a search, got {error!r}; delete it to start anew") from error
        if not sound:
            raise DataError(f"{path}: expected the costs that were written, got others; delete it to start anew")
        if facts != self._facts:
            raise DataError(
                f"{path}: expected costs of {self._facts}, got those of {facts}; give another file, or delete it"
            )
        self.add(keys, costs)
        self._saved = len(self)


def _digest(keys: Integer[Array, " n"], costs: Float[Array, "n m"]) -> bytes:
    return hashlib.sha256(keys.tobytes() + costs.tobytes()).digest()
