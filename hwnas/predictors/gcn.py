"""A graph convolutional network on graphs of operations (BRP-NAS, Dudziak 2020), one output per head.

The only file that imports torch-geometric.
"""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor, nn
from torch_geometric.nn import DenseGCNConv


@final
class GCN(nn.Module):
    """Four residual layers that pass messages along and against the edges; read out from the mean and the global node.

    BRP-NAS has four layers of 600 units that follow the edges one way; here 96 units and messages both ways.
    """

    adjacency: Tensor

    def __init__(self, *, node_features: int, adjacency: Tensor, heads: int, width: int = 96, depth: int = 4) -> None:
        super().__init__()
        self.register_buffer("adjacency", adjacency, persistent=False)
        self.embed = nn.Linear(node_features, width)
        self.along = nn.ModuleList(DenseGCNConv(width, width) for _ in range(depth))
        self.against = nn.ModuleList(DenseGCNConv(width, width) for _ in range(depth))
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(depth))
        self.head = nn.Sequential(nn.Linear(2 * width, width), nn.SiLU(), nn.Linear(width, heads))

    def forward(self, nodes: Tensor) -> Tensor:
        """(b, k, c) node features to (b, h) standardised log costs."""
        x = self.embed(nodes)
        edges = self.adjacency.expand(len(x), -1, -1)
        for along, against, norm in zip(self.along, self.against, self.norms, strict=True):
            x = x + nn.functional.silu(norm(along(x, edges.transpose(1, 2)) + against(x, edges)))
        return self.head(torch.cat([x.sum(dim=1) / 3, x[:, -1]], dim=1))  # type: ignore[no-any-return]
