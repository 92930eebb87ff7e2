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


def test_slices_are_a_split_where_they_are_all_of_it() -> None:
    def cut(*parts: tuple[int, int], axis: int = 1, step: int = 1) -> list[tuple[str, dict[str, tuple[int, ...]]]]:
        source = Operator(name="x", kind="input", inputs=(), shape=(1, 6, 4))
        slices = [
            Operator(
                name=f"part{number}", kind="slice", inputs=("x",), shape=(1, end - start, 4),
                attributes={"starts": (start,), "ends": (end,), "axes": (axis,), "steps": (step,)},
            )
            for number, (start, end) in enumerate(parts)
        ]  # fmt: skip
        graph = Graph(operators=(source, *slices), outputs=tuple(o.name for o in slices))
        return [(kernel.kind, kernel.leading.outputs) for kernel in kernels_of(graph, "onnxruntime")]

    assert cut((0, 2), (2, 6)) == [("split", {"part0": (1, 2, 4), "part1": (1, 4, 4)})]
    assert [kind for kind, _ in cut((2, 6), (0, 2), axis=-2)] == ["split"]
    for parts in (((0, 2), (3, 6)), ((0, 3), (2, 6)), ((0, 2), (2, 5)), ((0, 6),)):
        assert {kind for kind, _ in cut(*parts)} == {"slice"}
    assert {kind for kind, _ in cut((0, 3), (3, 6), step=2)} == {"slice"}


def test_a_transpose_of_a_transpose_is_one_or_none() -> None:
    def turned(*orders: tuple[int, ...]) -> list[str]:
        shape: tuple[int, ...] = (2, 3, 4)
        made = [Operator(name="x", kind="input", inputs=(), shape=shape)]
        made.append(Operator(name="first", kind="relu", inputs=("x",), shape=shape))
        for number, order in enumerate(orders):
            shape, source = tuple(shape[axis] for axis in order), (made[-1].name,)
            attributes = {"perm": order}
            made.append(
                Operator(name=f"turn{number}", kind="transpose", inputs=source, shape=shape, attributes=attributes)
            )
        made.append(Operator(name="last", kind="relu", inputs=(made[-1].name,), shape=shape))
        return [kernel.kind for kernel in kernels_of(Graph(operators=tuple(made)), "onnxruntime")]

    assert turned((1, 0, 2), (1, 0, 2)) == ["relu", "relu"]
    assert turned((1, 2, 0), (1, 2, 0)) == ["relu", "transpose", "relu"]
    assert turned((1, 2, 0), (1, 2, 0), (1, 2, 0)) == ["relu", "relu"]


@pytest.mark.parametrize(("mode", "taps"), [("nearest", 1), ("linear", 4), ("cubic", 16)])
def test_a_resized_map_reads_several_pixels_for_one(mode: str, taps: int) -> None:
    source = Operator(name="x", kind="input", inputs=(), shape=(1, 8, 7, 5))
    larger = Operator(name="larger", kind="resize", inputs=("x",), shape=(1, 8, 14, 10), attributes={"mode": mode})
    (kernel,) = kernels_of(Graph(operators=(source, larger)), "onnxruntime")
    assert kernel.features()["taps"] == taps
