"""Accuracies of vision transformers that Auto-Prox (Wei et al. 2024, AAAI) publishes: lists of one dict per network.

`base` are trained on the images alone, `kd` also by a teacher (a ResNet-56); both from random weights for 300 epochs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np

from hwnas.data.pickles import load_torch
from hwnas.data.table_files import Contents
from hwnas.errors import DataError, UsageError
from hwnas.spaces import AutoFormer, PiT

# Column and name there. Not every network has each.
_METRICS: Final = {
    **{f"{ours}_{how}": f"{theirs}_{how}_acc" for how in ("base", "kd") for ours, theirs in
       (("cifar100", "c100"), ("flowers", "flower"), ("chaoyang", "chaoyang"))},
    "imagenet_inherited": "imagenet_super_acc",
}  # fmt: skip
_SPACES: Final[Mapping[str, AutoFormer | PiT]] = {"autoprox-autoformer": AutoFormer(), "autoprox-pit": PiT()}


def convert_auto_prox(files: Mapping[str, bytes], tables: tuple[str, ...]) -> Iterator[tuple[str, Contents]]:
    """Test accuracy (%) of each network of `architectures`, in the order published; NaN where it was not trained.

    `imagenet_inherited` is the accuracy with weights that all networks of AutoFormer share: no network's own training.
    Raises `DataError` where the file is not of the published form.
    """
    (table,) = tables
    space, paths = _SPACES[table], ", ".join(files)
    try:
        networks = [dict(network) for content in files.values() for network in load_torch(content)]
        vectors = space.from_published([network["arch"] for network in networks])
        metrics = {column: name for column, name in _METRICS.items() if any(name in network for network in networks)}
        columns = {
            column: np.array([_number(network.get(name)) for network in networks]) for column, name in metrics.items()
        }
    except (UsageError, KeyError, TypeError, ValueError) as error:
        raise DataError(f"{paths}: expected accuracies of networks of {space.name}, got {error!r}") from error
    if not columns or len(np.unique(space.network_id(vectors))) != len(vectors):
        raise DataError(f"{paths}: expected each network once, with accuracies, got {len(vectors)} networks")
    attributes = {"space": space.name, "encoding": "vectors of the space"}
    units = dict.fromkeys(columns, "%")
    yield table, Contents(columns={"architectures": vectors, **columns}, units=units, attributes=attributes)


def _number(value: Any) -> float:
    return np.nan if value is None else float(value)
