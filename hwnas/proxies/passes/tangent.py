"""The pass of the neural tangent kernel: one backward pass for each image (Chen 2021)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hwnas.proxies.batches import Batch
from hwnas.proxies.module_state import gradients_required, layer_weights, training_mode
from hwnas.proxies.ntk_cond import NTK_IMAGES
from hwnas.proxies.passes.supervised import gradients_of, logits_of


def tangent_kernel(module: nn.Module, batch: Batch) -> Tensor:
    """J Jᵀ, (b, b) float64, row i of J being the gradient of the sum of image i's logits for all layer weights.

    With batch statistics an image moves the logits of the others, so each row takes a backward pass through the whole
    batch; hence the first 16 images alone.
    """
    images, weights = batch.images[:NTK_IMAGES], layer_weights(module)
    with training_mode(module, statistics="batch"), gradients_required(module):
        sums = logits_of(module, images).sum(dim=1)
        rows = [gradients_of(total, weights, retain=True) for total in sums]
    kernel = torch.zeros(len(images), len(images), dtype=torch.float64, device=images.device)
    for gradients in zip(*rows, strict=True):
        jacobian = torch.stack(gradients).flatten(1).double()
        kernel += jacobian @ jacobian.T
    return kernel
