"""ONNX files as graphs: counts against known ones, attributes, shapes, arithmetic on shapes, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hwnas.errors import DataError, HwnasError, MissingExtraError, UsageError
from hwnas.graphs import Graph, kernels_of, read_onnx
from hwnas.graphs.onnx_file import onnx_bytes
from hwnas.spaces import get_space

onnx = pytest.importorskip("onnx")
FLOAT, INT = onnx.TensorProto.FLOAT, onnx.TensorProto.INT64
SPACES = ("nasbench201", "fbnet", "ofa", "nas-bench-macro", "nats-size")


def node(kind: str, inputs: list[str], outputs: list[str] | str, **attributes: Any) -> Any:
    return onnx.helper.make_node(kind, inputs, [outputs] if isinstance(outputs, str) else outputs, **attributes)


def model(nodes: list[Any], shape: Any, *, out: str = "y", opset: int = 18, **arrays: Any) -> Any:
    """A model from `x` of this shape to `out`."""
    weights = [onnx.numpy_helper.from_array(np.asarray(values), name) for name, values in arrays.items()]
    ends = [onnx.helper.make_tensor_value_info(name, FLOAT, dims) for name, dims in (("x", shape), (out, None))]
    graph = onnx.helper.make_graph(nodes, "g", ends[:1], ends[1:], weights)
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", opset)], ir_version=9)


def read(made: Any, **options: Any) -> Graph:
    return read_onnx(made.SerializeToString(), **options)


def weights(*shape: int) -> Any:
    return np.ones(shape, dtype=np.float32)


@pytest.mark.parametrize("name", SPACES)
def test_counts_and_kernels_are_those_of_the_space(name: str) -> None:
    """A file has what its architecture has, and its kernels are those of the operators that it was written from."""
    space = get_space(name)
    vector, dataset = space.sample(1, seed=2)[0], space.datasets[0]
    counts = space.counts(vector[None], dataset=dataset)
    graph = space.graph(vector, dataset=dataset)
    found = read_onnx(onnx_bytes(graph, batch_size=3))
    assert (found.params, found.macs, found.flops) == (
        counts["params"][0],
        3 * counts["macs"][0],
        6 * counts["macs"][0],
    )
    assert all(operator.known and operator.shape[0] == 3 for operator in found.operators)
    single = read_onnx(onnx_bytes(graph))
    assert sum(kernel.macs for kernel in kernels_of(single, "none")) == graph.macs
    for runtime in ("onnxruntime", "tensorrt"):
        ours, theirs = (
            [(k.name, k.kind, k.fused, k.shape, k.in_shapes, k.layout, k.bytes_read) for k in kernels_of(g, runtime)]
            for g in (graph, single)
        )
        assert ours == theirs


def test_windows_have_a_number_for_each_axis() -> None:
    window = {"kernel_shape": [3, 5], "strides": [1, 2], "dilations": [2, 1], "pads": [2, 0, 2, 3], "group": 2}
    found = read(
        model([node("Conv", ["x", "w", "b"], "y", **window)], [1, 4, 8, 16], w=weights(6, 2, 3, 5), b=weights(6))
    )
    (conv,) = found.operators[1:]
    assert conv.shape == (1, 6, 8, 8) and conv.inputs == ("x",) and conv.params == 6 * 2 * 15 + 6
    assert conv.attributes["kernel"] == (3, 5) and conv.attributes["padding"] == (2, 0, 2, 3)
    assert conv.macs == 6 * 64 * 2 * 15
    features = kernels_of(found)[0].features()
    assert (features["kernel_height"], features["kernel_width"], features["stride_width"]) == (3, 5, 2)
    assert (features["groups"], features["in_width"], features["out_width"], features["dilation"]) == (2, 16, 8, 2)
    assert features["bytes_read"] == 4 * (4 * 8 * 16 + 6 * 2 * 15 + 6) and features["bytes_written"] == 4 * 6 * 64


def test_automatic_padding_is_worked_out() -> None:
    for side, pads in (("SAME_UPPER", (0, 0, 1, 1)), ("SAME_LOWER", (1, 1, 0, 0))):
        made = model(
            [node("Conv", ["x", "w"], "y", auto_pad=side, strides=[2, 2])], [1, 3, 8, 8], w=weights(4, 3, 3, 3)
        )
        conv = read(made).operators[-1]
        assert conv.shape == (1, 4, 4, 4) and conv.attributes["padding"] == pads


def test_products_are_linear_layers_where_the_matrix_is_fixed() -> None:
    nodes = [
        node("MatMul", ["x", "w"], "a"),
        node("Transpose", ["a"], "t", perm=[0, 2, 1]),
        node("MatMul", ["a", "t"], "y"),
    ]
    linear, _, product = read(model(nodes, [2, 5, 8], w=weights(8, 3))).operators[1:]
    assert (linear.kind, linear.macs, linear.params) == ("linear", 2 * 5 * 3 * 8, 24)
    assert (product.kind, product.macs, product.params, product.shape) == ("matmul", 2 * 5 * 5 * 3, 0, (2, 5, 5))
    einsum = read(
        model([node("Einsum", ["x", "w"], "y", equation="bij,jk->bk")], [2, 5, 8], w=weights(8, 3))
    ).operators[-1]
    assert einsum.macs == 2 * 5 * 8 * 3
    up = read(model([node("ConvTranspose", ["x", "w"], "y", strides=[2, 2])], [1, 4, 5, 5], w=weights(4, 6, 2, 2)))
    assert up.operators[-1].shape == (1, 6, 10, 10) and up.macs == 4 * 25 * 6 * 4


def test_what_is_added_to_a_product_may_be_computed() -> None:
    """By ONNX's definition of Gemm: y = xW + c, and c another result."""
    nodes = [node("Relu", ["x"], "c"), node("Gemm", ["x", "w", "c"], "y")]
    found = read(model(nodes, [1, 4], w=weights(4, 4)))
    assert found.operators[-1].kind == "linear" and found.operators[-1].inputs == ("x", "c")
    assert [kernel.kind for kernel in kernels_of(found, "onnxruntime")] == ["relu", "linear"]


