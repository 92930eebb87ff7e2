"""One forward and backward pass on images and labels, and all that proxies read of it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils.weak import WeakTensorKeyDictionary

from hwnas.errors import ProxyError
from hwnas.proxies.batches import Batch, Loss
from hwnas.proxies.evidence import ChannelSaliency, LayerPair
from hwnas.proxies.module_state import gradients_required, layer_weights, training_mode, weighted_layers
from hwnas.proxies.passes.activations import activations_observed
from hwnas.proxies.proxy import Need

SUPERVISED: Final[frozenset[Need]] = frozenset({"gradients", "activation_agreement", "channel_saliency", "jacobian"})
_OF_THE_LOSS: Final[frozenset[Need]] = frozenset({"gradients", "channel_saliency"})


class _Output(NamedTuple):
    """What a layer returned, and the number of times that it had been written to."""

    tensor: Tensor
    version: int


def supervised(module: nn.Module, batch: Batch, needs: Collection[Need]) -> dict[str, Any]:
    """The fields of `Evidence` that `needs` names, all from one forward pass in training mode with batch statistics.

    The cross entropy and the sum of the logits take one backward pass each, as far as they are needed.
    """
    size = len(batch.images)
    kernel = torch.zeros(size, size, dtype=torch.float64, device=batch.images.device)
    images = batch.images
    fields: dict[str, Any] = {}
    of_the_loss = _OF_THE_LOSS & frozenset(needs)
    with ExitStack() as stack:
        stack.enter_context(training_mode(module, statistics="batch"))
        if "activation_agreement" in needs:
            stack.enter_context(observe_activations(module, kernel))
            fields["activation_agreement"] = kernel
        stack.enter_context(gradients_required(module) if needs != {"activation_agreement"} else torch.no_grad())
        outputs = stack.enter_context(_observe_outputs(module)) if "channel_saliency" in needs else {}
        if "jacobian" in needs:
            images = images.detach().clone().requires_grad_()
        logits = logits_of(module, images)
        fields["classes"] = logits.shape[1]
        if of_the_loss:
            _check_kept(outputs)
            loss = loss_of(logits, batch.labels, batch.loss)
            fields |= _loss_gradients(module, loss, outputs, retain="jacobian" in needs)
        if "jacobian" in needs:
            fields["jacobian"] = _jacobian(logits, images)
    return {name: value for name, value in fields.items() if name == "classes" or name in needs}


def logits_of(module: nn.Module, images: Tensor) -> Tensor:
    """Output of the module. Raises `ProxyError` unless it is one tensor of shape (batch, classes)."""
    output = module(images)
    if not isinstance(output, Tensor) or output.ndim != 2:
        got = f"a tensor of shape {tuple(output.shape)}" if isinstance(output, Tensor) else f"a {type(output).__name__}"
        raise ProxyError(
            f"expected {type(module).__name__} to return one tensor of logits of shape (batch, classes), got {got}; "
            "wrap it in a module that returns the logits alone"
        )
    return output


def weight_gradients(module: nn.Module, value: Tensor) -> list[LayerPair]:
    """Weights and their gradients of `value`; a layer that does not reach it has a gradient of zero."""
    weights = layer_weights(module)
    return _pairs(weights, gradients_of(value, weights))


def gradients_of(value: Tensor, inputs: list[Tensor], *, retain: bool = False) -> list[Tensor]:
    """Gradient of `value` for each of `inputs`, zeros for those that do not reach it."""
    if not value.requires_grad:
        return [torch.zeros_like(tensor) for tensor in inputs]
    found = torch.autograd.grad(value, inputs, allow_unused=True, retain_graph=retain)
    return [torch.zeros_like(t) if g is None else g for t, g in zip(inputs, found, strict=True)]


def _pairs(weights: list[Tensor], gradients: list[Tensor]) -> list[LayerPair]:
    return [LayerPair(weight=w.detach(), gradient=g) for w, g in zip(weights, gradients, strict=True)]


def _loss_gradients(
    module: nn.Module, loss: Tensor, outputs: dict[nn.Module, _Output], *, retain: bool
) -> dict[str, Any]:
    """Gradients of the loss for weights and, where they were observed, for the outputs of weighted layers."""
    weights, layers = layer_weights(module), list(outputs)
    tensors = [output.tensor for output in outputs.values()]
    found = gradients_of(loss, weights + tensors, retain=retain)
    return {
        "gradients": _pairs(weights, found[: len(weights)]),
        "channel_saliency": [
            ChannelSaliency(
                products=_summed_over_positions(layer, tensor.detach() * gradient),
                weights_per_channel=layer.get_parameter("weight")[0].numel(),
            )
            for layer, tensor, gradient in zip(layers, tensors, found[len(weights) :], strict=True)
        ],
    }


def _summed_over_positions(layer: nn.Module, product: Tensor) -> Tensor:
    """(b, channels) of a layer's output: a linear layer has its channels last, a convolution after the batch."""
    channels = product.ndim - 1 if isinstance(layer, nn.Linear) else 1
    others = [axis for axis in range(1, product.ndim) if axis != channels]
    return product.sum(dim=others) if others else product


