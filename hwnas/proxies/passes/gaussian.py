"""The pass of the zen score: responses of the network with Gaussian weights to Gaussian images (Lin 2021)."""

from __future__ import annotations

import math
from contextlib import ExitStack

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from hwnas.errors import ProxyError
from hwnas.proxies.batches import Batch
from hwnas.proxies.evidence import GaussianResponse
from hwnas.proxies.module_state import WEIGHTED, parameters_replaced, training_mode
from hwnas.proxies.zen import ZEN_BATCH, ZEN_MIXUP, ZEN_REPEATS


def gaussian_response(module: nn.Module, batch: Batch, *, seed: int) -> GaussianResponse:
    """Algorithm 1 of Lin 2021: weights and images from N(0, 1), features before global pooling."""
    # Numbers are drawn on the CPU, so that every device sees the same ones.
    generator = torch.Generator().manual_seed(seed)
    like = batch.images[:1].expand(ZEN_BATCH, -1, -1, -1)
    response = GaussianResponse(change=[], log_spread=[])
    for _ in range(ZEN_REPEATS):
        with (
            parameters_replaced(module, lambda name, value: _gaussian_value(module, name, value, generator)),
            torch.no_grad(),
        ):
            images = _normal(like, generator, memory_format=torch.channels_last)
            noise = _normal(images, generator)
            with training_mode(module, statistics="record"):
                features = _features(module, images)
                response.log_spread.append(_log_spread(module))
            with training_mode(module, statistics="batch"):
                moved = _features(module, images + ZEN_MIXUP * noise)
            response.change.append((features - moved).flatten(1).norm(dim=1).mean().item())
    return response


def _normal(
    like: Tensor, generator: torch.Generator, memory_format: torch.memory_format = torch.preserve_format
) -> Tensor:
    drawn = torch.empty_like(like, device="cpu", memory_format=memory_format).normal_(generator=generator)
    return drawn.to(like.device)


def _gaussian_value(module: nn.Module, name: str, value: Tensor, generator: torch.Generator) -> Tensor:
    """N(0, 1) for weights of convolutions and linear layers, 0 for biases, 1 for scales of norms."""
    layer, _, attribute = name.rpartition(".")
    if attribute == "bias":
        return torch.zeros_like(value)
    if isinstance(module.get_submodule(layer), WEIGHTED):
        return _normal(value, generator)
    return torch.ones_like(value)


def _log_spread(module: nn.Module) -> float:
    """Sum over batch norms of log sigma, sigma^2 being the mean over channels of the batch's variance.

    The epsilon of the batch norm is added, so that one that receives nothing counts with its finite floor.
    """
    logarithms = (
        0.5 * math.log(norm.running_var.mean().item() + norm.eps)
        for norm in module.modules()
        if isinstance(norm, _BatchNorm) and norm.running_var is not None
    )
    return sum(logarithms, 0.0)


def _features(module: nn.Module, images: Tensor) -> Tensor:
    """Input of the last global pooling that runs, or the output of the module where there is none."""
    found: list[Tensor] = []

    def pooled(_layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        found.append(inputs[0])

    with ExitStack() as stack:
        for layer in module.modules():
            if isinstance(layer, nn.AdaptiveAvgPool2d):
                stack.callback(layer.register_forward_pre_hook(pooled).remove)
        output = module(images)
    if found:
        return found[-1]
    if not isinstance(output, Tensor):
        raise ProxyError(
            f"zen expected {type(module).__name__} to return one tensor, got a {type(output).__name__}; "
            "wrap it in a module that returns the logits alone"
        )
    return output
