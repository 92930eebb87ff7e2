"""One forward and backward pass on each half of the batch (Li 2023)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hwnas.proxies.batches import Batch
from hwnas.proxies.module_state import gradients_required, training_mode
from hwnas.proxies.passes.supervised import logits_of, loss_of, weight_gradients


def half_gradients(module: nn.Module, batch: Batch) -> list[Tensor]:
    """For each weighted layer (2, n): gradients of the loss on the first and on the second half of the batch.

    Each half is normalised by itself; of an odd number of images the first has one more.
    """
    with training_mode(module, statistics="batch"), gradients_required(module):
        halves = [
            weight_gradients(module, loss_of(logits_of(module, images), labels, batch.loss))
            for images, labels in _halves(batch)
        ]
    return [torch.stack([a.gradient, b.gradient]).flatten(1) for a, b in zip(*halves, strict=True)]


def _halves(batch: Batch) -> list[tuple[Tensor, Tensor]]:
    middle = (len(batch.images) + 1) // 2
    return [(batch.images[part], batch.labels[part]) for part in (slice(middle), slice(middle, None))]
