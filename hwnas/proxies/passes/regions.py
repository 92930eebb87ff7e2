"""The pass of the linear regions: ReLU patterns of small images in thin random networks (Chen 2021)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from hwnas.arrays import Array
from hwnas.errors import ProxyError
from hwnas.proxies.batches import Batch
from hwnas.proxies.linear_regions import REGION_IMAGES, REGION_PIXELS, REGION_REPEATS
from hwnas.proxies.module_state import parameters_replaced, training_mode
from hwnas.proxies.passes.redrawing import redrawn
from hwnas.proxies.passes.supervised import logits_of

_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)


def region_counts(module: nn.Module, batch: Batch, *, seed: int) -> list[int]:
    """Distinct patterns in each thin random network. Raises `ProxyError` where small images or ReLUs do not fit."""
    generator = torch.Generator().manual_seed(seed)
    counts = []
    for _ in range(REGION_REPEATS):
        images = _small_images(batch.images, generator)
        if not _convolutions(module):  # a network of one image size: the same few pixels, larger
            images = nn.functional.interpolate(images, size=batch.images.shape[-2:])
        with (
            parameters_replaced(module, lambda name, value: _thin(module, name, value, generator)),
            training_mode(module, statistics="batch", dropout=False),
            torch.no_grad(),
        ):
            counts.append(count_patterns(module, images, base=_base(module)))
    return counts


def count_patterns(module: nn.Module, images: Tensor, *, base: int = 1) -> int:
    """Number of distinct on/off patterns of the ReLUs of `module` over `images`, counted exactly.

    base: of maps with c channels the first c / base are looked at; the others are silent in a thin network.
    """
    packed: list[Array] = []
    with _observe(module, packed, base):
        try:
            logits_of(module, images)
        except RuntimeError as error:
            raise ProxyError(
                f"linear_regions expected {type(module).__name__} to run on images of "
                f"{images.shape[-2]}x{images.shape[-1]} pixels, got {error}; use another proxy"
            ) from error
    if not packed:
        raise ProxyError("linear_regions expected a module in which an nn.ReLU runs, got none; use another proxy")
    return len({row.tobytes() for row in np.concatenate(packed, axis=1)})


@contextmanager
def _observe(module: nn.Module, packed: list[Array], base: int) -> Iterator[None]:
    def observe(_layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        tensor = inputs[0][:, : max(1, inputs[0].shape[1] // base)]
        packed.append(np.packbits((tensor > 0).flatten(1).cpu().numpy(), axis=1))

    hooks = [layer.register_forward_pre_hook(observe) for layer in module.modules() if isinstance(layer, nn.ReLU)]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _small_images(images: Tensor, generator: torch.Generator) -> Tensor:
    """Random squares of random channels of random images, as the first channel of images that are black elsewhere."""
    if images.ndim != 4 or min(images.shape[2:]) < REGION_PIXELS:
        raise ProxyError(
            f"linear_regions cuts squares of {REGION_PIXELS} pixels: expected images at least as large, "
            f"got inputs of shape {tuple(images.shape)}; use another proxy"
        )
    size, channels, height, width = images.shape

    def draw(most: int) -> Tensor:
        return torch.randint(most, (REGION_IMAGES,), generator=generator).to(images.device)

    which, channel = draw(size)[:, None, None], draw(channels)[:, None, None]
    side = torch.arange(REGION_PIXELS, device=images.device)
    rows = draw(height - REGION_PIXELS + 1)[:, None, None] + side[:, None]
    columns = draw(width - REGION_PIXELS + 1)[:, None, None] + side
    small = images.new_zeros(REGION_IMAGES, channels, REGION_PIXELS, REGION_PIXELS)
    small[:, 0] = images[which, channel, rows, columns]
    return small.contiguous(memory_format=torch.channels_last)


def _base(module: nn.Module) -> int:
    """Channels of the first convolution; a thin network keeps one of each so many."""
    found = _convolutions(module)
    return found[0].out_channels if found else 1


def _convolutions(module: nn.Module) -> list[nn.Conv1d | nn.Conv2d | nn.Conv3d]:
    return [layer for layer in module.modules() if isinstance(layer, _CONVOLUTIONS)]


def _thin(module: nn.Module, name: str, value: Tensor, generator: torch.Generator) -> Tensor:
    """He's weights between the channels that a thin network keeps, 0 elsewhere."""
    drawn = redrawn(module, name, value, generator, variance="he")
    owner, _, attribute = name.rpartition(".")
    layer = module.get_submodule(owner)
    if attribute != "weight" or not isinstance(layer, _CONVOLUTIONS):
        return drawn
    base, first = _base(module), _convolutions(module)[0]
    outputs = max(1, layer.out_channels // base)
    inputs = 1 if layer is first else max(1, layer.in_channels // base)
    to = torch.arange(layer.out_channels, device=value.device)[:, None]
    within = torch.arange(value.shape[1], device=value.device)
    source = to // (layer.out_channels // layer.groups) * value.shape[1] + within
    kept = (to < outputs) & (source < inputs)
    # The variance is 2 / fan-in of the thin network.
    scale = math.sqrt(value.shape[1] / max(1, int(kept[0].sum())))
    return drawn * scale * kept.to(value.dtype).view(*kept.shape, *[1] * (value.ndim - 2))
