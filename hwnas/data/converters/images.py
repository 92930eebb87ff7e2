"""Samples of labelled images on which data-driven proxies are computed."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping

import numpy as np

from hwnas.data.table_files import ARCHIVE_DAMAGE, Contents
from hwnas.errors import DataError


def convert_images(files: Mapping[str, bytes], tables: tuple[str, ...]) -> Iterator[tuple[str, Contents]]:
    """`x`, images of shape (n, 3, height, width) as published, and `y`, their classes counted from 0.

    Raises `DataError` where the file holds anything else.
    """
    ((path, content),) = files.items()
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            images, classes = arrays["x"], arrays["y"]
    except ARCHIVE_DAMAGE as error:
        raise DataError(f"{path}: expected arrays x and y, got {error}") from error
    if images.ndim != 4 or images.shape[1] != 3:
        raise DataError(f"{path}: expected images of shape (n, 3, height, width), got {images.shape}")
    yield tables[0], Contents(columns={"x": images, "y": classes})
