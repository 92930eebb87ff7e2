"""Networks as operators with shapes, and as the kernels that a runtime makes of them."""

from hwnas.graphs.builder import GraphBuilder
from hwnas.graphs.features import feature_names
from hwnas.graphs.graph import Graph, Operator
from hwnas.graphs.kernels import Kernel, kernels_of

__all__ = ["Graph", "GraphBuilder", "Kernel", "Operator", "feature_names", "kernels_of"]