def _jacobian(logits: Tensor, images: Tensor) -> Tensor:
    """(b, pixels): with batch statistics an image moves the logits of others too; their sum is what the paper takes."""
    return gradients_of(logits.sum(), [images])[0].flatten(1)


def loss_of(logits: Tensor, labels: Tensor, loss: Loss | None = None) -> Tensor:
    """`loss`, or the cross entropy. Raises `ProxyError` for labels out of range, and for a loss of many numbers."""
    if loss is not None:
        return _one_number(loss(logits, labels))
    low, high, classes = int(labels.min()), int(labels.max()), logits.shape[1]
    if low < 0 or high >= classes:
        raise ProxyError(f"expected labels from 0 to {classes - 1} for {classes} logits, got {low} to {high}")
    return nn.functional.cross_entropy(logits, labels)


def _one_number(loss: Tensor) -> Tensor:
    if not isinstance(loss, Tensor) or loss.numel() != 1:
        got = f"shape {tuple(loss.shape)}" if isinstance(loss, Tensor) else f"a {type(loss).__name__}"
        raise ProxyError(f"expected the loss to be one number in a tensor, got {got}; average it over the images")
    return loss.reshape(())


@contextmanager
def _observe_outputs(module: nn.Module) -> Iterator[dict[nn.Module, _Output]]:
    """Output of each weighted layer that runs. Raises `ProxyError` where a layer runs twice."""
    outputs: dict[nn.Module, _Output] = {}

    def observe(layer: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
        if layer in outputs:
            raise ProxyError(f"fisher expected each layer to run once, got two runs of {layer}; use another proxy")
        outputs[layer] = _Output(output, output._version)

    in_place = [layer for layer in module.modules() if getattr(layer, "inplace", False) is True]
    hooks = [layer.register_forward_hook(observe) for layer in weighted_layers(module)]
    try:
        for layer in in_place:  # an activation in place would overwrite the output that is looked at
            layer.__dict__["inplace"] = False
        yield outputs
    finally:
        for layer in in_place:
            layer.__dict__["inplace"] = True
        for hook in hooks:
            hook.remove()


def _check_kept(outputs: dict[nn.Module, _Output]) -> None:
    """Raise `ProxyError` where something was written over an output, which then is not the layer's any more."""
    for layer, output in outputs.items():
        if output.tensor._version != output.version:
            raise ProxyError(
                f"fisher expected the output of {layer} to stay as it is, got one that an operation in place (as +=) "
                "wrote over; write it without, or use another proxy"
            )


@contextmanager
def observe_activations(module: nn.Module, kernel: Tensor) -> Iterator[None]:
    """Add to `kernel` the agreements of every activation that runs, as `activations_observed` shows them.

    With on/off patterns x, two images agree on units - x_i.1 - x_j.1 + 2 x_i.x_j units: one matrix product where
    x x^T + (1-x)(1-x)^T takes two. Activations that read the same tensor share it.
    """
    # Holds no activation alive that the forward pass would let go.
    seen = WeakTensorKeyDictionary()

    def look(tensor: Tensor) -> None:
        known: tuple[int, Tensor] | None = seen.get(tensor)  # type: ignore[no-untyped-call]
        # A tensor that was written to in place since has another version.
        if known is None or known[0] != tensor._version:
            known = (tensor._version, _agreements(tensor.detach()))
            seen[tensor] = known
        kernel.add_(known[1])

    with activations_observed(module, look, images=len(kernel), proxy="naswot"):
        yield


def _agreements(tensor: Tensor) -> Tensor:
    """(b, b) number of units on which images are both positive or both not, float64."""
    # Units in any order will do: the order in memory saves a copy of every activation.
    if tensor.ndim == 4 and tensor.is_contiguous(memory_format=torch.channels_last):
        tensor = tensor.permute(0, 2, 3, 1)
    units = tensor.flatten(1)
    on = torch.gt(units, 0, out=torch.empty_like(units, dtype=torch.float32))
    both = (on @ on.T).double()  # sums of 0 and 1 are exact in float32 up to 2^24 units
    alone = both.diagonal()
    return units.shape[1] - alone[:, None] - alone[None, :] + 2 * both
