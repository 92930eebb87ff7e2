"""What proxies read: each kind of evidence is gathered at most once for a network, however many read it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from torch import Tensor

if TYPE_CHECKING:
    from hwnas.graphs import Graph


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

    batch_size: images in the batch. labels: theirs, (b,). classes: number of logits, where a forward pass ran.
    graph: operators with shapes.
    weights: weight of each weighted layer.
    gradients: weight and loss gradient of each weighted layer.
    relu_agreement: (b, b) number of ReLU units on which two images agree, float64.
    channel_saliency: for each weighted layer (b, channels): activation times loss gradient, summed over positions.
    jacobian: (b, pixels) gradient of the sum of each image's logits with respect to the image.
    synflow: weight and gradient of each weighted layer in the linearised network, float64.
    gaussian: responses of the Gaussian-initialised network.
    """

    batch_size: int = 0
    labels: Tensor | None = None
    classes: int = 0
    graph: Graph | None = None
    weights: list[Tensor] = field(default_factory=list)
    gradients: list[LayerPair] = field(default_factory=list)
    relu_agreement: Tensor | None = None
    channel_saliency: list[Tensor] = field(default_factory=list)
    jacobian: Tensor | None = None
    synflow: list[LayerPair] = field(default_factory=list)
    gaussian: GaussianResponse | None = None
