"""Which proxies mean something for a module, and why the others do not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from torch import nn

from hwnas.proxies.batches import Batch
from hwnas.proxies.inspection import Inspection
from hwnas.proxies.module_state import WEIGHTED, weighted_layers
from hwnas.proxies.proxy import OF_WEIGHTS, Need, Proxy

# Evidence that no gradient is needed for; of a new kind it is taken that one is.
_FORWARD_ONLY: Final[frozenset[Need]] = frozenset(
    {
        *("graph", "weights", "activation_agreement", "unnormalised_agreement", "gaussian"),
        *("unit_patterns", "smallest_eigenvalues", "activation_ranks"),
    }
)
_OF_CONTINUOUS_INPUTS: Final[frozenset[Need]] = frozenset(
    {"jacobian", "synflow", "gaussian", "stages", "smallest_eigenvalues"}
)
_CONVOLUTIONS: Final = (nn.Conv1d, nn.Conv2d, nn.Conv3d)


def why_not(proxy: Proxy, module: nn.Module, batch: Batch, inspection: Inspection) -> str:
    """Why `proxy` cannot score `module`; empty where nothing is known against it."""
    needs, name = proxy.needs, type(module).__name__
    if "graph" in needs:
        return "expected the operator graph of an architecture of a space, got a module of its own; use another proxy"
    if needs & OF_WEIGHTS and (reason := _weights(module)):
        return reason
    if not inspection.differentiable and not needs <= _FORWARD_ONLY:
        return (
            f"expected {name} to be differentiable, got logits that lead back to no weight (torch.no_grad, detach or "
            "argmax inside?); remove that, or use proxies without gradients"
        )
    if "jacobian" in needs and proxy.uses_labels and (batch.labels.ndim != 1 or batch.labels.is_floating_point()):
        return f"expected one class for each image, got labels of {batch.labels.dtype}; use another proxy"
    if needs & _OF_CONTINUOUS_INPUTS and not batch.images.is_floating_point():
        return f"expected float images, which can change a little, got {batch.images.dtype}; use another proxy"
    return next((reason for need, check in _CHECKS.items() if need in needs and (reason := check(module, batch))), "")


def _weights(module: nn.Module) -> str:
    layers = weighted_layers(module)
    if not layers and not any(isinstance(layer, nn.MultiheadAttention) for layer in module.modules()):
        kinds = ", ".join(kind.__name__ for kind in WEIGHTED)
        return f"expected a module with weighted layers ({kinds}), got {type(module).__name__} without any"
    derived = [type(layer).__name__ for layer in layers if not isinstance(layer.weight, nn.Parameter)]
    if derived:
        return (
            f"expected weights that are parameters, got a {derived[0]} whose weight is computed (weight norm, spectral "
            "norm or another parametrisation); remove it first, as by torch.nn.utils.parametrize"
        )
    return ""


def _feature_maps(module: nn.Module, batch: Batch) -> str:
    """Whether a map is pooled is seen when the network runs."""
    if batch.images.ndim == 4 and any(isinstance(layer, _CONVOLUTIONS) for layer in module.modules()):
        return ""
    name = type(module).__name__
    return f"expected a convolutional network, whose feature map can be read, got {name}; use another proxy"


def _layers_that_run(module: nn.Module, _batch: Batch) -> str:
    if any(isinstance(layer, nn.MultiheadAttention) for layer in module.modules()):
        return (
            "expected layers with outputs to look at, got nn.MultiheadAttention, which applies its weights without "
            "running layers; write attention with nn.Linear, or use another proxy"
        )
    return ""


_CHECKS: Final[dict[Need, Callable[[nn.Module, Batch], str]]] = {
    "gaussian": _feature_maps,
    "channel_saliency": _layers_that_run,
}
