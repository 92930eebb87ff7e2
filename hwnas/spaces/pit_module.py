"""The torch module of a network of the PiT space: a vision transformer whose map of tokens shrinks between stages."""

from __future__ import annotations

from itertools import pairwise
from typing import final

import torch
from torch import Tensor, nn

from hwnas.spaces.pit_graph import IMAGE_SIZE, PATCH, STRIDE, PiTNet
from hwnas.spaces.transformer_module import EPSILON, TransformerLayer


@final
class Pool(nn.Module):
    """Halves the map of tokens by a depthwise convolution; a linear layer maps the class token beside it."""

    def __init__(self, in_width: int, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_width, width, 3, stride=2, padding=1, groups=in_width)
        self.fc = nn.Linear(in_width, width)

    def forward(self, x: Tensor) -> Tensor:
        """(b, 1 + s^2, in_width) tokens, the class token first, to (b, 1 + ceil(s/2)^2, width)."""
        size = round((x.shape[1] - 1) ** 0.5)
        feature_map = x[:, 1:].transpose(1, 2).reshape(len(x), -1, size, size)
        return torch.cat([self.fc(x[:, :1]), self.conv(feature_map).flatten(2).transpose(1, 2)], dim=1)


@final
class Network(nn.Module):
    """Overlapping patches, positions, class token, three stages with a pool between them; reads the class token."""

    def __init__(self, net: PiTNet, *, classes: int) -> None:
        super().__init__()
        size, widths = (IMAGE_SIZE - PATCH) // STRIDE + 1, net.widths
        self.patch_embed = nn.Conv2d(3, widths[0], PATCH, stride=STRIDE)
        self.position_embedding = nn.Parameter(torch.empty(1, widths[0], size, size))
        self.class_token = nn.Parameter(torch.empty(1, 1, widths[0]))
        self.stages = nn.ModuleList(
            nn.ModuleList(TransformerLayer(width, heads=heads, hidden=width * net.ratio) for _ in range(depth))
            for depth, heads, width in zip(net.depths, net.heads, widths, strict=True)
        )
        self.pools = nn.ModuleList(Pool(before, after) for before, after in pairwise(widths))
        self.norm = nn.LayerNorm(widths[-1], eps=EPSILON)
        self.head = nn.Linear(widths[-1], classes)
        for parameter in (self.position_embedding, self.class_token):
            nn.init.trunc_normal_(parameter, std=0.02)  # all else keeps torch's default, as published

    @property
    def blocks(self) -> list[nn.Module]:
        """The layers of all stages: tokens of shape (b, 730, w0), then (b, 197, w1), then (b, 50, w2)."""
        return [layer for stage in self.stages for layer in stage]  # type: ignore[attr-defined]

    def forward(self, x: Tensor) -> Tensor:
        """(b, 3, 224, 224) images to (b, classes) logits."""
        x = (self.patch_embed(x) + self.position_embedding).flatten(2).transpose(1, 2)
        x = torch.cat([self.class_token.expand(len(x), -1, -1), x], dim=1)
        for number, stage in enumerate(self.stages):
            if number:
                x = self.pools[number - 1](x)
            for layer in stage:  # type: ignore[attr-defined]
                x = layer(x)
        return self.head(self.norm(x[:, 0]))  # type: ignore[no-any-return]
