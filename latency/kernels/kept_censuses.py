"""Kernels of architectures in a file of the cache, so that the next process need not take them apart again."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final
from zipfile import BadZipFile
from zlib import error as zlib_error

import numpy as np

from hwnas.arrays import Array, Int
from hwnas.errors import tell_once
from hwnas.folders import cache_folder, write_whole
from hwnas.spaces import Space
from hwnas.spaces.fingerprint import fingerprint, graph_code

Parts = tuple[Int[Array, " _"], Int[Array, " _"]]  # numbers of distinct kernels, and how often there is each
Features = tuple[float, ...]
_DAMAGE: Final = (OSError, ValueError, KeyError, EOFError, BadZipFile, zlib_error)


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Kept:
    """What a census knows: the number of each distinct kernel, by kind and features; of each key its kernels."""

    kernels: dict[tuple[str, Features], int]
    networks: dict[int, Parts]


def census_path(space: Space, *, dataset: str, runtime: str) -> Path:
    """The file of one space, data set and runtime; another one where the code that decides about kernels is another."""
    digits = "_".join(filter(None, (fingerprint(space), graph_code())))
    return cache_folder() / "kernels" / f"{space.name}_{dataset}_{runtime}_{digits}.npz"


def save_census(path: Path, kept: Kept) -> None:
    """Write the file, whole or not at all. Raises `DataError`."""
    rows: dict[str, list[Features]] = {}
    for kind, features in kept.kernels:
        rows.setdefault(kind, []).append(features)
    order = sorted(rows)
    place = {kernel: number for number, kernel in enumerate((k, row) for k in order for row in rows[k])}
    number = np.array([place[kernel] for kernel in kept.kernels], dtype=np.int32)
    none = [np.zeros(0, dtype=np.int64)]
    file = io.BytesIO()
    np.savez_compressed(
        file,
        kinds=np.frombuffer(json.dumps(order).encode(), dtype=np.uint8),
        keys=np.array(list(kept.networks), dtype=np.int64),
        sizes=np.array([len(kernels) for kernels, _ in kept.networks.values()], dtype=np.int32),
        kernel=number[np.concatenate([*none, *(kernels for kernels, _ in kept.networks.values())])],
        count=np.concatenate([*none, *(counts for _, counts in kept.networks.values())]).astype(np.int32),
        **{f"features_{place}": np.array(rows[kind], dtype=np.float64) for place, kind in enumerate(order)},  # type: ignore[arg-type]
    )
    write_whole(path, file.getvalue())


def load_census(path: Path) -> Kept:
    """What the file has; nothing, with a note, of a damaged one, which is written anew in time."""
    if not path.is_file():
        return Kept(kernels={}, networks={})
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
            return _read(file)
    except _DAMAGE as error:
        tell_once(f"note: {path}: expected kernels of architectures, got {error!r}; they are taken apart anew")
        return Kept(kernels={}, networks={})


def _read(file: Mapping[str, Array]) -> Kept:
    kernels: dict[tuple[str, Features], int] = {}
    for place, kind in enumerate(json.loads(bytes(file["kinds"]))):
        for row in file[f"features_{place}"].tolist():
            kernels[kind, tuple(row)] = len(kernels)
    ends = np.cumsum(file["sizes"])[:-1]
    kernel, count = file["kernel"].astype(np.int64), file["count"].astype(np.int64)
    if not ((kernel >= 0) & (kernel < len(kernels))).all():
        raise ValueError("kernels that it does not have")
    parts = zip(np.split(kernel, ends), np.split(count, ends), strict=True)
    return Kept(kernels=kernels, networks=dict(zip(file["keys"].tolist(), parts, strict=True)))
