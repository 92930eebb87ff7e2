"""Images for a network of one's own, checked before anything is computed: of a file or folder, or noise."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor

from hwnas.arrays import Array
from hwnas.data.table_files import ARCHIVE_DAMAGE
from hwnas.errors import DataError, UsageError
from hwnas.proxies.image_folders import batch_of, read_folder

# Mean and deviation of red, green and blue over ImageNet, in bytes: what published weights and recipes expect.
_MEAN: Final = (123.675, 116.28, 103.53)
_DEVIATION: Final = (58.395, 57.12, 57.375)
_CHANNELS: Final = (1, 3, 4)
_BYTES_BEYOND: Final = 30.0  # no normalised image has such values; one of bytes that were turned into floats has


@dataclass(frozen=True, kw_only=True, eq=False)
class Images:
    """images: (b, ...), as a network is to see them. labels: (b, ...) or None. source: what they are."""

    images: Tensor
    labels: Tensor | None
    source: str


def read_images(path: Path, *, count: int | None, side: int | None = None) -> Images:
    """The first `count` images of a `.npz` file with `x` and perhaps `y`, or of a folder, see `read_folder`.

    count: None for as many as there are, up to `image_folders.USUAL`.

    side: scale and crop to so many pixels. Bytes are normalised, floats are taken as they are. Raises `UsageError` for
    images that no network can be meant to see, `DataError` for damaged files, `MissingExtraError`.
    """
    if path.is_dir():
        x, y, source = read_folder(path, count=count, side=side)
        return checked(x, y, source)
    x, y = _read_archive(path)
    count = batch_of(count, len(x), path.name)
    if y is not None and len(y) != len(x):
        raise UsageError(f"expected {len(x)} labels in {path.name}, got {len(y)}; give y as many rows as x")
    found = checked(x[:count], None if y is None else y[:count], f"first {count} images of {path.name}")
    return found if side is None else _scaled(found, side)


def noise_images(shape: tuple[int, ...], *, count: int, seed: int) -> Images:
    """Standard normal images."""
    if not shape or min(shape) < 1:
        raise UsageError(f"expected a shape of positive numbers, as 3,32,32, got {','.join(map(str, shape))}")
    drawn = torch.randn(count, *shape, generator=torch.Generator().manual_seed(seed))
    return Images(images=drawn, labels=None, source=f"{count} images of standard normal noise")


def checked(x: Array, y: Array | None, source: str) -> Images:
    """Arrays as tensors: bytes normalised, whatever looks wrong refused."""
    if x.ndim == 4 and x.shape[1] not in _CHANNELS and x.shape[3] in _CHANNELS:
        raise UsageError(
            f"expected images of shape (n, channels, height, width), got {x.shape}, which has its channels last; "
            "transpose them by x.transpose(0, 3, 1, 2)"
        )
    if x.dtype == np.uint8 and x.ndim == 4:
        pixels, how = _normalised(x)
    elif x.dtype.kind == "f":
        pixels, how = torch.from_numpy(x.astype(np.float32)), ""
        if pixels.numel() and pixels.min() >= 0 and pixels.max() > _BYTES_BEYOND:
            raise UsageError(
                f"expected normalised floats, got numbers from {pixels.min():g} to {pixels.max():g}, which look like "
                "bytes; save them as uint8 and they are normalised, or normalise them yourself"
            )
    elif x.dtype.kind in "iu" and x.ndim < 4:
        pixels, how = torch.from_numpy(x.astype(np.int64)), ", integers as they are"
    else:
        raise UsageError(f"expected images of uint8 or floats, got {x.dtype} of shape {x.shape}; convert them")
    labels = None if y is None else torch.from_numpy(y.astype(np.int64) if y.dtype.kind in "iu" else np.array(y))
    return Images(images=pixels, labels=labels, source=source + how)


def _read_archive(path: Path) -> tuple[Array, Array | None]:
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as arrays:
            return arrays["x"], arrays["y"] if "y" in arrays.files else None
    except FileNotFoundError:
        raise UsageError(
            f"expected images in {path}, got no such file or folder; give a .npz file with x and y, or a folder"
        ) from None
    except (*ARCHIVE_DAMAGE, IndexError) as error:
        raise DataError(f"expected a .npz file with arrays x and y, got {path}: {error}; save it anew") from error


def _normalised(x: Array) -> tuple[Tensor, str]:
    if x.shape[1] == len(_MEAN):
        mean, deviation = (np.array(value)[:, None, None] for value in (_MEAN, _DEVIATION))
        how = ", bytes normalised by ImageNet's mean and deviation"
    else:
        mean, deviation = x.mean(axis=(0, 2, 3), keepdims=True), x.std(axis=(0, 2, 3), keepdims=True)
        how = ", bytes normalised by their own mean and deviation"
    return torch.from_numpy(((x - mean) / np.maximum(deviation, 1e-6)).astype(np.float32)), how


def _scaled(found: Images, side: int) -> Images:
    """The shorter side scaled to `side` pixels, the longer one cropped about the centre."""
    if found.images.ndim != 4 or not found.images.is_floating_point():
        raise UsageError(f"expected images to scale, got inputs of shape {tuple(found.images.shape)}; give no size")
    height, width = found.images.shape[2:]
    scale = side / min(height, width)
    size = (max(side, round(height * scale)), max(side, round(width * scale)))
    larger = torch.nn.functional.interpolate(found.images, size, mode="bilinear", antialias=True)
    top, left = ((length - side) // 2 for length in size)
    cropped = larger[:, :, top : top + side, left : left + side].contiguous()
    return Images(images=cropped, labels=found.labels, source=f"{found.source}, scaled and cropped to {side}")
