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
class ChannelSaliency:
    """Of a weighted layer: (b, channels) activation times loss gradient, summed over positions; weights per channel."""

    products: Tensor
    weights_per_channel: int


@dataclass(frozen=True, kw_only=True)
class GaussianResponse:
    """What the zen score reads, one entry per repeat: mean change of the features, and log of batch-norm spreads."""

    change: list[float]
    log_spread: list[float]


@dataclass(frozen=True, kw_only=True)
class StageResponse:
    """What the AZ-NAS scores read of the successive blocks of the Kaiming-initialised network.

    spectra: eigenvalues of the covariance of the channels, of the input of the first block and the output of each; all
    zero where features are constant, NaN where they are not finite. gains: spectral norm of each block's Jacobian; 0
    where the block is the identity, which can learn nothing, or lets no gradient through; NaN where a gradient is not
    finite, None where positions of input and output cannot be matched.
    """

    spectra: list[list[float]]
    gains: list[float | None]


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """All that was gathered on one network; a field that no proxy needed is None or empty.

    batch_size: images in the batch. labels: theirs, (b,). classes: number of logits, where a forward pass ran.
    graph: operators with shapes.
    weights: weight of each weighted layer.
    gradients: weight and loss gradient of each weighted layer.
    activation_agreement: (b, b) number of units of activations on which two images agree, float64.
    unnormalised_agreement: the same where batch norms return their input.
    channel_saliency: of each weighted layer that runs, in the order in which they run.
    jacobian: (b, pixels) gradient of the sum of each image's logits with respect to the image.
    synflow: weight and gradient of each weighted layer in the linearised network, float64.
    gaussian: responses of the Gaussian-initialised network.
    stages: features and gains of successive blocks.
    hessian_gradient: each weight, and in `gradient` the Hessian of the loss times its gradient.
    half_gradients: for each weight (2, n): loss gradients of its n numbers on each half of the batch.
    sign_sums: for each weight (n,): sum over images of the signs of the gradients of the image's own loss.
    tangent_kernel: (b, b) products of the weight gradients of the images' summed logits, float64.
    region_counts: distinct ReLU patterns in each thin random network.
    random_features: (b, n) inputs of the last linear layer in each random network.
    unit_patterns: distinct on/off patterns of units of activations over a few images.
    smallest_eigenvalues: of the correlations between the channels of each feature map of a random image.
    activation_ranks: effective rank of what each layer with weights and each activation returns.
    """

    batch_size: int = 0
    labels: Tensor | None = None
    classes: int = 0
    graph: Graph | None = None
    weights: list[Tensor] = field(default_factory=list)
    gradients: list[LayerPair] = field(default_factory=list)
    activation_agreement: Tensor | None = None
    unnormalised_agreement: Tensor | None = None
    channel_saliency: list[ChannelSaliency] = field(default_factory=list)
    jacobian: Tensor | None = None
    synflow: list[LayerPair] = field(default_factory=list)
    gaussian: GaussianResponse | None = None
    stages: StageResponse | None = None
    hessian_gradient: list[LayerPair] = field(default_factory=list)
    half_gradients: list[Tensor] = field(default_factory=list)
    sign_sums: list[Tensor] = field(default_factory=list)
    tangent_kernel: Tensor | None = None
    region_counts: list[int] = field(default_factory=list)
    random_features: list[Tensor] = field(default_factory=list)
    unit_patterns: int | None = None
    smallest_eigenvalues: list[float] = field(default_factory=list)
    activation_ranks: list[float] = field(default_factory=list)
