"""Images and labels on which proxies are computed, and where they come from."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from hwnas.errors import UsageError


@dataclass(frozen=True, kw_only=True, eq=False)
class Batch:
    """images: float (b, channels, height, width), normalised; labels: int64 (b,); source: what they are."""

    images: Tensor
    labels: Tensor
    source: str

    def __post_init__(self) -> None:
        """Check shapes and finiteness; raise `UsageError`."""
        if self.images.ndim != 4 or not self.images.is_floating_point():
            raise UsageError(
                "expected float images of shape (batch, channels, height, width), "
                f"got {self.images.dtype} of shape {tuple(self.images.shape)}"
            )
        if self.labels.shape != self.images.shape[:1] or self.labels.is_floating_point():
            raise UsageError(
                f"expected {len(self.images)} integer labels, "
                f"got {self.labels.dtype} of shape {tuple(self.labels.shape)}"
            )
        if not torch.isfinite(self.images).all():
            raise UsageError("expected finite images, got NaN or infinity")


def noise_batch(*, size: int, image_size: int, classes: int, seed: int) -> Batch:
    """Standard normal images with uniform random labels, for when no real images are at hand."""
    generator = torch.Generator().manual_seed(seed)
    return Batch(
        images=torch.randn(size, 3, image_size, image_size, generator=generator),
        labels=torch.randint(classes, (size,), generator=generator),
        source=f"standard normal noise, {size} images of 3x{image_size}x{image_size}, seed {seed}",
    )
