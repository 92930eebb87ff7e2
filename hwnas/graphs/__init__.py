"""Networks as operators with shapes."""

from hwnas.graphs.graph import Graph, Operator

__all__ = ["Graph", "Operator"]
