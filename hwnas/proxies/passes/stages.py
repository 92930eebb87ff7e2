"""The pass of the AZ-NAS scores: features after successive blocks, and how each block answers random gradients."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from hwnas.errors import ProxyError
from hwnas.proxies.az_expressivity import AZ_BATCH
from hwnas.proxies.batches import Batch
from hwnas.proxies.evidence import StageResponse
from hwnas.proxies.module_state import NORMS, WEIGHTED, parameters_replaced, training_mode
from hwnas.proxies.passes.blocks import blocks_of


def stages(module: nn.Module, batch: Batch, *, seed: int) -> StageResponse:
    """One forward pass of Gaussian images under Kaiming-normal weights, and a backward pass within each block.

    Batch norms use the statistics of the batch, dropout is off. The head enters nothing: it may run, but what is drawn
    for it changes nothing that is drawn for others. Raises `ProxyError` for a module without blocks.
    """
    if not batch.images.is_floating_point():
        raise ProxyError(f"AZ-NAS scores expected float images, got {batch.images.dtype}; use another proxy")
    weights, images, signs = _generators(seed)
    response = StageResponse(spectra=[], gains=[])
    like = batch.images[:1].expand(AZ_BATCH, *batch.images.shape[1:])
    with (
        parameters_replaced(module, lambda name, value: _kaiming_value(module, name, value, weights)),
        training_mode(module, statistics="batch"),
        _observed(module, response, signs),
        torch.enable_grad(),
    ):
        module.eval()  # batch norms without running statistics use those of the batch all the same
        module(_channels_last(_drawn(like, images)))
    if not response.gains:
        raise ProxyError(
            f"AZ-NAS scores expected blocks of {type(module).__name__} to run one after the other, got none that did; "
            "give the module a property `blocks`, the list of its blocks in order, or use another proxy"
        )
    return response


def _generators(seed: int) -> list[torch.Generator]:
    """Three unrelated streams on the CPU, so that every device sees the same numbers."""
    seeds = torch.randint(2**62, (3,), generator=torch.Generator().manual_seed(seed)).tolist()
    return [torch.Generator().manual_seed(each) for each in seeds]


def _drawn(like: Tensor, generator: torch.Generator) -> Tensor:
    return torch.randn(like.shape, generator=generator, dtype=like.dtype).to(like.device)


def _channels_last(images: Tensor) -> Tensor:
    return images.contiguous(memory_format=torch.channels_last) if images.ndim == 4 else images


def _kaiming_value(module: nn.Module, name: str, value: Tensor, generator: torch.Generator) -> Tensor:
    """N(0, 2 / fan_in) for weights of convolutions and linear layers, 0 for biases, 1 for scales of norms.

    Parameters of other layers, such as embeddings of positions, stay as they are.
    """
    layer_name, _, attribute = name.rpartition(".")
    layer = module.get_submodule(layer_name)
    if isinstance(layer, WEIGHTED) and attribute == "weight":
        deviation = math.sqrt(2 / value[0].numel())
        return torch.empty_like(value).copy_(_drawn(value, generator)).mul_(deviation)
    if isinstance(layer, (*WEIGHTED, *NORMS)):
        return torch.zeros_like(value) if attribute == "bias" else torch.ones_like(value)
    return value


@contextmanager
def _observed(module: nn.Module, response: StageResponse, signs: torch.Generator) -> Iterator[None]:
    """Let every block that runs add to `response`. Each sees a detached input, so that its graph ends with it."""
    inputs: dict[nn.Module, Tensor] = {}

    def before(block: nn.Module, arguments: tuple[Any, ...]) -> tuple[Any, ...] | None:
        if not arguments or not isinstance(arguments[0], Tensor) or not arguments[0].is_floating_point():
            return None
        inputs[block] = arguments[0].detach().requires_grad_()
        return (inputs[block].clone(), *arguments[1:])  # a copy, as a layer in place may overwrite it

    def after(block: nn.Module, _arguments: tuple[Any, ...], output: Any) -> Any:
        features = output[0] if isinstance(output, tuple) else output
        start = inputs.pop(block, None)
        if start is None or not isinstance(features, Tensor):
            return None
        if not response.spectra:
            response.spectra.append(_spectrum(start.detach()))
        response.spectra.append(_spectrum(features.detach()))
        response.gains.append(_gain(start, features, signs))
        return (features.detach(), *output[1:]) if isinstance(output, tuple) else features.detach()

    hooks = []
    try:
        for block in blocks_of(module):
            hooks += [block.register_forward_pre_hook(before), block.register_forward_hook(after)]
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _spectrum(features: Tensor) -> list[float]:
    """Eigenvalues of the covariance of the channels over images and positions; zeros for features without any, NaN for
    features that are not finite.

    Of a matrix and its transpose the smaller product is taken: they share all eigenvalues but zeros.
    """
    rows = _rows(features)
    mean = rows.mean(dim=0)
    rows = rows - mean
    product = rows.T @ rows if rows.shape[0] >= rows.shape[1] else rows @ rows.T
    if not product.isfinite().all():
        return [math.nan] * len(product)
    eigenvalues: list[float] = torch.linalg.eigvalsh(product.double().cpu() / len(rows)).clamp(min=0).tolist()
    # Constant features leave rounding errors of 1e-7 of their size, whose spectrum says nothing.
    constant = sum(eigenvalues) <= 1e-12 * mean.double().square().sum().item()
    return [0.0] * len(eigenvalues) if constant else eigenvalues


def _gain(start: Tensor, features: Tensor, signs: torch.Generator) -> float | None:
    """Spectral norm of the mean over positions of g_in g_out^T, g_in being the gradient for random signs g_out.

    0 for a block that is the identity, NaN for gradients that are not finite, None where positions of input and output
    cannot be matched.
    """
    out = _signs(features, signs)
    found = torch.autograd.grad(features, start, out, allow_unused=True)[0] if features.requires_grad else None
    back = torch.zeros_like(start) if found is None else found
    if back.shape == out.shape and torch.equal(back, out):
        return 0.0
    matched = _matched(back, out)
    if matched is None:
        return None
    g_in, g_out = _rows(matched), _rows(out)
    mean = (g_in.T @ g_out).double().cpu() / len(g_out)
    return float(torch.linalg.matrix_norm(mean, 2).item()) if mean.isfinite().all() else math.nan


def _signs(like: Tensor, generator: torch.Generator) -> Tensor:
    """-1 and 1 with equal chances, in the order in memory of channels last, as the features: 0.1 s less a network."""
    last = like.permute(0, 2, 3, 1) if like.ndim == 4 else like
    drawn = torch.randint(2, last.shape, generator=generator, dtype=like.dtype).mul_(2).sub_(1).to(like.device)
    return drawn.permute(0, 3, 1, 2) if like.ndim == 4 else drawn


def _matched(back: Tensor, out: Tensor) -> Tensor | None:
    """`back` with as many positions as `out`: the pixels under one pixel of the output become channels."""
    if back.ndim != out.ndim:
        return None
    if back.ndim != 4:
        return back if back.shape[:-1] == out.shape[:-1] else None
    (high, wide), (out_high, out_wide) = back.shape[2:], out.shape[2:]
    stride = max(1, round(high / out_high))
    if high < out_high or stride != max(1, round(wide / out_wide)):
        return None
    down, across = stride * out_high - high, stride * out_wide - wide
    # Negative numbers crop: a 3x3 convolution without padding sees the border less.
    back = functional.pad(back, (across // 2, across - across // 2, down // 2, down - down // 2))
    return functional.pixel_unshuffle(back, stride) if stride > 1 else back


def _rows(features: Tensor) -> Tensor:
    """(positions, channels) of (b, channels, height, width), (b, tokens, channels) or (b, channels)."""
    if features.ndim == 4:
        features = features.permute(0, 2, 3, 1)
    return features.reshape(-1, features.shape[-1])
