"""Shapes that do not fit together, as of a network whose skips meet a map of an odd length, are refused by name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hwnas.errors import UsageError
from hwnas.graphs import Graph, read_onnx

onnx = pytest.importorskip("onnx")


def read(nodes: list[Any], shape: list[Any], sizes: dict[str, int] | None = None, **arrays: tuple[int, ...]) -> Graph:
    """The graph of a model from `x` to `y` with arrays of ones."""
    ones = [onnx.numpy_helper.from_array(np.ones(size, np.float32), name) for name, size in arrays.items()]
    ends = [onnx.helper.make_tensor_value_info(name, 1, dims) for name, dims in (("x", shape), ("y", None))]
    graph = onnx.helper.make_graph(nodes, "g", ends[:1], ends[1:], ones)
    sets = [onnx.helper.make_opsetid("", 18)]
    made = onnx.helper.make_model(graph, opset_imports=sets, ir_version=9)
    return read_onnx(made.SerializeToString(), sizes=sizes)


def node(kind: str, inputs: list[str], output: str = "y", **attributes: Any) -> Any:
    return onnx.helper.make_node(kind, inputs, [output], name=f"its_{kind}", **attributes)


def test_a_skip_that_meets_an_odd_length_is_named() -> None:
    nodes = [
        node("MaxPool", ["x"], "half", kernel_shape=[2, 2], strides=[2, 2]),
        node("ConvTranspose", ["half", "w"], "back", strides=[2, 2]),
        node("Concat", ["x", "back"], axis=1),
    ]
    graph = read(nodes, [1, 8, "H", "W"], {"H": 64, "W": 64}, w=(8, 4, 2, 2))
    assert graph.operators[-1].shape == (1, 12, 64, 64)
    with pytest.raises(
        UsageError, match=r"at the Concat 'its_Concat', got 1x8x65x64 and 1x4x64x64; give other lengths"
    ):
        read(nodes, [1, 8, "H", "W"], {"H": 65, "W": 64}, w=(8, 4, 2, 2))


@pytest.mark.parametrize(
    ("made", "shape", "fits", "other"),
    [
        (node("Concat", ["x", "w"], axis=-1), [2, 5], (2, 7), (3, 7)),
        (node("Add", ["x", "w"]), [1, 65, 32], (65, 1), (64, 32)),
        (node("Where", ["yes", "x", "w"]), [4, 1], (3,), (3, 3)),
        (node("MatMul", ["x", "w"]), [2, 5, 8], (8, 3), (5, 3)),
        (node("MatMul", ["x", "w"]), [2, 5, 8], (1, 8, 3), (3, 8, 3)),
        (node("MatMul", ["x", "w"]), [2, 5, 8], (8,), (5,)),
        (node("Gemm", ["x", "w"], transB=1), [2, 8], (3, 8), (8, 3)),
        (node("Gemm", ["x", "w"], transA=1), [8, 2], (8, 3), (2, 3)),
        (node("Conv", ["x", "w"], group=2), [1, 8, 9, 9], (6, 4, 3, 3), (6, 8, 3, 3)),
    ],
)
def test_what_cannot_be_computed_is_refused(
    made: Any, shape: list[int], fits: tuple[int, ...], other: tuple[int, ...]
) -> None:
    both = [node("Greater", ["x", "x"], "yes"), made]
    assert read(both, shape, w=fits).operators[-1].known
    with pytest.raises(UsageError, match=f"fit together at the {made.op_type} 'its_{made.op_type}'"):
        read(both, shape, w=other)


def test_what_is_not_known_contradicts_nothing() -> None:
    where = [node("NonZero", ["x"], "places"), node("Cast", ["places"], "cast", to=1), node("MatMul", ["cast", "w"])]
    assert not read(where, [2, 5], w=(3, 2)).operators[1].known


def test_shape_arithmetic_of_three_arrays_is_folded() -> None:
    """Max and Min take any number of arrays."""
    lengths = {"a": 2, "b": 3, "c": 4, "rest": -1}
    parts = [onnx.numpy_helper.from_array(np.array([length]), name) for name, length in lengths.items()]
    nodes = [
        *(onnx.helper.make_node("Constant", [], [part.name], value=part) for part in parts),
        node("Max", ["a", "b", "c"], "most"),
        node("Min", ["c", "b", "a"], "least"),
        node("Concat", ["least", "most", "rest"], "shape", axis=0),
        node("Reshape", ["x", "shape"]),
    ]
    assert read(nodes, [2, 12]).operators[-1].shape == (2, 4, 3)
