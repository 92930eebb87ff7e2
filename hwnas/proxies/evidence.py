"""The passes that proxies share. Each kind of evidence is gathered at most once for a network, however many read it.

A pass leaves parameters, buffers and flags of the module as it found them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from hwnas.errors import ProxyError
from hwnas.proxies.batches import Batch
from hwnas.proxies.proxy import Need

if TYPE_CHECKING:
    from hwnas.graphs import Graph

WEIGHTED = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear)


@dataclass(frozen=True, kw_only=True)
class LayerPair:
    """A weighted layer's weight and its gradient, of the same shape."""

    weight: Tensor
    gradient: Tensor


@dataclass(frozen=True, kw_only=True)
class GaussianResponse:
    """What the zen score reads, one entry per repeat: mean change of the features, and log of batch-norm spreads."""

    change: list[float]
    log_spread: list[float]


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """All that was gathered on one network; a field that no proxy needed is None or empty.

    graph: operators with shapes. batch_size: images in the batch.
    gradients: weight and loss gradient of each weighted layer.
    relu_agreement: (b, b) number of ReLU units on which two images agree, float64.
    synflow: weight and gradient of each weighted layer in the linearised network, float64.
    gaussian: responses of the Gaussian-initialised network.
    """

    batch_size: int = 0
    graph: Graph | None = None
    gradients: list[LayerPair] = field(default_factory=list)
    relu_agreement: Tensor | None = None
    synflow: list[LayerPair] = field(default_factory=list)
    gaussian: GaussianResponse | None = None


def gather(
    module: nn.Module, batch: Batch, needs: Collection[Need], *, graph: Graph | None = None, seed: int = 0
) -> Evidence:
    """Run the passes that `needs` names on `module` and collect what they show."""
    gradients: list[LayerPair] = []
    agreement: Tensor | None = None
    if "gradients" in needs or "relu_agreement" in needs:
        gradients, agreement = _supervised(
            module, batch, backward="gradients" in needs, agreement="relu_agreement" in needs
        )
    return Evidence(
        batch_size=len(batch.images),
        graph=graph,
        gradients=gradients,
        relu_agreement=agreement,
        synflow=_linearised(module, batch) if "synflow" in needs else [],
        gaussian=_gaussian(module, batch, seed=seed) if "gaussian" in needs else None,
    )


def _weighted(module: nn.Module) -> list[nn.Module]:
    return [layer for layer in module.modules() if isinstance(layer, WEIGHTED)]


def _pairs(module: nn.Module, value: Tensor) -> list[LayerPair]:
    """Weights and their gradients of `value`; a layer that does not reach it has a gradient of zero."""
    weights = [layer.weight for layer in _weighted(module) if isinstance(layer.weight, Tensor)]
    if not value.requires_grad:
        return [LayerPair(weight=w.detach(), gradient=torch.zeros_like(w)) for w in weights]
    gradients = torch.autograd.grad(value, weights, allow_unused=True)
    return [
        LayerPair(weight=w.detach(), gradient=torch.zeros_like(w) if g is None else g)
        for w, g in zip(weights, gradients, strict=True)
    ]


def _logits(module: nn.Module, images: Tensor) -> Tensor:
    output = module(images)
    if not isinstance(output, Tensor):
        raise ProxyError(f"expected a module that returns one tensor of logits, got {type(output).__name__}")
    return output


def _supervised(
    module: nn.Module, batch: Batch, *, backward: bool, agreement: bool
) -> tuple[list[LayerPair], Tensor | None]:
    """One forward pass in training mode with batch statistics, and one backward pass of the cross entropy."""
    size = len(batch.images)
    kernel = torch.zeros(size, size, dtype=torch.float64, device=batch.images.device)
    with ExitStack() as stack:
        stack.enter_context(training_mode(module, statistics="batch"))
        if agreement:
            stack.enter_context(_observe_relus(module, kernel))
        stack.enter_context(torch.set_grad_enabled(backward))
        logits = _logits(module, batch.images)
        pairs = _pairs(module, nn.functional.cross_entropy(logits, batch.labels)) if backward else []
    return pairs, kernel if agreement else None


