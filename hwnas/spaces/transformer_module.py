"""Torch modules that the vision-transformer spaces share (Dosovitskiy 2021; as Auto-Prox, Wei 2024, trains them).

Attention is written out as two matrix products and a softmax: fused kernels have no second derivative and no rule for
`torch.func`, and both are needed by proxies. Without dropout and stochastic depth, which are part of a training.
"""

from __future__ import annotations

from typing import Final, final

from torch import Tensor, nn

EPSILON: Final = 1e-6  # of the published layer norms; torch's default is 1e-5


@final
class Attention(nn.Module):
    """Multi-head self-attention whose heads share the width of the tokens."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Keeps the shape (b, tokens, width)."""
        batch, tokens, width = x.shape
        qkv = self.qkv(x).reshape(batch, tokens, 3, self.heads, width // self.heads)
        query, key, value = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        weights = (query @ key.transpose(-2, -1) * (width // self.heads) ** -0.5).softmax(dim=-1)
        return self.proj((weights @ value).transpose(1, 2).reshape(batch, tokens, width))  # type: ignore[no-any-return]


@final
class MLP(nn.Module):
    """Two linear layers with a GELU between them."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, hidden)
        self.act = nn.GELU()
        self.fc2 = nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        """Keeps the shape (b, tokens, width)."""
        return self.fc2(self.act(self.fc1(x)))  # type: ignore[no-any-return]


@final
class TransformerLayer(nn.Module):
    """Attention and MLP, each behind a layer norm and beside a shortcut."""

    def __init__(self, width: int, *, heads: int, hidden: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=EPSILON)
        self.attn = Attention(width, heads)
        self.norm2 = nn.LayerNorm(width, eps=EPSILON)
        self.mlp = MLP(width, hidden)

    def forward(self, x: Tensor) -> Tensor:
        """Keeps the shape (b, tokens, width)."""
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))  # type: ignore[no-any-return]
