"""Accuracies of NAS-Bench-201, as NATS-Bench (Dong et al. 2021) publishes them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np

from hwnas.data.converters.rows import csv_columns, numbers, row_indices, whole_space
from hwnas.data.table_files import Contents
from hwnas.errors import DataError
from hwnas.spaces import NASBench201

_ARCHITECTURE: Final = "ArchitectureString"
_ACCURACIES: Final = {
    "cifar10": "CIFAR10TestAccuracy200Epochs",
    "cifar100": "CIFAR100TestAccuracy200Epochs",
    "ImageNet16-120": "ImageNetTestAccuracy200Epochs",
}


def convert_nats_bench(files: Mapping[str, bytes], tables: tuple[str, ...]) -> Iterator[tuple[str, Contents]]:
    """Test accuracy (%) after 200 epochs, mean over seeds; `benchmark_index` is the row's place in the benchmark.

    Raises `DataError` where the file is not of the published form.
    """
    ((path, content),) = files.items()
    cells = csv_columns(path, content, (_ARCHITECTURE, *_ACCURACIES.values()))
    order = whole_space(path, row_indices(path, cells[_ARCHITECTURE]))
    columns = {dataset: numbers(path, cells[column])[order] for dataset, column in _ACCURACIES.items()}
    units = dict.fromkeys(columns, "%")
    yield tables[0], Contents(columns={**columns, "benchmark_index": order.astype(np.int64)}, units=units)


def convert_validation(files: Mapping[str, bytes], tables: tuple[str, ...]) -> Iterator[tuple[str, Contents]]:
    """CIFAR-10 validation accuracy (%) of each network, given to all architectures that are the same network.

    The file names each network once, by the architecture in which nothing is dead; NaN where it names none.
    Raises `DataError` where the file is not of the published form.
    """
    ((path, content),) = files.items()
    cells = csv_columns(path, content, ("net", "val_accs"))
    space = NASBench201()
    networks = space.network_id(space.all_vectors())
    named = row_indices(path, cells["net"])
    if not np.array_equal(named, networks[named]):
        raise DataError(f"{path}: expected each network without dead operations, got some with them")
    accuracy = np.full(space.size, np.nan)
    accuracy[named] = numbers(path, cells["val_accs"])
    yield tables[0], Contents(columns={"cifar10": accuracy[networks]}, units={"cifar10": "%"})
