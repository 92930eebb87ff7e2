"""A first look at a module on one image: does it run, what does it return, what does it cost."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.flop_counter import FlopCounterMode

from hwnas.errors import ProxyError
from hwnas.proxies.borrowing import borrowed, ordinary, plain_attention
from hwnas.proxies.module_state import NORMS, gradients_required, layer_weights
from hwnas.user_code import told

COUNTER: Final = (
    "torch's FlopCounterMode on one image in evaluation mode: convolutions and matrix products, MACs are half the FLOPs"
)


def _onednn_layer(
    source: Sequence[int], from_input: Sequence[int], from_hidden: Sequence[int], *_: object, **__: object
) -> int:
    return 2 * math.prod(source[:-1]) * (math.prod(from_input) + math.prod(from_hidden))


# What oneDNN computes as a whole, and torch's counter overlooks; cuDNN's likes are left out while it counts.
_WHOLE: Final = {torch.ops.aten.mkldnn_rnn_layer: _onednn_layer}


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """counts: `params`, `macs` and `flops`; uncounted: why the last two are missing, where they are.

    logits: number of outputs for each image. differentiable: whether they lead back to a weight by gradients.
    notes: what a reader of the scores should know.
    """

    counts: Mapping[str, int]
    uncounted: str
    logits: int
    differentiable: bool
    notes: tuple[str, ...]


def inspect(module: nn.Module, images: Tensor, *, seed: int) -> Inspection:
    """Run the module on the first image in evaluation mode. Raises `ProxyError` where it does not give logits."""
    name = type(module).__name__
    if any(nn.parameter.is_lazy(parameter) or parameter.is_meta for parameter in module.parameters()):
        raise ProxyError(
            f"expected {name} to have weights, got lazy or meta ones without values; run it once, or load them"
        )
    if any(tensor.is_inference() for tensor in (*module.parameters(), *module.buffers())):
        raise ProxyError(
            f"expected {name} to be built outside torch.inference_mode, whose tensors take part in no gradient; build "
            "it outside (torch.no_grad may surround it), or load its state_dict into one built outside"
        )
    image = ordinary(images[:1])
    with borrowed(module, seed=seed, device=images.device), gradients_required(module):
        module.eval()
        try:
            output = module(image)
        except Exception as error:
            remedy = "give images of the shape that it expects"
            if not image.is_floating_point():
                remedy = (
                    "give inputs of the type and shape that it expects: images as floats, such as images.float() / 255"
                )
            raise ProxyError(
                f"expected {name} to run on an image of shape {tuple(image.shape)} ({image.dtype}), got {told(error)}; "
                f"{remedy}, or mend it"
            ) from error
        logits = _checked(output, name)
        unreached, weights = _unreached(logits, module)
        counts, uncounted = _counts(module, image)
    notes = _notes(module, unreached, weights) if logits.requires_grad else ()
    return Inspection(
        counts=counts,
        uncounted=uncounted,
        logits=logits.shape[1],
        differentiable=logits.requires_grad and unreached < max(weights, 1),
        notes=notes,
    )


def _checked(output: Any, name: str) -> Tensor:
    """The output, if it is logits. Raises `ProxyError` that says how to wrap the module."""
    if isinstance(output, Tensor) and output.ndim == 2 and output.is_floating_point() and output.shape[0] == 1:
        return output
    part = "[0]"
    if isinstance(output, Tensor):
        got, part = f"{output.dtype} of shape {tuple(output.shape)}", ".flatten(1)"
    elif isinstance(getattr(output, "logits", None), Tensor):
        got, part = f"a {type(output).__name__} with .logits", ".logits"
    elif isinstance(output, dict):
        got, part = f"a {type(output).__name__} with {', '.join(map(str, output))}", "['...']"
    else:
        got = f"a {type(output).__name__}"
    raise ProxyError(
        f"expected {name} to return one tensor of float logits of shape (images, classes), got {got} for one image; "
        f"wrap it in a module whose forward(self, x) returns self.model(x){part}"
    )


def _unreached(logits: Tensor, module: nn.Module) -> tuple[int, int]:
    """How many weights the logits do not lead back to, and how many there are."""
    weights = layer_weights(module)
    required = [weight for weight in weights if weight.requires_grad]
    if not logits.requires_grad or not required:
        return len(weights), len(weights)
    found = torch.autograd.grad(logits.sum(), required, allow_unused=True)
    return sum(gradient is None for gradient in found), len(weights)


def _notes(module: nn.Module, unreached: int, weights: int) -> tuple[str, ...]:
    notes = []
    if 0 < unreached < weights:
        notes.append(
            f"{unreached} of {weights} weights do not lead to the logits by gradients (unused, or behind detach, "
            "no_grad or argmax): scores that read gradients take them as 0"
        )
    seen = {id(weight) for weight in layer_weights(module)}
    other = sum(p.numel() for p in module.parameters() if p.ndim > 1 and id(p) not in seen)
    if other and weights:
        notes.append(
            f"scores that read weights leave out {other:,} parameters of other kinds than convolutions, linear layers "
            "and nn.MultiheadAttention, such as embeddings"
        )
    if norms := sorted({type(layer).__name__ for layer in module.modules() if _is_other_norm(layer)}):
        notes.append(
            f"synflow and zen take away the effect of batch norms alone, as in their papers: {', '.join(norms)} "
            "in this network stays and hides much of its depth from them"
        )
    return tuple(notes)


def _is_other_norm(layer: nn.Module) -> bool:
    """Whether it is a norm, torch's or another's by its name, and no batch norm."""
    if isinstance(layer, _BatchNorm) or any(True for _ in layer.children()):
        return False
    return isinstance(layer, NORMS) or bool(re.search(r"(Group|Layer|Instance|RMS)Norm", type(layer).__name__))


def _counts(module: nn.Module, image: Tensor) -> tuple[dict[str, int], str]:
    """Every parameter once, frozen ones too; operations, or why they cannot be counted."""
    counts = {"params": sum(parameter.numel() for parameter in module.parameters())}
    try:
        counter = FlopCounterMode(display=False, custom_mapping=_WHOLE)
        with torch.no_grad(), plain_attention(), torch.backends.cudnn.flags(enabled=False), counter:
            module(image)
    except Exception as error:
        return counts, f"cannot be counted by torch's FlopCounterMode: {told(error)}"
    flops = int(counter.get_total_flops())
    return counts | {"macs": flops // 2, "flops": flops}, ""
