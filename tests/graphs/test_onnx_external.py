"""ONNX files whose arrays lie in another file: their shapes are enough, and that file is never looked for."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hwnas.errors import UsageError
from hwnas.graphs import kernels_of, read_onnx
from hwnas.graphs.onnx_file import check_upload

onnx = pytest.importorskip("onnx")
ELSEWHERE = "../../../../../../../../etc/passwd"  # there, and of other content than any array


def save(path: Path, *, external_data: bool) -> bytes:
    """A small network as torch exports it: convolutions, a batch norm, a mean, views, a dense layer."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("onnxscript")
    nn = torch.nn

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU6())
            self.deep, self.head = nn.Conv2d(16, 32, 3, stride=2, groups=4), nn.Linear(8, 10)

        def forward(self, images: Any) -> Any:
            found = nn.functional.gelu(self.deep(self.stem(images)), approximate="tanh").mean((2, 3))
            return self.head(found.view(images.shape[0], 4, 8)) / 1.5

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own deprecations
        example = (torch.zeros(1, 3, 32, 32),)
        torch.onnx.export(Net().eval(), example, path, external_data=external_data, verbose=False)
    return path.read_bytes()


def external(names: list[str], nodes: list[Any], *, opset: int = 18, **arrays: Any) -> bytes:
    """A model from `x` of 1 x 4 x 6 to `y`, of whose arrays these are in another file."""
    tensors = [onnx.numpy_helper.from_array(np.asarray(values), name) for name, values in arrays.items()]
    for tensor in tensors:
        if tensor.name in names:
            move(tensor)
    ends = [onnx.helper.make_tensor_value_info(*end) for end in (("x", 1, [1, 4, 6]), ("y", 1, ["n"]))]
    graph = onnx.helper.make_graph(nodes, "g", ends[:1], ends[1:], tensors)
    made = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", opset)], ir_version=9)
    return bytes(made.SerializeToString())


def move(tensor: Any) -> None:
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=ELSEWHERE)


def node(kind: str, inputs: str, output: str = "y", **attributes: Any) -> Any:
    return onnx.helper.make_node(kind, inputs.split(), [output], **attributes)


def test_what_torch_exports_by_default_is_read_like_a_file_of_one_piece(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    apart = save(tmp_path / "apart.onnx", external_data=True)
    whole = save(tmp_path / "whole.onnx", external_data=False)
    assert len(apart) < len(whole) and (tmp_path / "apart.onnx.data").stat().st_size > 0
    expected = read_onnx(whole)
    assert expected.params > 0 and expected.macs > 0
    monkeypatch.chdir(tmp_path)
    for content in (None, b"short", None):
        (tmp_path / "apart.onnx.data").unlink(missing_ok=True)
        if content is not None:
            (tmp_path / "apart.onnx.data").write_bytes(content)
        assert read_onnx("apart.onnx") == expected
        assert kernels_of(read_onnx(apart)) == kernels_of(expected)
        check_upload(apart, most_nodes=100)


def test_weights_and_tables_may_be_elsewhere() -> None:
    """Whole numbers too, where only their number matters: rows of a table that are gathered."""
    nodes = [node("MatMul", "x w", "a"), node("Gather", "a rows", "b", axis=1), node("Add", "b bias")]
    arrays = {"w": np.ones((6, 8), np.float32), "rows": np.array([0, 2, 2]), "bias": np.ones(8, np.float32)}
    content = external(list(arrays), nodes, **arrays)
    found = read_onnx(content)
    assert found == read_onnx(external([], nodes, **arrays))
    assert [operator.shape for operator in found.operators[1:]] == [(1, 4, 8), (1, 3, 8), (1, 3, 8)]
    check_upload(content, most_nodes=3)


ONE = np.float32(0.5)
NEEDED: dict[str, tuple[list[Any], dict[str, Any]]] = {
    "shape": ([node("Reshape", "x shape")], {"shape": np.array([4, 6])}),
    "part": (
        [node("Concat", "part rest", "shape", axis=0), node("Reshape", "x shape")],
        {"part": np.array([4]), "rest": np.array([-1])},
    ),
    "place": (
        [node("Shape", "x", "s"), node("Gather", "s place", "shape"), node("Reshape", "x shape")],
        {"place": np.array([2, 1])},
    ),
    "axes": ([node("ReduceMean", "x axes")], {"axes": np.array([1])}),
    "ends": ([node("Slice", "x starts ends")], {"starts": np.array([0]), "ends": np.array([1])}),
    "pads": ([node("Pad", "x pads")], {"pads": np.array([0, 0, 1, 0, 0, 1])}),
    "high": ([node("Clip", "x low high")], {"low": ONE, "high": ONE}),
    "factor": ([node("Mul", "x factor")], {"factor": ONE}),
    "square": ([node("Sqrt", "square", "root"), node("Div", "x root")], {"square": ONE}),
}


@pytest.mark.parametrize("name", NEEDED)
def test_an_array_whose_values_decide_what_is_executed_is_named(name: str) -> None:
    nodes, arrays = NEEDED[name]
    assert read_onnx(external([], nodes, **arrays)).operators[-1].known
    with pytest.raises(
        UsageError, match=rf"values of '{name}' inside the ONNX file, as .* save small arrays in the file"
    ):
        read_onnx(external([name], nodes, **arrays))


def test_numbers_among_fixed_arrays_alone_may_be_elsewhere() -> None:
    nodes = [node("Mul", "w factor", "scaled"), node("MatMul", "x scaled")]
    arrays = {"w": np.ones((6, 8), np.float32), "factor": ONE}
    assert read_onnx(external(["w", "factor"], nodes, **arrays)).macs == 4 * 6 * 8


def test_no_other_file_is_looked_for_however_deep_an_array_lies() -> None:
    weight = {"w": np.ones((6, 6), np.float32)}
    tensor = onnx.numpy_helper.from_array(np.ones((6, 6), np.float32), "w")
    move(tensor)
    constant = external([], [node("Constant", "", "w", value=tensor), node("MatMul", "x w")])
    ends = [onnx.helper.make_tensor_value_info("r", 1, ["n"])]
    inner = onnx.helper.make_graph([node("Identity", "w", "r")], "inner", [], ends, [tensor])
    branch = [node("If", "c", "w", then_branch=inner, else_branch=inner), node("MatMul", "x w")]
    for content in (constant, external([], branch, c=np.bool_(True))):
        with pytest.raises(UsageError, match="expected constants inside the ONNX file, got 'w' in another one"):
            check_upload(content, most_nodes=10)
    with pytest.raises(UsageError, match="constants of nodes inside the ONNX file"):
        read_onnx(constant)
    check_upload(external(["w"], [node("MatMul", "x w")], **weight), most_nodes=10)
