"""Networks as operators with shapes, and as the kernels that a runtime makes of them.

Spaces need graphs alone: readers and fusion are imported when they are first asked for (PEP 562).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from hwnas.graphs.builder import GraphBuilder
from hwnas.graphs.graph import Graph, Operator

if TYPE_CHECKING:
    from hwnas.graphs.features import feature_names
    from hwnas.graphs.kernels import Kernel, kernels_of
    from hwnas.graphs.module_reader import read_module
    from hwnas.graphs.onnx_reader import read_onnx

__all__ = ["Graph", "GraphBuilder", "Kernel", "Operator", "feature_names", "kernels_of", "read_module", "read_onnx"]

_HOMES: Final = {
    "Kernel": "kernels",
    "feature_names": "features",
    "kernels_of": "kernels",
    "read_module": "module_reader",
    "read_onnx": "onnx_reader",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    return value
