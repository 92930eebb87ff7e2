"""Networks as operators with shapes, and as the kernels that a runtime makes of them."""

from hwnas.graphs.builder import GraphBuilder
from hwnas.graphs.features import feature_names
from hwnas.graphs.graph import Graph, Operator
from hwnas.graphs.kernels import Kernel, kernels_of
from hwnas.graphs.module_reader import read_module
from hwnas.graphs.onnx_reader import read_onnx

__all__ = ["Graph", "GraphBuilder", "Kernel", "Operator", "feature_names", "kernels_of", "read_module", "read_onnx"]
