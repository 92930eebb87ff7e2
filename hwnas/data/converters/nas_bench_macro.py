"""NAS-Bench-Macro as its authors publish it: a JSON object by architecture, trained three times on CIFAR-10."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np

from hwnas.data.converters.rows import in_order
from hwnas.data.table_files import Contents
from hwnas.errors import DataError
from hwnas.spaces import NASBenchMacro

# Our names of the counts, and the file's.
_COUNTS: Final = {"params": "params", "macs": "flops"}


def convert_nas_bench_macro(files: Mapping[str, bytes], tables: tuple[str, ...]) -> Iterator[tuple[str, Contents]]:
    """Test accuracy (%) on CIFAR-10, mean and standard deviation over three runs, in the order of the space.

    `params` and `macs` (which the file calls flops) are as published. Identical networks share one figure.
    Raises `DataError` where the file is not of the published form.
    """
    ((path, content),) = files.items()
    try:
        nets = json.loads(content)
        runs = np.array([net["test_acc"] for net in nets.values()], dtype=np.float64).reshape(len(nets), 3)
        counts = {name: [int(net[key]) for net in nets.values()] for name, key in _COUNTS.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{path}: expected NAS-Bench-Macro's figures by architecture, got {error!r}") from error
    order = in_order(path, NASBenchMacro(), list(nets))
    columns = {"cifar10": runs.mean(axis=1)[order], "cifar10_std": runs.std(axis=1)[order]}
    columns |= {name: np.array(values, dtype=np.int64)[order] for name, values in counts.items()}
    yield tables[0], Contents(columns=columns, units={"cifar10": "%", "cifar10_std": "%"})
