"""The torch module of a network of the AutoFormer space, as Auto-Prox trains the networks on their own.

It differs from AutoFormer's supernet: heads share the width (there 64 units each), no relative positions.
"""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor, nn

from hwnas.spaces.autoformer_graph import PATCH, TOKENS, AutoFormerNet
from hwnas.spaces.transformer_module import EPSILON, TransformerLayer


@final
class Network(nn.Module):
    """Patches, class token, positions, layers of one width; the classifier reads the mean of the patches' tokens."""

    def __init__(self, net: AutoFormerNet, *, classes: int) -> None:
        super().__init__()
        self.patch_embed = nn.Conv2d(3, net.width, PATCH, stride=PATCH)
        self.class_token = nn.Parameter(torch.empty(1, 1, net.width))
        self.position_embedding = nn.Parameter(torch.empty(1, TOKENS, net.width))
        self.layers = nn.ModuleList(
            TransformerLayer(net.width, heads=heads, hidden=hidden)
            for heads, hidden in zip(net.heads, net.hidden, strict=True)
        )
        self.norm = nn.LayerNorm(net.width, eps=EPSILON)
        self.head = nn.Linear(net.width, classes)
        self._initialise()

    def _initialise(self) -> None:
        """Truncated normal of deviation 0.02, as published; the patches keep torch's default."""
        for parameter in (self.class_token, self.position_embedding):
            nn.init.trunc_normal_(parameter, std=0.02)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                nn.init.zeros_(module.bias)

    @property
    def blocks(self) -> list[nn.Module]:
        """The layers: each gives tokens of shape (b, 197, width), the class token first."""
        return list(self.layers)

    def forward(self, x: Tensor) -> Tensor:
        """(b, 3, 224, 224) images to (b, classes) logits."""
        x = self.patch_embed(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.class_token.expand(len(x), -1, -1), x], dim=1) + self.position_embedding
        for layer in self.layers:
            x = layer(x)
        return self.head(self.norm(x)[:, 1:].mean(dim=1))  # type: ignore[no-any-return]
