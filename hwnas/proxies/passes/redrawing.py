"""Random networks of the same architecture: weights drawn anew for each."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn

from hwnas.proxies.module_state import NORMS, WEIGHTED


def redrawn(
    module: nn.Module, name: str, value: Tensor, generator: torch.Generator, *, variance: Literal["one", "he"]
) -> Tensor:
    """New value of the parameter `name`: normal numbers for weights of weighted layers, of variance 1 or 2 / fan-in.

    Their biases become 0, scales of norms 1 and shifts 0; any other parameter, such as the slope of an nn.PReLU, keeps
    its value. Numbers are drawn on the CPU, so that every device sees the same ones.
    """
    owner, _, attribute = name.rpartition(".")
    layer = module.get_submodule(owner)
    if isinstance(layer, WEIGHTED):
        if attribute != "weight":
            return torch.zeros_like(value)
        drawn = torch.empty_like(value, device="cpu").normal_(generator=generator)
        deviation = 1.0 if variance == "one" else math.sqrt(2 / max(value[0].numel(), 1))
        return drawn.mul_(deviation).to(value.device)
    if isinstance(layer, NORMS) or "Norm" in type(layer).__name__:
        return torch.ones_like(value) if attribute == "weight" else torch.zeros_like(value)
    return value