def test_shape_arithmetic_is_folded_and_the_batch_may_be_symbolic() -> None:
    """As torch's older exporter writes `x.view(x.shape[0], -1)`."""
    nodes = [
        node("Shape", ["x"], "s"), node("Gather", ["s", "zero"], "n", axis=0), node("Unsqueeze", ["n", "axis"], "n1"),
        node("Concat", ["n1", "rest"], "target", axis=0), node("Reshape", ["x", "target"], "flat"),
        node("Gemm", ["flat", "w"], "y"),
    ]  # fmt: skip
    arrays = {"zero": np.int64(0), "axis": np.array([0]), "rest": np.array([-1]), "w": weights(48, 10)}
    for batch, expected in ((None, 1), (5, 5)):
        found = read(model(nodes, ["n", 3, 4, 4], **arrays), batch_size=batch)
        assert [(o.kind, o.shape) for o in found.operators[1:]] == [
            ("reshape", (expected, 48)),
            ("linear", (expected, 10)),
        ]
    with pytest.raises(UsageError, match="expected a batch of 2, which the ONNX file fixes for 'x', got 5"):
        read(model(nodes, [2, 3, 4, 4], **arrays), batch_size=5)


def test_symbolic_axes_get_lengths_by_name() -> None:
    plain = model([node("Relu", ["x"], "y")], ["n", 3, "h", "w"])
    found = read(plain, sizes={"h": 6, "w": 7})
    assert found.operators[-1].shape == (1, 3, 6, 7)
    assert read(plain, sizes={"h": 6, "w": 7, "n": 2}, batch_size=2).operators[-1].shape == (2, 3, 6, 7)
    way = r"axis 2 of the input 'x' has no fixed length but the symbol 'h'; .*--size h=224; Python: sizes=\{'h': 224\}"
    with pytest.raises(UsageError, match=way):
        read(plain)
    with pytest.raises(UsageError, match="a symbol without a name; export the model for a fixed shape"):
        read(model([node("Relu", ["x"], "y")], [1, 3, None, 4]))
    for sizes, message in (
        ({"H": 6}, r"sizes of the symbolic axes of the inputs \(h, n, w\), got one of 'H'"),
        ({"h": 0}, "a size of 1 to 2,147,483,648 for the symbol 'h', got 0"),
        ({"h": 2**70}, "a size of 1 to 2,147,483,648 for the symbol 'h', got 1180"),
        ({"n": 3}, "one length of the first axis 'n', got a batch size of 2 and a size of 3"),
    ):
        with pytest.raises(UsageError, match=message):
            read(plain, sizes=sizes, batch_size=2)
    with pytest.raises(UsageError, match="none, all lengths are fixed"):
        read(model([node("Relu", ["x"], "y")], [1, 3]), sizes={"h": 6})


