"""Latencies that HELP (Lee et al. 2021, NeurIPS) publishes for three spaces: one list per device and batch size."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from hwnas.arrays import Array
from hwnas.data.converters.rows import row_indices, whole_space
from hwnas.data.pickles import load_torch
from hwnas.data.table_files import Contents
from hwnas.errors import DataError

Tables = Iterator[tuple[str, Contents]]


def convert_help_nasbench201(files: Mapping[str, bytes], tables: tuple[str, ...]) -> Tables:
    """Latency (ms) of all architectures; `reference_nets` are the indices of HELP's ten reference networks."""
    (path,) = (path for path in files if path.endswith("str_arch2idx.pt"))
    numbered = load_torch(files[path])
    indices = row_indices(path, list(numbered))
    order = np.argsort(list(numbered.values()))  # from the place in the file to the benchmark's number
    indices = indices[order]
    rows = whole_space(path, indices)
    (reference,) = (load_torch(files[path]) for path in files if path.endswith("hardware_embedding_index.pt"))
    latencies = {device: values[rows] for device, values in _latencies(files, len(rows)).items()}
    yield tables[0], _contents(latencies, {}, {"reference_nets": indices[reference].tolist()})


def convert_help_fbnet(files: Mapping[str, bytes], tables: tuple[str, ...]) -> Tables:
    """Latency (ms) of 5,000 networks of FBNet's space, each 22 codes of the `operations` in the attributes."""
    (path,) = (path for path in files if path.endswith("metainfo.pt"))
    nets = load_torch(files[path])["arch"]
    codes = np.array([net["op_idx_list"] for net in nets], dtype=np.int8)
    names = np.array([net["arch_str"] for net in nets], dtype=np.str_)
    operations = [str(names[codes == code][0]) for code in range(int(codes.max()) + 1)]
    if not (np.array(operations)[codes] == names).all():
        raise DataError(f"{path}: expected one name per operation code, got several")
    attributes = {"operations": operations, "encoding": "code of the operation of each of the 22 blocks"}
    yield tables[0], _contents(_latencies(files, len(nets)), {"architectures": codes}, attributes)


def convert_help_ofa(files: Mapping[str, bytes], tables: tuple[str, ...]) -> Tables:
    """Latency (ms) of 5,000 networks of Once-for-All's space, each 46 integers named in the attributes.

    Kernel size and expansion ratio of the 20 blocks, depth of the 5 stages (blocks beyond it are not used),
    resolution of the image.
    """
    (path,) = (path for path in files if path.endswith("ofa_archs.json"))
    nets = json.loads(files[path])["arch"]
    rows = np.array([[*net["ks"], *net["e"], *net["d"], net["r"]] for net in nets], dtype=np.int16)
    names = [f"kernel_{i}" for i in range(20)] + [f"expansion_{i}" for i in range(20)]
    names += [*(f"depth_{i}" for i in range(5)), "resolution"]
    if rows.shape[1:] != (len(names),):
        raise DataError(f"{path}: expected {len(names)} integers per network, got an array of shape {rows.shape}")
    yield tables[0], _contents(_latencies(files, len(nets)), {"architectures": rows}, {"positions": names})


def _latencies(files: Mapping[str, bytes], rows: int) -> dict[str, Array]:
    """Latency by the name of its file, such as `1080ti_32`."""
    columns = {}
    for path in sorted(path for path in files if PurePosixPath(path).parent.name == "latency"):
        column = np.array(load_torch(files[path]), dtype=np.float64)
        if column.shape != (rows,):
            raise DataError(f"{path}: expected {rows} latencies, got an array of shape {column.shape}")
        columns[PurePosixPath(path).stem] = column
    return columns


def _contents(latencies: dict[str, Array], others: dict[str, Array], attributes: dict[str, Any]) -> Contents:
    units = dict.fromkeys(latencies, "ms")
    return Contents(columns={**latencies, **others}, units=units, attributes=attributes)
