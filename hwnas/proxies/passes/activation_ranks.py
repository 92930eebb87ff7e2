"""The pass of NEAR: how many directions the outputs of each layer fill (Husistein 2025)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn.modules import activation

from hwnas.errors import ProxyError
from hwnas.proxies.batches import Batch
from hwnas.proxies.module_state import NORMS, WEIGHTED, training_mode
from hwnas.proxies.near import NEAR_IMAGES
from hwnas.proxies.passes.supervised import logits_of

_ACTIVATIONS: Final = tuple(
    getattr(activation, name) for name in activation.__all__ if name not in ("MultiheadAttention", "Softmax")
)
_CHANNELS_LAST: Final = (nn.Linear, nn.LayerNorm, nn.RMSNorm)


def activation_ranks(module: nn.Module, batch: Batch, *, seed: int) -> list[float]:
    """Effective rank of what each layer with weights and each activation returns at its first run.

    Rows are positions of the first images, columns channels. Of a layer of c channels c successive rows are taken, by
    chance where they begin, all where there are no more. Batch norms use the statistics of these images, dropout is
    off. NaN where a number is not finite. Raises `ProxyError` where no layer runs.
    """
    images = batch.images[:NEAR_IMAGES]
    generator = torch.Generator().manual_seed(seed)
    ranks: list[float] = []
    with (
        training_mode(module, statistics="batch", dropout=False),
        _observed(module, ranks, generator),
        torch.no_grad(),
    ):
        logits_of(module, images)
    if not ranks:
        raise ProxyError("near expected layers with weights or activations to run, got none; use another proxy")
    return ranks


@contextmanager
def _observed(module: nn.Module, ranks: list[float], generator: torch.Generator) -> Iterator[None]:
    ran: set[nn.Module] = set()
    channels_last = False  # of the layer that ran last: an activation has the channels where that one put them

    def observe(layer: nn.Module, _inputs: tuple[Any, ...], output: Any) -> None:
        nonlocal channels_last
        if isinstance(layer, (*WEIGHTED, *NORMS)):
            channels_last = isinstance(layer, _CHANNELS_LAST)
        if layer in ran or not isinstance(output, Tensor) or output.ndim < 2:
            return
        ran.add(layer)
        ranks.append(effective_rank(_some_rows(output, channels_last, generator).double()))

    kinds = (*WEIGHTED, *NORMS, *_ACTIVATIONS)
    hooks = [layer.register_forward_hook(observe) for layer in module.modules() if isinstance(layer, kinds)]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _some_rows(output: Tensor, channels_last: bool, generator: torch.Generator) -> Tensor:
    """At most c successive rows of (positions, c): the first axis of a picture varies fastest, as in the paper's code.

    The paper's code may begin so near the end that fewer are left; here there are c where there are as many.
    """
    rows = output if channels_last or output.ndim == 2 else output.transpose(1, -1)
    step = rows.shape[-2] if rows.ndim > 2 else 1  # a line of the picture
    channels = rows.shape[-1]
    count = rows.numel() // channels
    starts = max(0, count - channels) // step + 1
    start = step * int(torch.randint(starts, (1,), generator=generator))
    positions = count // len(rows)
    first, last = start // positions, (start + channels - 1) // positions  # the images they lie in: flattening copies
    return rows[first : last + 1].flatten(0, -2)[start - first * positions :][:channels]


def effective_rank(matrix: Tensor) -> float:
    """exp of the entropy of the singular values by their sum (Roy & Vetterli 2007): 0 for zeros, at most the rank.

    By the eigenvalues of the smaller product of (r, c) with its transpose, in half the time: they lose what is below
    1e-8 of the largest singular value, which hardly counts. NaN where a number is not finite.
    """
    if not matrix.isfinite().all():
        return math.nan
    product = matrix @ matrix.T if matrix.shape[0] < matrix.shape[1] else matrix.T @ matrix
    values = torch.linalg.eigvalsh(product).clamp(min=0).sqrt()
    total = values.sum()
    if total == 0:
        return 0.0
    shares = values[values > 0] / total
    return float(torch.exp(-(shares * shares.log()).sum()))
