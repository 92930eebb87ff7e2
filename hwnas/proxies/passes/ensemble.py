"""The pass of the Gaussian process: features of the images in several random networks (Park 2020)."""

from __future__ import annotations

from contextlib import ExitStack

import torch
from torch import Tensor, nn

from hwnas.proxies.batches import Batch
from hwnas.proxies.module_state import parameters_replaced, training_mode
from hwnas.proxies.nngp import NNGP_NETWORKS
from hwnas.proxies.passes.redrawing import redrawn
from hwnas.proxies.passes.supervised import logits_of


def random_features(module: nn.Module, batch: Batch, *, seed: int) -> list[Tensor]:
    """In each random network (b, n): the input of the last linear layer that runs, or the logits where none does."""
    generator = torch.Generator().manual_seed(seed)
    found = []
    for _ in range(NNGP_NETWORKS):
        with (
            parameters_replaced(module, lambda name, value: redrawn(module, name, value, generator, variance="he")),
            training_mode(module, statistics="batch", dropout=False),
            torch.no_grad(),
        ):
            found.append(_features(module, batch.images).flatten(1))
    return found


def _features(module: nn.Module, images: Tensor) -> Tensor:
    inputs: list[Tensor] = []
    with ExitStack() as stack:
        for layer in module.modules():
            if isinstance(layer, nn.Linear):
                hook = layer.register_forward_pre_hook(lambda _layer, args: inputs.append(args[0].detach()))
                stack.callback(hook.remove)
        logits = logits_of(module, images)
    return (inputs[-1] if inputs and len(inputs[-1]) == len(images) else logits).clone()
