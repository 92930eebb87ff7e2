"""analog-nasbench 0.1.3: accuracies of all networks of NAS-Bench-201 on CIFAR-10, trained independently of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from hwnas.data.converters.rows import whole_space
from hwnas.data.pickles import load_plain
from hwnas.data.table_files import Contents
from hwnas.errors import DataError, UsageError
from hwnas.spaces import NASBench201


class _Architecture:
    """Stand-in of the package's class: keeps the one number that is used."""

    __slots__ = ("accuracy",)

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.accuracy = float(state["baseline_accuracy"])


class _Ignored:
    """Stand-in of measurements that are not used: 125,000 of them, so nothing is kept."""

    __slots__ = ()

    def __setstate__(self, state: dict[str, Any]) -> None:
        pass


_STAND_INS = {
    ("analognasbench.data", "Architecture"): _Architecture,
    ("analognasbench.data", "DriftMeasurement"): _Ignored,
}


def convert_analog_nasbench(files: Mapping[str, bytes], tables: tuple[str, ...]) -> Iterator[tuple[str, Contents]]:
    """`cifar10`: accuracy (%) of the digital network, `baseline_accuracy` there.

    Raises `DataError` where the file is not of the published form.
    """
    ((path, content),) = files.items()
    space = NASBench201()
    nets = load_plain(content, _STAND_INS)
    try:
        indices = space.index(space.from_tuples(np.array(list(nets), dtype=np.int64)))
        accuracy = np.array([net.accuracy for net in nets.values()])
    except (UsageError, ValueError, TypeError, AttributeError, IndexError) as error:
        raise DataError(f"{path}: expected accuracies by tuples of six operations, got {error}") from error
    yield tables[0], Contents(columns={"cifar10": accuracy[whole_space(path, indices)]}, units={"cifar10": "%"})
