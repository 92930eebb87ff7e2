"""Rules of runtimes that are not run here: what their documents say, on small networks."""

from __future__ import annotations

import pytest

from hwnas.graphs import Graph, GraphBuilder, Operator, kernels_of
from hwnas.spaces import get_space
from hwnas.spaces.nasbench201_graph import build_graph


def kinds(builder: GraphBuilder, runtime: str) -> list[tuple[str, ...]]:
    return [(kernel.kind, *kernel.fused) for kernel in kernels_of(builder.graph(), runtime)]


def test_tensorrt_leaves_out_products_with_zero_and_what_they_alone_read() -> None:
    builder = GraphBuilder()
    first = builder.conv("first", builder.image(16), 8, kernel=3)
    only_zeroed = builder.conv("only_zeroed", first, 8, kernel=3)
    zero = builder.same("zero", "zero", only_zeroed)
    reads_zero = builder.conv("reads_zero", zero, 8)
    builder.sum("sum", [first, reads_zero])
    names = [kernel.name for kernel in kernels_of(builder.graph(), "tensorrt")]
    # The sum goes into a convolution, as TensorRT has it; the one that reads zeros is executed.
    assert set(names) == {"first", "reads_zero"}
    assert "only_zeroed" in [kernel.name for kernel in kernels_of(builder.graph(), "none")]


def test_a_result_that_is_zero_is_still_made() -> None:
    builder = GraphBuilder()
    builder.same("zero", "zero", builder.conv("first", builder.image(16), 8))
    assert [kernel.kind for kernel in kernels_of(builder.graph(), "tensorrt")] == ["conv", "mul"]


def test_nasbench201_is_measured_with_sums_of_one() -> None:
    space = get_space("nasbench201")
    text = "|nor_conv_3x3~0|+|none~0|nor_conv_1x1~1|+|none~0|none~1|skip_connect~2|"
    vector = space.parse([text])[0]
    plain, measured = space.graph(vector, dataset="cifar10"), build_graph(vector.tolist(), "cifar10", sums_of_one=True)
    added = {operator.name for operator in measured.operators} - {operator.name for operator in plain.operators}
    assert added == {f"cells.{number}.node1" for number in range(17) if number not in (5, 11)}
    assert (plain.macs, plain.params) == (measured.macs, measured.params)


@pytest.mark.parametrize("pool", ["global_avg_pool", "mean"])
def test_squeeze_and_excitation_is_one_kernel_of_tflite(pool: str) -> None:
    builder = GraphBuilder()
    x = builder.conv("conv", builder.image(16), 8, kernel=3)
    pooled = builder.add("pool", pool, [x], (1, 8, 1, 1))
    y = builder.conv("expand", builder.same("relu", "relu", builder.conv("squeeze", pooled, 2)), 8)
    builder.add("scaled", "mul", [x, builder.same("gate", "hard_sigmoid", y)], (1, 8, 16, 16))
    assert kinds(builder, "tflite") == [("conv",), ("squeeze_excitation",)]


def test_tflite_takes_in_the_activations_of_its_schema_and_no_others() -> None:
    builder = GraphBuilder()
    x = builder.same("relu", "relu", builder.same("norm", "batch_norm", builder.conv("a", builder.image(16), 8)))
    y = builder.same("swish", "silu", builder.conv("b", x, 8))
    builder.same("last", "relu", builder.sum("sum", [x, y]))
    assert kinds(builder, "tflite") == [("conv", "batch_norm", "relu"), ("conv",), ("silu",), ("add", "relu")]


def test_a_pool_counts_no_more_of_its_window_than_the_map_has() -> None:
    """Some models pool everything with a window of a thousand pixels."""
    builder = GraphBuilder()
    builder.add("input", "input", [], (1, 8, 7, 5))
    builder.add("pool", "avg_pool", ["input"], (1, 8, 1, 1), kernel=1280, stride=1280, padding=0)
    (kernel,) = kernels_of(builder.graph(), "none")
    features = kernel.features()
    assert [features[f"{name}_{axis}"] for name in ("kernel", "stride") for axis in ("height", "width")] == [7, 5, 7, 5]


@pytest.mark.parametrize("shape", [(), (8,)])
def test_a_product_of_numbers_by_a_fixed_one_has_no_channels(shape: tuple[int, ...]) -> None:
    """As scales of a dynamically quantised network are multiplied."""
    scaled = Operator(name="scaled", kind="mul", inputs=("scale",), shape=shape, constants={"fixed": ()})
    graph = Graph(operators=(Operator(name="scale", kind="input", inputs=(), shape=shape), scaled))
    assert [kernel.kind for kernel in kernels_of(graph, "onnxruntime")] == ["mul"]
