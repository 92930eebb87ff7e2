"""Networks as operators with shapes."""

from hwnas.graphs.builder import GraphBuilder
from hwnas.graphs.graph import Graph, Operator

__all__ = ["Graph", "GraphBuilder", "Operator"]