@contextmanager
def _observe_relus(module: nn.Module, kernel: Tensor) -> Iterator[None]:
    """Add to `kernel` the agreements of every ReLU that runs.

    With signs s in {-1, +1}, agreements are (units + s s^T) / 2: one matrix product where x x^T + (1-x)(1-x)^T takes
    two. ReLUs that read the same tensor share the product.
    """
    seen: dict[int, tuple[Tensor, Tensor]] = {}

    def observe(_layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        tensor = inputs[0].detach()
        key = id(inputs[0])
        if key not in seen or seen[key][0] is not inputs[0]:
            signs = (tensor > 0).flatten(1).to(torch.float32).mul_(2).sub_(1)
            # Sums of ±1 are exact in float32 up to 2^24 units.
            seen[key] = (inputs[0], (signs @ signs.T).double().add_(signs.shape[1]).div_(2))
        kernel.add_(seen[key][1])

    hooks = [layer.register_forward_pre_hook(observe) for layer in module.modules() if isinstance(layer, nn.ReLU)]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


@contextmanager
def training_mode(module: nn.Module, *, statistics: str) -> Iterator[None]:
    """Training mode in which batch norms keep their buffers; everything is as before afterwards.

    statistics: "batch" normalises by the batch, "record" does so and holds the batch's variance in `running_var`
    inside the block, "identity" makes every batch norm return its input.
    """
    layers = list(module.modules())
    modes = [layer.training for layer in layers]
    norms = [layer for layer in layers if isinstance(layer, _BatchNorm)]
    kept = [(norm.running_mean, norm.running_var, norm.num_batches_tracked, norm.momentum) for norm in norms]
    module.train()
    try:
        for norm in norms:
            if statistics == "identity":
                norm.forward = _identity  # type: ignore[method-assign]
            else:
                norm.running_mean = norm.running_var = norm.num_batches_tracked = None
            if statistics == "record":
                device = next(module.parameters()).device
                norm.running_mean = torch.zeros(norm.num_features, device=device)
                norm.running_var = torch.ones(norm.num_features, device=device)
                norm.momentum = 1.0
        yield
    finally:
        for norm, (mean, variance, count, momentum) in zip(norms, kept, strict=True):
            norm.__dict__.pop("forward", None)
            norm.running_mean, norm.running_var, norm.num_batches_tracked = mean, variance, count
            norm.momentum = momentum
        for layer, mode in zip(layers, modes, strict=True):
            layer.training = mode


def _identity(x: Tensor) -> Tensor:
    return x


@contextmanager
def parameters_replaced(module: nn.Module, change: Callable[[str, Tensor], Tensor]) -> Iterator[None]:
    """Parameters set to `change(name, value)` inside the block, and the very same tensors put back after it."""
    kept = {name: parameter.data for name, parameter in module.named_parameters()}
    try:
        for name, parameter in module.named_parameters():
            parameter.data = change(name, kept[name])
        yield
    finally:
        for name, parameter in module.named_parameters():
            parameter.data = kept[name]


def _linearised(module: nn.Module, batch: Batch) -> list[LayerPair]:
    """Synaptic flow: absolute weights, batch norms removed, an image of ones, the sum of the logits, in float64."""
    image = torch.ones(1, *batch.images.shape[1:], dtype=torch.float64, device=batch.images.device)
    with (
        parameters_replaced(module, lambda _, value: value.double().abs()),
        training_mode(module, statistics="identity"),
        torch.enable_grad(),
    ):
        return _pairs(module, _logits(module, image).sum())


ZEN_REPEATS, ZEN_BATCH, ZEN_MIXUP = 4, 16, 1e-2


def _gaussian(module: nn.Module, batch: Batch, *, seed: int) -> GaussianResponse:
    """Zen score, algorithm 1 of Lin 2021: weights and images from N(0, 1), features before global pooling."""
    generator = torch.Generator(device=batch.images.device).manual_seed(seed)
    like = batch.images[:1].expand(ZEN_BATCH, -1, -1, -1)
    response = GaussianResponse(change=[], log_spread=[])
    for _ in range(ZEN_REPEATS):
        with (
            parameters_replaced(module, lambda name, value: _gaussian_value(module, name, value, generator)),
            torch.no_grad(),
        ):
            images = torch.empty_like(like, memory_format=torch.channels_last).normal_(generator=generator)
            noise = torch.empty_like(images).normal_(generator=generator)
            with training_mode(module, statistics="record"):
                features = _features(module, images)
                response.log_spread.append(_log_spread(module))
            with training_mode(module, statistics="batch"):
                moved = _features(module, images + ZEN_MIXUP * noise)
            response.change.append((features - moved).flatten(1).norm(dim=1).mean().item())
    return response


def _gaussian_value(module: nn.Module, name: str, value: Tensor, generator: torch.Generator) -> Tensor:
    """N(0, 1) for weights of convolutions and linear layers, 0 for biases, 1 for scales of norms."""
    layer, _, attribute = name.rpartition(".")
    if attribute == "bias":
        return torch.zeros_like(value)
    if isinstance(module.get_submodule(layer), WEIGHTED):
        return torch.empty_like(value).normal_(generator=generator)
    return torch.ones_like(value)


def _log_spread(module: nn.Module) -> float:
    """Sum over batch norms of log sigma, sigma^2 being the mean over channels of the batch's variance.

    The epsilon of the batch norm is added, so that one that receives nothing counts with its finite floor.
    """
    return sum(
        0.5 * math.log(norm.running_var.mean().item() + norm.eps)
        for norm in module.modules()
        if isinstance(norm, _BatchNorm) and norm.running_var is not None
    )


def _features(module: nn.Module, images: Tensor) -> Tensor:
    """Input of the last global pooling that runs, or the output of the module where there is none."""
    found: list[Tensor] = []

    def pooled(_layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        found.append(inputs[0])

    with ExitStack() as stack:
        for layer in module.modules():
            if isinstance(layer, nn.AdaptiveAvgPool2d):
                stack.callback(layer.register_forward_pre_hook(pooled).remove)
        output = _logits(module, images)
    return found[-1] if found else output
