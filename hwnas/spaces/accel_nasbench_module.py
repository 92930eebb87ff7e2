"""The torch module of an Accel-NASBench network, of the blocks that Once-for-All is made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import torch
from torch import Tensor, nn

from hwnas.spaces.accel_nasbench_graph import ACTIVATION
from hwnas.spaces.accel_nasbench_layers import CLASSES, HEAD, STEM
from hwnas.spaces.mobile_blocks import InvertedResidual
from hwnas.spaces.ofa_module import Block, conv_bn_act


@final
class Network(nn.Module):
    """Stem, blocks, last convolution, classifier; returns logits."""

    def __init__(self, blocks: Sequence[InvertedResidual]) -> None:
        super().__init__()
        self.first_conv = conv_bn_act(STEM, ACTIVATION)
        self.blocks = nn.ModuleList(Block(block, ACTIVATION) for block in blocks)
        self.final_expand_layer = conv_bn_act(HEAD, ACTIVATION)
        self.global_avg_pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(HEAD.channels, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        """(b, 3, h, w) images to (b, classes) logits."""
        x = self.first_conv(x)
        for block in self.blocks:
            x = block(x)
        return self.classifier(torch.flatten(self.global_avg_pool(self.final_expand_layer(x)), 1))  # type: ignore[no-any-return]
