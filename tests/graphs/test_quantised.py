"""Files on whole numbers: what was trained, what it weighs and what it is multiplied by, in each form that there is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hwnas.errors import HwnasError
from hwnas.graphs import Graph, GraphBuilder, kernels_of, read_onnx
from hwnas.graphs.graph import array_bytes
from hwnas.graphs.onnx_file import onnx_bytes

onnx = pytest.importorskip("onnx")
FLOAT, INT64 = onnx.TensorProto.FLOAT, onnx.TensorProto.INT64
FILTERS, MATRIX = np.ones((8, 3, 3, 3), np.int8), np.ones((8, 10), np.int8)
SCALES, ZEROS = np.ones(8, np.float32), np.zeros(8, np.int8)  # one for each output channel
ONE, ZERO, UNSIGNED_ZERO = np.float32(1), np.int8(0), np.uint8(0)
WINDOW = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}
CONV_MACS = 8 * 6 * 6 * 27


def node(kind: str, inputs: str, outputs: str, **attributes: Any) -> Any:
    return onnx.helper.make_node(kind, inputs.split(), outputs.split(), **attributes)


def graph(
    nodes: list[Any], *, shape: tuple[int, ...] = (1, 3, 6, 6), of: int = FLOAT, out: int = FLOAT, **arrays: Any
) -> Graph:
    """The graph of a file from `x` to `y`."""
    tensors = [onnx.numpy_helper.from_array(np.asarray(values), name) for name, values in arrays.items()]
    ends = [onnx.helper.make_tensor_value_info(*end) for end in (("x", of, shape), ("y", out, None))]
    made = onnx.helper.make_graph(nodes, "g", ends[:1], ends[1:], tensors)
    sets = [onnx.helper.make_opsetid("", 18)]
    return read_onnx(onnx.helper.make_model(made, opset_imports=sets, ir_version=9).SerializeToString())


def around(kind: str, **attributes: Any) -> list[Any]:
    """A float operator that reads a quantised map, weight and bias through dequantisations."""
    return [
        node("QuantizeLinear", "x one zero", "q"),
        node("DequantizeLinear", "q one zero", "d"),
        node("DequantizeLinear", "w scales zeros", "wd", axis=0),
        node("DequantizeLinear", "b scales", "bd", axis=0),
        node(kind, "d wd bd", "y", **attributes),
    ]


def test_weights_behind_a_dequantisation_count_without_their_scales() -> None:
    arrays = {"w": FILTERS, "b": np.ones(8, np.int32), "scales": SCALES, "zeros": ZEROS, "one": ONE, "zero": ZERO}
    found = graph(around("Conv", **WINDOW), **arrays)
    conv = found.operators[-1]
    assert (found.params, found.macs) == (FILTERS.size + 8, CONV_MACS)
    assert conv.weights == {"w": (8, 3, 3, 3), "b": (8,)} and not conv.constants and "untrained" not in conv.attributes
    assert conv.weight_bytes == FILTERS.size + 4 * 8
    kernels = {kernel.kind: kernel for kernel in kernels_of(found, "none")}
    assert kernels["conv"].bytes_read == 4 * 3 * 36 + conv.weight_bytes and kernels["conv"].params == found.params
    numbers = 3 * 36
    assert (kernels["quantize_linear"].bytes_read, kernels["quantize_linear"].bytes_written) == (
        4 * numbers + 5,
        numbers,
    )
    assert (kernels["dequantize_linear"].bytes_read, kernels["dequantize_linear"].bytes_written) == (
        numbers + 5,
        4 * numbers,
    )


def test_weights_that_the_file_quantises_count_once() -> None:
    """As tools for training in whole numbers write them."""
    nodes = [
        node("QuantizeLinear", "w scales zeros", "wq", axis=0),
        node("DequantizeLinear", "wq scales zeros", "wd", axis=0),
        node("Conv", "x wd", "y", **WINDOW),
    ]
    found = graph(nodes, w=FILTERS.astype(np.float32), scales=SCALES, zeros=ZEROS)
    assert found.params == FILTERS.size and found.operators[-1].weight_bytes == 4 * FILTERS.size


def test_scales_of_a_map_are_not_trained() -> None:
    nodes = [node("QuantizeLinear", "x s z", "q", axis=1), node("DequantizeLinear", "q s z", "y", axis=1)]
    found = graph(nodes, s=np.ones(3, np.float32), z=np.zeros(3, np.int8))
    assert found.params == 0 and [operator.weight_bytes for operator in found.operators[1:]] == [15, 15]


def test_products_on_whole_numbers_are_counted() -> None:
    """Positions of the inputs as ONNX defines QLinearConv and QLinearMatMul."""
    nodes = [
        node("QuantizeLinear", "x one zero", "q"),
        node("QLinearConv", "q one zero w scales zeros one zero b", "c", **WINDOW),
        node("Transpose", "c", "t", perm=[0, 2, 3, 1]),
        node("QLinearMatMul", "t one zero m columns ten one zero", "p"),
        node("DequantizeLinear", "p one zero", "y"),
    ]
    arrays = {
        "w": FILTERS, "b": np.ones(8, np.int32), "m": MATRIX, "columns": np.ones(10, np.float32),
        "ten": np.zeros(10, np.int8), "scales": SCALES, "zeros": ZEROS, "one": ONE, "zero": ZERO,
    }  # fmt: skip
    found = graph(nodes, **arrays)
    _, _, conv, _, matmul, _ = found.operators
    assert (conv.kind, conv.macs, conv.params) == ("qlinear_conv", CONV_MACS, FILTERS.size + 8)
    assert (matmul.kind, matmul.macs, matmul.params) == ("qlinear_matmul", 36 * 80, 80)
    assert conv.attributes["bias"] == 1 and conv.attributes["kernel"] == (3, 3) and conv.attributes["in_channels"] == 3
    assert conv.weight_bytes == FILTERS.size + 4 * 8 + 4 * 8 + 8 + 4 + 1
    kernels = kernels_of(found)
    assert [kernel.kind for kernel in kernels if kernel.macs] == ["qlinear_conv", "qlinear_matmul"]
    assert all(kernel.known for kernel in kernels)
    assert next(k for k in kernels if k.kind == "qlinear_conv").bytes_read == 3 * 36 + conv.weight_bytes


def test_numbers_that_are_quantised_while_it_runs() -> None:
    """As dynamic quantisation writes them: the scale of the map times that of each column is no parameter."""
    nodes = [
        node("DynamicQuantizeLinear", "x", "q s z"),
        node("ConvInteger", "q w z zero", "c", **WINDOW),
        node("Cast", "c", "f", to=FLOAT),
        node("Mul", "s one", "scale"),
        node("Mul", "f scale", "o"),
        node("Transpose", "o", "t", perm=[0, 2, 3, 1]),
        node("DynamicQuantizeLinear", "t", "q2 s2 z2"),
        node("MatMulInteger", "q2 m z2 ten", "p"),
        node("Cast", "p", "g", to=FLOAT),
        node("Mul", "s2 columns", "scale2"),
        node("Mul", "g scale2", "r"),
        node("Add", "r bias", "y"),
    ]
    columns = np.ones(10, np.float32)
    arrays = {"w": FILTERS, "m": MATRIX, "ten": np.zeros(10, np.int8), "zero": ZERO, "one": ONE}
    found = graph(nodes, **arrays, columns=columns, bias=columns)
    by_kind = {operator.kind: operator for operator in found.operators}
    assert by_kind["conv_integer"].macs == CONV_MACS and by_kind["matmul_integer"].macs == 36 * 80
    assert found.params == FILTERS.size + MATRIX.size + 10 and found.macs == CONV_MACS + 36 * 80
    assert by_kind["conv_integer"].attributes["bias"] == 0 and by_kind["conv_integer"].weight_bytes == FILTERS.size + 1
    kernel = next(kernel for kernel in kernels_of(found) if kernel.kind == "conv_integer")
    assert kernel.bytes_read == 3 * 36 + 1 + FILTERS.size + 1 and kernel.bytes_written == 4 * 8 * 36
    assert not [kernel.kind for kernel in kernels_of(found) if "unknown" in kernel.kind]


def test_rows_of_a_quantised_embedding_count() -> None:
    nodes = [node("Gather", "table x", "rows"), node("DequantizeLinear", "rows one zero", "y")]
    table = np.ones((50, 8), np.int8)
    found = graph(nodes, shape=(1, 4), of=INT64, table=table, one=ONE, zero=ZERO)
    assert found.params == 400 and found.operators[1].weight_bytes == 400


def test_arrays_weigh_what_their_own_type_does() -> None:
    found = graph([node("Greater", "x w", "m"), node("Cast", "m", "y", to=FLOAT)], w=np.ones((6, 6), np.float32))
    assert found.operators[1].dtype == "bool" and found.operators[1].weight_bytes == 4 * 36
    assert [array_bytes((3, 5), name) for name in ("int4", "uint4", "int8", "float8_e4m3fn", "float16", "float32")] == [
        8, 8, 15, 15, 30, 60,
    ]  # fmt: skip


@pytest.mark.parametrize("kind", ["DequantizeLinear", "DynamicQuantizeLinear", "ConvInteger", "QLinearConv"])
def test_a_node_with_too_few_inputs_is_refused_or_read(kind: str) -> None:
    for inputs in ("", "x"):
        try:
            graph([node(kind, inputs, "y")])
        except HwnasError as error:
            assert str(error)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("way", ["static", "dynamic"])
def test_counts_are_those_before_quantisation(way: str, per_channel: bool, tmp_path: Path) -> None:
    quantization = pytest.importorskip("onnxruntime.quantization")
    builder = GraphBuilder()
    source = builder.conv("second", builder.conv("first", builder.image(12), 16, kernel=3), 24)
    builder.classifier("linear", source, 10, pooling="pool")
    before, made = tmp_path / "float.onnx", tmp_path / "int8.onnx"
    before.write_bytes(onnx_bytes(builder.graph()))
    if way == "dynamic":
        quantization.quantize_dynamic(before, made, per_channel=per_channel)
    else:
        images = iter([{"input": np.random.default_rng(0).standard_normal((1, 3, 12, 12)).astype(np.float32)}])

        class Images(quantization.CalibrationDataReader):  # type: ignore[misc]
            def get_next(self) -> Any:
                return next(images, None)

        quantization.quantize_static(before, made, Images(), per_channel=per_channel)
    floats, whole = read_onnx(before), read_onnx(made)
    assert (whole.params, whole.macs) == (floats.params, floats.macs)
    weighs = [sum(operator.weight_bytes for operator in its.operators) for its in (floats, whole)]
    assert weighs[1] < weighs[0] / 2
