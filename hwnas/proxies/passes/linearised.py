"""The pass of synaptic flow: the network without its nonlinear parts, on an image of ones (Tanaka 2020)."""

from __future__ import annotations

import torch
from torch import nn

from hwnas.proxies.batches import Batch
from hwnas.proxies.evidence import LayerPair
from hwnas.proxies.module_state import gradients_required, parameters_replaced, training_mode
from hwnas.proxies.passes.supervised import logits_of, weight_gradients


def linearised(module: nn.Module, batch: Batch) -> list[LayerPair]:
    """Absolute weights, batch norms and dropout removed, an image of ones, gradients of the logits' sum, in float64.

    Numbers of the module that are no parameters, as a fixed filter, keep their signs. In float32 the flow of
    NAS-Bench-201's deepest networks overflows (Abdelfattah's code meets 1e32 and beyond).
    """
    image = torch.ones(1, *batch.images.shape[1:], dtype=torch.float64, device=batch.images.device)
    with (
        parameters_replaced(module, lambda _, value: value.double().abs()),
        training_mode(module, statistics="identity", dropout=False),
        gradients_required(module),
    ):
        _double_buffers(module)
        return weight_gradients(module, logits_of(module, image).sum())


def _double_buffers(module: nn.Module) -> None:
    """Other buffers in the place of those that are floats; `training_mode` puts the module's own back."""
    for layer in module.modules():
        for name, buffer in layer._buffers.items():
            if buffer is not None and buffer.is_floating_point():
                layer._buffers[name] = buffer.double()
