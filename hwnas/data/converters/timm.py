"""ImageNet accuracies of named models, as pytorch-image-models (timm) lists them: a row per weights and image size."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from hwnas.data.converters.rows import csv_columns, numbers
from hwnas.data.table_files import Contents
from hwnas.errors import DataError
from hwnas.spaces import ImageNetModels
from hwnas.spaces.imagenet_families import MODELS


def convert_timm(files: Mapping[str, bytes], tables: tuple[str, ...]) -> Iterator[tuple[str, Contents]]:
    """Top-1 accuracy (%) of every model of the space `imagenet-models`, tested on the smallest images listed.

    `image_size` is their width: 224, and more for the models that were trained on larger images.
    Raises `DataError` where the file is not of the published form or lacks a model.
    """
    ((path, content),) = files.items()
    cells = csv_columns(path, content, ("model", "img_size", "top1"))
    sizes, accuracies = numbers(path, cells["img_size"]), numbers(path, cells["top1"])
    tests: dict[str, list[tuple[float, float]]] = {}
    for entry, size, accuracy in zip(cells["model"], sizes.tolist(), accuracies.tolist(), strict=True):
        tests.setdefault(entry, []).append((size, accuracy))
    missing = [model.entry for model in MODELS if model.entry not in tests]
    if missing:
        raise DataError(f"{path}: expected a row of {missing[0]!r}, got {len(tests)} other models")
    chosen = np.array([min(tests[model.entry]) for model in MODELS])
    space = ImageNetModels()
    columns = {
        "architectures": space.all_vectors(),
        "imagenet": chosen[:, 1],
        "image_size": chosen[:, 0].astype(np.int64),
    }
    yield tables[0], Contents(columns=columns, units={"imagenet": "%"}, attributes={"space": space.name})
