"""The pass without batch norms: a new network in evaluation mode, whose running mean is 0 and variance 1."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hwnas.proxies.batches import Batch
from hwnas.proxies.module_state import training_mode
from hwnas.proxies.passes.supervised import logits_of, observe_activations


def unnormalised_agreement(module: nn.Module, batch: Batch) -> Tensor:
    """(b, b) number of units of activations on which two images agree, float64; batch norms return their input."""
    size = len(batch.images)
    kernel = torch.zeros(size, size, dtype=torch.float64, device=batch.images.device)
    with (
        training_mode(module, statistics="identity", dropout=False),
        observe_activations(module, kernel),
        torch.no_grad(),
    ):
        logits_of(module, batch.images)
    return kernel
