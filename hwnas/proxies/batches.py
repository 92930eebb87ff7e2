"""Images and labels on which proxies are computed, and where they come from."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor

from hwnas.arrays import Array
from hwnas.data.table_files import ARCHIVE_DAMAGE
from hwnas.errors import DataError, UsageError

# Mean and deviation of red, green and blue over the training images, in bytes (NAS-Bench-201's data loaders).
_PUBLISHED_STATISTICS: Final[Mapping[str, tuple[tuple[float, ...], tuple[float, ...]]]] = {
    "cifar10": ((125.3, 123.0, 113.9), (63.0, 62.1, 66.7)),
    "cifar100": ((129.3, 124.1, 112.4), (68.2, 65.4, 70.4)),
    "ImageNet16-120": ((122.68, 116.66, 104.01), (63.22, 61.26, 65.09)),
}

Loss = Callable[[Tensor, Tensor], Tensor]  # (logits, labels) to one number
NOISE_IMAGES: Final = 256  # where all images are asked for and there are none


@dataclass(frozen=True, kw_only=True, eq=False)
class Batch:
    """What a network sees and is asked.

    images: float (b, channels, height, width), normalised; or any other input with b in front, such as tokens.
    labels: int64 (b,), or whatever `loss` takes. source: what they are.
    loss: (logits, labels) to one number; None: the cross entropy.
    """

    images: Tensor
    labels: Tensor
    source: str
    loss: Loss | None = None

    def __post_init__(self) -> None:
        """Check shapes and finiteness; raise `UsageError`."""
        if self.images.ndim < 2 or not len(self.images):
            raise UsageError(
                "expected images of shape (batch, channels, height, width), or other inputs of shape (batch, ...), "
                f"got {self.images.dtype} of shape {tuple(self.images.shape)}"
            )
        if self.loss is not None and self.labels.shape[:1] != self.images.shape[:1]:
            raise UsageError(f"expected labels of {len(self.images)} images, got shape {tuple(self.labels.shape)}")
        no_classes = self.labels.is_floating_point() or self.labels.dtype == torch.bool
        if self.loss is None and (self.labels.shape != self.images.shape[:1] or no_classes):
            raise UsageError(
                f"expected {len(self.images)} integer labels, "
                f"got {self.labels.dtype} of shape {tuple(self.labels.shape)}; give the number of each image's class, "
                "as int64, or a loss of your own"
            )
        if not torch.isfinite(self.images).all():
            raise UsageError("expected finite images, got NaN or infinity; repair or leave out these images")


@dataclass(frozen=True, kw_only=True)
class Task:
    """What networks see: the name of a data set, the shape of one image (channels, height, width), and classes."""

    dataset: str
    image_shape: tuple[int, ...]
    classes: int


def load_batch(
    task: Task, *, images: Path | None = None, size: int | None = 64, most: int | None = None, seed: int = 0
) -> Batch:
    """The first `size` images of a `.npz` file with `x` and `y`, else of the table `images-<dataset>`.

    size: None: all, or `most` of them.
    Bytes are normalised, floats are taken as they are. The table's images are scaled to the size that the networks
    take, as vision transformers are trained on enlarged ones. Where there is neither file nor table, standard normal
    noise with random labels. Raises `DataError` for a damaged file and `UsageError` for images that do not fit
    the task.
    """
    if images is not None:
        x, y = _read(images)
        return _first(task, x, y, size=len(x[:most]) if size is None else size, name=images.name)
    from hwnas.data import TABLES, open_table

    name = f"images-{task.dataset}"
    table = open_table(name) if name in TABLES else None
    if table is not None:
        small = replace(task, image_shape=table["x"].shape[1:])
        size = len(table["x"][:most]) if size is None else size
        return _scaled(_first(small, table["x"], table["y"], size=size, name=name), task.image_shape[1:])
    return noise_batch(task, size=(most or NOISE_IMAGES) if size is None else size, seed=seed)


def noise_batch(task: Task, *, size: int, seed: int) -> Batch:
    """Standard normal images with uniform random labels, for when no real images are at hand."""
    generator = torch.Generator().manual_seed(seed)
    return Batch(
        images=torch.randn(size, *task.image_shape, generator=generator),
        labels=torch.randint(task.classes, (size,), generator=generator),
        source=f"{size} images of standard normal noise with random labels",
    )


def _read(path: Path) -> tuple[Array, Array]:
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as arrays:
            return arrays["x"], arrays["y"]
    except FileNotFoundError:
        raise UsageError(f"expected images in {path}, got no such file; give a .npz file with x and y") from None
    except (*ARCHIVE_DAMAGE, IndexError) as error:
        raise DataError(f"expected a .npz file with arrays x and y, got {path}: {error}; save it anew") from error


def _first(task: Task, x: Array, y: Array, *, size: int, name: str) -> Batch:
    """Batch of the first `size` images, checked against the task."""
    if x.ndim != 4 or x.shape[1:] != task.image_shape or len(x) != len(y):
        raise UsageError(
            f"expected images of shape (n, {', '.join(map(str, task.image_shape))}) with n labels for {task.dataset}, "
            f"got {x.shape} with labels {y.shape} in {name}"
        )
    if not 1 <= size <= len(x):
        raise UsageError(f"expected a batch of 1 to {len(x)} images of {name}, got {size}; give another batch size")
    labels = y[:size].astype(np.int64)
    if y.dtype.kind not in "iu" or labels.min() < 0 or labels.max() >= task.classes:
        raise UsageError(
            f"expected integer labels from 0 to {task.classes - 1} for {task.dataset}, "
            f"got {y.dtype} from {y[:size].min()} to {y[:size].max()} in {name}"
        )
    pixels, how = _normalised(task, x[:size])
    return Batch(
        images=torch.from_numpy(pixels), labels=torch.from_numpy(labels), source=f"first {size} images of {name}{how}"
    )


def _scaled(batch: Batch, size: tuple[int, ...]) -> Batch:
    """Images of that height and width, by bilinear interpolation where they have another one."""
    if batch.images.shape[2:] == size:
        return batch
    images = torch.nn.functional.interpolate(batch.images, size, mode="bilinear", antialias=True)
    return replace(batch, images=images, source=f"{batch.source}, scaled to {'x'.join(map(str, size))}")


def _normalised(task: Task, x: Array) -> tuple[Array, str]:
    """float32 pixels, and what was done to them."""
    if x.dtype.kind == "f":
        return x.astype(np.float32), ""
    if x.dtype != np.uint8:
        raise UsageError(f"expected images of floats or of uint8, got {x.dtype}; convert them")
    if task.dataset in _PUBLISHED_STATISTICS:
        mean, deviation = (np.array(v)[:, None, None] for v in _PUBLISHED_STATISTICS[task.dataset])
        how = ", bytes normalised by the data set's mean and deviation"
    else:
        mean, deviation = x.mean(axis=(0, 2, 3), keepdims=True), x.std(axis=(0, 2, 3), keepdims=True)
        how = ", bytes normalised by their own mean and deviation"
    return ((x - mean) / np.maximum(deviation, 1e-6)).astype(np.float32), how
