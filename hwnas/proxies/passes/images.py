"""The pass of the per-image gradients: one forward and backward pass, then each layer's gradients image by image.

Each image is normalised by itself, as if it were a batch of one (Zhang & Jia 2022 run them so), hence its gradient is
its own. A backward pass of all images at once brings the gradient of every layer's output; the weight gradient of an
image is the product of that with the layer's input: twice the time of a gradient, where a pass for each image takes
3.5 times and `torch.func.vmap` 2.6 times.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import reduce
from typing import Any, Final

import torch
from torch import Tensor, nn

from hwnas.proxies.batches import Batch
from hwnas.proxies.module_state import gradients_required, layer_weights, training_mode, weighted_layers
from hwnas.proxies.passes.products import image_gradients, working_numbers
from hwnas.proxies.passes.supervised import logits_of, loss_of, weight_gradients

_CHUNK_NUMBERS: Final = 2**19  # of one layer at a time: 2 MB stay in the cache; all images at once take a fifth longer


@dataclass(frozen=True, kw_only=True, eq=False)
class _Run:
    """One run of a weighted layer: its input as it was, and where the gradient of its output arrives."""

    layer: nn.Module
    source: Tensor
    version: int
    edge: Any


def sign_sums(module: nn.Module, batch: Batch) -> list[Tensor]:
    """For each weighted layer: the sum over images of the sign of the gradient of the image's own loss.

    As many numbers as the layer has weights; NaN where a gradient is not finite. Raises `ProxyError` where a
    batch norm sees a single value per channel and image.
    """
    with training_mode(module, statistics="image"), gradients_required(module):
        if batch.loss is not None:  # which need not be an average over images
            return _one_by_one(module, batch)
        runs: list[_Run] = []
        with _observe(module, runs):
            loss = loss_of(logits_of(module, batch.images), batch.labels)
        if not loss.requires_grad:
            return [torch.zeros_like(weight) for weight in layer_weights(module)]
        arriving = torch.autograd.grad(loss, [run.edge for run in runs], retain_graph=True, allow_unused=True)
        if not _explained(module, loss, runs, len(batch.images)):
            return _one_by_one(module, batch)
    pairs = [(run, gradient) for run, gradient in zip(runs, arriving, strict=True) if gradient is not None]
    return [_sum_of_signs(weight, pairs) for weight in layer_weights(module)]


def _sum_of_signs(weight: Tensor, pairs: list[tuple[_Run, Tensor]]) -> Tensor:
    """Gradients of a weight that runs several times, or in several layers, add up before their sign is taken."""
    mine = [(run.layer, run.source, gradient) for run, gradient in pairs if run.layer.weight is weight]
    total = torch.zeros(weight.numel(), device=weight.device)
    if not mine:
        return total
    images = len(mine[0][1])
    step = max(1, _CHUNK_NUMBERS // max(weight.numel(), *(working_numbers(layer, g) for layer, _, g in mine)))
    for start in range(0, images, step):
        part = slice(start, start + step)
        gradients = reduce(torch.add, (image_gradients(layer, x[part], g[part]) for layer, x, g in mine))
        if not gradients.sum().isfinite():  # the sign of infinity is 1
            return torch.full_like(total, torch.nan)
        total += gradients.sign_().sum(dim=0)
    return total


@contextmanager
def _observe(module: nn.Module, runs: list[_Run]) -> Iterator[None]:
    def observe(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        if output.requires_grad:
            source = inputs[0].detach()
            # The edge stays where the output came from, also where an activation writes over the output.
            edge = torch.autograd.graph.get_gradient_edge(output)
            runs.append(_Run(layer=layer, source=source, version=source._version, edge=edge))

    hooks = [layer.register_forward_hook(observe) for layer in weighted_layers(module)]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _explained(module: nn.Module, loss: Tensor, runs: list[_Run], images: int) -> bool:
    """Whether the runs tell everything: inputs still there, one row for each image, no weight used elsewhere.

    An input with as many rows as there are images is taken to have the images in front.
    """
    ran = {id(run.layer.weight) for run in runs}
    others = [weight for weight in layer_weights(module) if id(weight) not in ran]
    used = torch.autograd.grad(loss, others, retain_graph=True, allow_unused=True) if others else ()
    whole = all(run.source._version == run.version and len(run.source) == images for run in runs)
    return whole and all(gradient is None for gradient in used)


def _one_by_one(module: nn.Module, batch: Batch) -> list[Tensor]:
    """A forward and a backward pass for each image, as the paper's code does it; any module will do."""
    sums = [torch.zeros_like(weight) for weight in layer_weights(module)]
    for index in range(len(batch.images)):
        alone = slice(index, index + 1)
        loss = loss_of(logits_of(module, batch.images[alone]), batch.labels[alone], batch.loss)
        pairs = weight_gradients(module, loss)
        for total, pair in zip(sums, pairs, strict=True):
            total += torch.where(pair.gradient.isfinite(), pair.gradient.sign(), torch.nan)
    return sums
