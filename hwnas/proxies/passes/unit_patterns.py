"""The pass of the SWAP score: how many different answers single units give to a few images (Peng 2024)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hwnas.errors import ProxyError
from hwnas.proxies.batches import Batch
from hwnas.proxies.module_state import training_mode
from hwnas.proxies.passes.activations import activations_observed
from hwnas.proxies.passes.supervised import logits_of
from hwnas.proxies.swap import SWAP_IMAGES


def unit_patterns(module: nn.Module, batch: Batch) -> int:
    """Number of distinct patterns of units of activations over the first images, each a bit for each image.

    Batch norms use the statistics of these images, dropout is off. Raises `ProxyError` where no activation runs.
    """
    images = batch.images[:SWAP_IMAGES]
    found: list[Tensor] = []

    def look(tensor: Tensor) -> None:
        found.append(torch.unique(_patterns(tensor)))

    with (
        training_mode(module, statistics="batch", dropout=False),
        activations_observed(module, look, images=len(images), proxy="swap"),
        torch.no_grad(),
    ):
        logits_of(module, images)
    if not found:
        raise ProxyError("swap expected activations such as nn.ReLU to run, got none; use another proxy")
    return len(torch.unique(torch.cat(found)))


def _patterns(tensor: Tensor) -> Tensor:
    """(units,) numbers whose bits say on which images a unit is on, from (images, ...)."""
    if tensor.ndim == 4 and tensor.is_contiguous(memory_format=torch.channels_last):
        tensor = tensor.permute(0, 2, 3, 1)  # units in any order will do: their order in memory saves a copy
    on = tensor.flatten(1) > 0
    numbers = torch.zeros(on.shape[1], dtype=torch.int64, device=tensor.device)
    for image, row in enumerate(on):
        numbers += row.long() << image
    return numbers
