"""The pass of the zen score: responses of the network with Gaussian weights to Gaussian images (Lin 2021)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from hwnas.errors import ProxyError
from hwnas.proxies.batches import Batch
from hwnas.proxies.evidence import GaussianResponse
from hwnas.proxies.module_state import parameters_replaced, training_mode
from hwnas.proxies.passes.pooling import PooledFeatures
from hwnas.proxies.passes.redrawing import redrawn
from hwnas.proxies.zen import ZEN_BATCH, ZEN_MIXUP, ZEN_REPEATS


def gaussian_response(module: nn.Module, batch: Batch, *, seed: int) -> GaussianResponse:
    """Algorithm 1 of Lin 2021: weights and images from N(0, 1), features before global pooling, without dropout."""
    # Numbers are drawn on the CPU, so that every device sees the same ones.
    generator = torch.Generator().manual_seed(seed)
    like = batch.images[:1].expand(ZEN_BATCH, -1, -1, -1)
    response = GaussianResponse(change=[], log_spread=[])
    for _ in range(ZEN_REPEATS):
        with (
            parameters_replaced(module, lambda name, value: redrawn(module, name, value, generator, variance="one")),
            torch.no_grad(),
        ):
            images = _normal(like, generator, memory_format=torch.channels_last)
            noise = _normal(images, generator)
            with training_mode(module, statistics="record", dropout=False), _spreads(module) as spreads:
                features = _features(module, images)
            response.log_spread.append(sum((each for runs in spreads.values() for each in runs), 0.0))
            with training_mode(module, statistics="batch", dropout=False):
                moved = _features(module, images + ZEN_MIXUP * noise)
            response.change.append((features - moved).flatten(1).norm(dim=1).mean().item())
    return response


def _normal(
    like: Tensor, generator: torch.Generator, memory_format: torch.memory_format = torch.preserve_format
) -> Tensor:
    drawn = torch.empty_like(like, device="cpu", memory_format=memory_format).normal_(generator=generator)
    return drawn.to(like.device)


@contextmanager
def _spreads(module: nn.Module) -> Iterator[dict[nn.Module, list[float]]]:
    """log sigma of each batch norm, once for each time it runs, sigma^2 being the mean over channels of the variance.

    The epsilon of the batch norm is added, so that one that receives nothing counts with its finite floor.
    """
    found: dict[nn.Module, list[float]] = {layer: [] for layer in module.modules() if isinstance(layer, _BatchNorm)}

    def ran(norm: nn.Module, _inputs: object, _output: object) -> None:
        assert isinstance(norm, _BatchNorm)
        if norm.running_var is not None:
            found[norm].append(0.5 * math.log(norm.running_var.mean().item() + norm.eps))

    hooks = [norm.register_forward_hook(ran) for norm in found]
    try:
        yield found
    finally:
        for hook in hooks:
            hook.remove()


def _features(module: nn.Module, images: Tensor) -> Tensor:
    """What the network pools before its classifier, or its output where that is a map. Raises `ProxyError`."""
    pooled = PooledFeatures()
    with pooled:
        output = module(images)
    if pooled.last is not None:
        return pooled.last
    if not isinstance(output, Tensor):
        raise ProxyError(
            f"zen expected {type(module).__name__} to return one tensor, got a {type(output).__name__}; "
            "wrap it in a module that returns the logits alone"
        )
    if not pooled.ran and output.ndim == 4:
        return output
    got = "maps that follow all that is pooled so" if pooled.ran else "nothing that is pooled so"
    raise ProxyError(
        f"zen reads the last feature map: expected {type(module).__name__} to pool it by nn.AdaptiveAvgPool2d or a "
        f"mean over height and width, or to return it, got {got}; use another proxy"
    )