def test_folded_weights_count_once_and_statistics_are_not_trained() -> None:
    nodes = [
        node("Transpose", ["w"], "wt"), node("MatMul", ["x", "wt"], "a"), node("MatMul", ["x", "wt"], "b"),
        node("Add", ["a", "b"], "y"),
    ]  # fmt: skip
    found = read(model(nodes, [4, 8], w=weights(3, 8)))
    assert found.params == 24 and [o.kind for o in found.operators] == ["input", "linear", "linear", "add"]
    norm = {name: weights(4) for name in ("g", "b", "m", "v")}
    found = read(model([node("BatchNormalization", ["x", "g", "b", "m", "v"], "y")], [1, 4, 2, 2], **norm))
    assert found.params == 8 and found.operators[-1].weight_bytes == 4 * 16


def test_what_is_not_known_stays_and_says_so() -> None:
    nodes = [node("Magic", ["x"], "m", domain="my.domain"), node("Relu", ["m"], "y")]
    made = model(nodes, [1, 4])
    made.opset_import.append(onnx.helper.make_opsetid("my.domain", 1))
    magic, relu = read(made).operators[1:]
    assert magic.kind == "unknown:my.domain.Magic" and not magic.known and not relu.known
    kernels = kernels_of(read(made))
    assert [k.kind for k in kernels] == ["unknown:my.domain.Magic", "relu"] and not any(k.known for k in kernels)
    assert all(np.isnan(list(kernel.features().values())).all() for kernel in kernels)


def test_several_outputs() -> None:
    nodes = [node("Split", ["x", "parts"], ["a", "b"], axis=1), node("Relu", ["b"], "y")]
    split, relu = read(model(nodes, [1, 6, 2, 2], parts=np.array([4, 2]))).operators[1:]
    assert split.outputs == {"a": (1, 4, 2, 2), "b": (1, 2, 2, 2)} and relu.inputs == ("b",)
    assert kernels_of(read(model(nodes, [1, 6, 2, 2], parts=np.array([4, 2]))))[0].bytes_written == 4 * 24


def test_old_and_new_operator_sets() -> None:
    for opset in (11, 13, 17, 18, 21):
        nodes = [node("Clip", ["x", "low", "high"], "c"), node("Softmax", ["c"], "y", axis=1)]
        clip, _ = read(model(nodes, [1, 4], opset=opset, low=np.float32(0), high=np.float32(6))).operators[1:]
        assert clip.attributes == {"min": 0.0, "max": 6.0}
    with pytest.raises(UsageError, match="operator set of at least 11, got 9"):
        read(model([node("Relu", ["x"], "y")], [1, 4], opset=9))


def test_a_function_is_read_as_what_it_consists_of() -> None:
    made = model([node("Twice", ["x"], "y", domain="mine")], [1, 4])
    body = [node("Relu", ["a"], "b"), node("Sigmoid", ["b"], "c")]
    sets = [onnx.helper.make_opsetid("", 18)]
    made.functions.append(onnx.helper.make_function("mine", "Twice", ["a"], ["c"], body, sets))
    made.opset_import.append(onnx.helper.make_opsetid("mine", 1))
    assert [o.kind for o in read(made).operators] == ["input", "relu", "sigmoid"]


def external() -> Any:
    made = model([node("Reshape", ["x", "w"], "y")], [1, 4], w=np.array([2, 2]))
    tensor = made.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../etc/passwd")
    return made


def branching() -> Any:
    inner = onnx.helper.make_graph(
        [node("Relu", ["x"], "r")], "b", [], [onnx.helper.make_tensor_value_info("r", FLOAT, None)]
    )
    return model([node("If", ["c"], "y", then_branch=inner, else_branch=inner)], [1, 4], c=np.bool_(True))


def huge() -> Any:
    made = model([node("Add", ["x", "w"], "y")], [1, 4], w=weights(4))
    made.graph.initializer[0].dims[:] = [2**20, 2**20]
    return made


def no_text() -> Any:
    content = model([node("Relu", ["x"], "y@")], [1, 4], out="y@").SerializeToString()
    return onnx.ModelProto.FromString(content.replace(b"y@", b"y\xff"))


