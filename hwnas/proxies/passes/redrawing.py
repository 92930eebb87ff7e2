"""Random networks of the same architecture: weights drawn anew for each."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from hwnas.proxies.module_state import WEIGHTED


def he_normal(module: nn.Module, name: str, value: Tensor, generator: torch.Generator) -> Tensor:
    """New value of the parameter `name`: N(0, 2 / fan-in) for weights of weighted layers (He 2015).

    Their biases become 0, scales of norms 1 and shifts 0; every other parameter keeps its value. Numbers are drawn on
    the CPU, so that every device sees the same ones.
    """
    owner, _, attribute = name.rpartition(".")
    layer = module.get_submodule(owner)
    if isinstance(layer, WEIGHTED):
        if attribute != "weight":
            return torch.zeros_like(value)
        drawn = torch.empty_like(value, device="cpu").normal_(generator=generator)
        return (drawn * math.sqrt(2 / max(value[0].numel(), 1))).to(value.device)
    if "Norm" in type(layer).__name__:
        return torch.ones_like(value) if attribute == "weight" else torch.zeros_like(value)
    return value
