"""A multi-layer perceptron on the flat features of architectures: the BRP-NAS baseline, one output per head."""

from __future__ import annotations

from typing import final

from torch import Tensor, nn


@final
class MLP(nn.Module):
    """Three hidden layers shared by all heads, and one linear output per head."""

    def __init__(self, *, features: int, heads: int, width: int = 256) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(features, width),
            nn.SiLU(),
            nn.Linear(width, width),
            nn.SiLU(),
            nn.Linear(width, width),
            nn.SiLU(),
            nn.Linear(width, heads),
        )

    def forward(self, features: Tensor) -> Tensor:
        """(b, f) features to (b, h) standardised log costs."""
        return self.layers(features)  # type: ignore[no-any-return]