def few_values() -> Any:
    made = model([node("Reshape", ["x", "w"], "y")], [1, 4], w=np.array([2, 2]))
    made.graph.initializer[0].dims[:] = [3]
    made.graph.initializer[0].raw_data = made.graph.initializer[0].raw_data[:13]
    return made


def short_of_bytes() -> Any:
    made = model([node("Add", ["x", "w"], "y")], [1, 4], w=weights(64))
    made.graph.initializer[0].raw_data = b"1234"
    return made


REFUSED = {
    "a shape elsewhere": (external, UsageError, "values of 'w' inside the ONNX file, as Reshape 'y' goes by them"),
    "branches": (branching, UsageError, "without branches and loops, got node 'y' of type 'If'"),
    "a huge array": (huge, UsageError, "at most 2,147,483,648 elements, got 1,099,511,627,776 in 'w'"),
    "an array short of bytes": (short_of_bytes, DataError, "'w' has fewer bytes than elements"),
    "no nodes": (lambda: model([], [1, 4]), DataError, "nodes and outputs, got one without"),
    "a cycle": (
        lambda: model([node("Add", ["x", "b"], "a"), node("Relu", ["a"], "b"), node("Relu", ["b"], "y")], [1, 4]),
        DataError,
        "a cycle through 'a'",
    ),
    "a name made twice": (
        lambda: model([node("Relu", ["x"], "y"), node("Neg", ["x"], "y")], [1, 4]),
        DataError,
        "each name once in the ONNX model, got 'y' several times",
    ),
    "a name that nothing makes": (
        lambda: model([node("Relu", ["z"], "y")], [1, 4]),
        DataError,
        "nothing in the ONNX model makes 'z'",
    ),
    "a name that is no text": (
        no_text,
        DataError,
        "expected names in UTF-8, got b'y",
    ),
    "an array of fewer values": (
        few_values,
        DataError,
        "expected as many values as its shape says in the array 'w'",
    ),
    "a node without its inputs": (
        lambda: model([node("Conv", ["x"], "y")], [1, 3, 8, 8]),
        DataError,
        "expected the inputs and attributes of a Conv, got others at 'y'",
    ),
    "an output that depends on nothing": (
        lambda: model([node("Relu", ["w"], "y")], [1, 4], w=weights(4)),
        UsageError,
        "whose outputs depend on an input",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    make, error, message = REFUSED[name]
    with pytest.raises(error, match=message):
        read(make())


def test_nodes_in_another_order_are_sorted() -> None:
    found = read(model([node("Relu", ["a"], "y"), node("Neg", ["x"], "a")], [1, 4]))
    assert [o.kind for o in found.operators] == ["input", "neg", "relu"]


def test_damaged_files_are_refused_and_nothing_else_happens(tmp_path: Path) -> None:
    """Cut off anywhere, or with bytes changed: a graph or an error of ours."""
    space = get_space("nas-bench-macro")
    content = onnx_bytes(space.graph(space.sample(1, seed=0)[0], dataset="cifar10"))
    rng = np.random.default_rng(0)
    for length in [1, 7, 100, *rng.integers(0, len(content), size=8).tolist()]:
        with pytest.raises(HwnasError):
            read_onnx(content[:length])
    start = content.rindex(b"network")  # behind the weights come names and shapes
    for _ in range(30):
        broken = bytearray(content)
        for place in rng.integers(0, 400, size=3).tolist():
            broken[place] = int(rng.integers(256))
        broken[start + int(rng.integers(7))] ^= 1
        try:
            read_onnx(bytes(broken))
        except HwnasError as error:
            assert str(error)
    path = tmp_path / "net.onnx"
    with pytest.raises(UsageError, match=r"expected an ONNX model in .*net.onnx, got no such file"):
        read_onnx(path)
    with pytest.raises(UsageError, match="expected an ONNX file, "):
        read_onnx(tmp_path)
    path.write_bytes(b"")
    with pytest.raises(DataError, match="is empty"):
        read_onnx(path)
    path.write_bytes(content)
    assert read_onnx(path) == read_onnx(str(path)) == read_onnx(content)


def test_without_onnx_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    with pytest.raises(MissingExtraError, match=r"hwnas\[onnx\]"):
        read_onnx(b"1")
