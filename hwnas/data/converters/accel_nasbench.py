"""Accel-NASBench as its authors publish it: an archive of one JSON file per network, trained once on ImageNet."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np

from hwnas.arrays import Array, Float, Integer
from hwnas.data.table_files import Contents
from hwnas.errors import DataError, UsageError
from hwnas.spaces import AccelNASBench

# Our columns, where the file has them, and their units.
_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "imagenet": ("metrics", "val_top1"),
    "zcu102_latency_ms": ("platform_perf", "latency_zcu102", "latency_mean"),
    "vck190_latency_ms": ("platform_perf", "latency_vck190", "latency_mean"),
    "params_m": ("model_info", "params"),
    "macs_m": ("model_info", "macs"),
}
_UNITS: Final = {
    "imagenet": "%",
    "zcu102_latency_ms": "ms",
    "vck190_latency_ms": "ms",
    "params_m": "1e6",
    "macs_m": "1e6",
}
_LARGEST: Final = 1_000_000  # bytes of one file; the published ones have 1,400


def convert_accel_nasbench(files: Mapping[str, bytes], tables: tuple[str, ...]) -> Iterator[tuple[str, Contents]]:
    """Top-1 accuracy (%), latencies (ms) and counts of each network of `architectures`, in the order of their keys.

    A network that is listed more than once has the mean of its figures, NaN where nothing was measured. `macs_m` is as
    published: beside multiply-accumulates four operations for each number that a batch norm reads, and one for each
    that an average over all pixels reads or writes.
    Raises `DataError` where the file is not of the published form.
    """
    ((path, content),) = files.items()
    space = AccelNASBench()
    try:
        nets = list(_read(content))
        vectors = space.from_published([net["architecture"] for net in nets])
        figures = np.array([[_figure(net, keys) for keys in _COLUMNS.values()] for net in nets])
    except (tarfile.TarError, EOFError, OSError, ValueError, KeyError, TypeError, UsageError) as error:
        raise DataError(f"{path}: expected an archive of Accel-NASBench's networks, got {error!r}") from error
    if not len(vectors):
        raise DataError(f"{path}: expected an archive of Accel-NASBench's networks, got none")
    _, first, twins = np.unique(space.key(vectors), return_index=True, return_inverse=True)
    columns = {name: _means(figures[:, number], twins) for number, name in enumerate(_COLUMNS)}
    attributes = {"space": space.name, "encoding": "vectors of the space"}
    yield (
        tables[0],
        Contents(columns={"architectures": vectors[first], **columns}, units=dict(_UNITS), attributes=attributes),
    )


def _read(content: bytes) -> Iterator[Any]:
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
        for member in archive:
            if member.isfile() and member.name.endswith(".json") and member.size <= _LARGEST:
                file = archive.extractfile(member)
                assert file is not None  # a file has content
                yield json.load(file)


def _figure(net: Any, keys: tuple[str, ...]) -> float:
    for key in keys:
        net = net[key]
    return np.nan if net is None else float(net)


def _means(figures: Float[Array, " n"], groups: Integer[Array, " n"]) -> Float[Array, " g"]:
    """Mean of the known figures of each group, NaN where none is."""
    known = ~np.isnan(figures)
    count = np.bincount(groups[known], minlength=groups.max() + 1)
    total = np.bincount(groups[known], weights=figures[known], minlength=groups.max() + 1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
