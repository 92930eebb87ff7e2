"""Any network on a device, kernel by kernel: what is known adds up, what is not is named."""

from __future__ import annotations

import html
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import hwnas
from hwnas.api.predict_model import predict_model, save_picture
from hwnas.errors import DataError, UnknownNameError, UsageError
from hwnas.graphs import Graph, GraphBuilder, Operator, kernels_of
from hwnas.latency.kernels import KernelModel, fit_regressor, rows_by_kind, save_kernel_model
from hwnas.latency.kernels.store import kernel_devices, kernel_model_path, open_kernel_model
from hwnas.predictors.boosting import BoostingSettings

FEW = BoostingSettings(trees=60, rate=0.15)


def _graph(channels: int = 16, size: int = 24) -> Graph:
    builder = GraphBuilder()
    source = builder.conv("first", builder.image(size), channels, kernel=3)
    source = builder.conv("second", source, 2 * channels)
    builder.classifier("linear", source, 10, pooling="pool")
    return builder.graph()


@pytest.fixture
def my_board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> KernelModel:
    """A model of convolutions alone whose cost is a microsecond for 1,000 multiply-accumulates."""
    monkeypatch.setenv("HWNAS_HOME", str(tmp_path))
    kernels = [
        kernel
        for channels in range(8, 40, 2)
        for kernel in kernels_of(_graph(channels, 12 + channels), "none")
        if kernel.kind == "conv"
    ]
    rows = rows_by_kind(kernels, [kernel.macs * 1e-6 for kernel in kernels], range(len(kernels)))
    regressors = {kind: fit_regressor(measured, settings=FEW) for kind, measured in rows.items()}
    model = KernelModel(
        device="my-board", runtime="none", target="latency", regressors=regressors, facts={"summary": "made up"}
    )
    save_kernel_model(kernel_model_path("my-board", "latency"), model)
    return model


def test_the_total_is_that_of_its_kernels(my_board: KernelModel) -> None:
    graph = _graph()
    answer = predict_model(graph, device="My_Board")
    macs = {operator.name: operator.macs for operator in graph.operators}
    assert answer.costs["latency_ms"].mean == pytest.approx((macs["first"] + macs["second"]) * 1e-6, rel=0.05)
    assert [kernel.name for kernel in answer.kernels[:2]] == ["second", "first"]
    assert sum(kernel.shares["latency_ms"] or 0 for kernel in answer.kernels) == pytest.approx(100)
    assert answer.macs == graph.macs and answer.params == graph.params
    assert hwnas.predict_model(graph, device="my-board").to_dict() == answer.to_dict()
    json.dumps(answer.to_dict(), allow_nan=False)


def test_what_has_no_model_is_named_with_its_share(my_board: KernelModel) -> None:
    graph = _graph()
    answer = predict_model(graph, device="my-board")
    assert not answer.covered
    shares = {u.kind: u for u in answer.uncovered}
    linear = next(operator for operator in graph.operators if operator.kind == "linear")
    assert shares["linear"].macs_percent == pytest.approx(100 * linear.macs / graph.macs)
    assert shares["global_avg_pool"].count == 1
    assert "not in the total" in answer.notes[0] and "linear (1:" in answer.notes[0]
    by_name = {kernel.name: kernel.costs["latency_ms"].mean for kernel in answer.kernels}
    assert by_name["linear"] is None


def test_a_network_without_gaps_has_a_firm_total(my_board: KernelModel) -> None:
    builder = GraphBuilder()
    builder.conv("first", builder.image(24), 16, kernel=3)
    answer = predict_model(builder.graph(), device="my-board")
    assert answer.covered and not answer.lower_bound and not answer.macs_lower_bound
    assert "at least" not in str(answer)


def test_work_that_nobody_knows_makes_lower_bounds(my_board: KernelModel) -> None:
    """As operators of a runtime's own, and what reads them, in a file that it optimised."""
    builder = GraphBuilder()
    first = builder.conv("first", builder.image(24), 16, kernel=3)
    own = Operator(name="own", kind="unknown:com.microsoft.Gelu", inputs=(first,), shape=(), known=False)
    window = {"in_channels": 16, "kernel": 3, "stride": 1, "padding": 1, "groups": 1}
    behind = Operator(name="behind", kind="conv", inputs=("own",), shape=(), known=False, attributes=window)
    graph = Graph(operators=(*builder.graph().operators, own, behind))
    answer = predict_model(graph, device="my-board")
    assert answer.lower_bound and answer.macs_lower_bound and answer.to_dict()["lower_bound"] is True
    assert [(part.kind, part.lack) for part in answer.uncovered] == [
        ("unknown:com.microsoft.Gelu", "kind not known"), ("conv", "shape not known"),
    ]  # fmt: skip
    title, *rows = str(answer).splitlines()
    assert repr(answer) == str(answer)
    assert f'<div class="hwnas-predict-model"><table><caption>{html.escape(title)}</caption>' in answer._repr_html_()
    assert "(1 of 3 kernels)" in title and "at least 0.2 M multiply-accumulates" in title
    assert any("own" in row and "kind not known" in row for row in rows)
    assert any("behind" in row and "shape not known" in row for row in rows)
    assert answer.notes[:2] == (
        "not in the total, as their shapes are not known: conv (1)",
        "not in the total, as their kind of operator is not known: com.microsoft.Gelu (1)",
    )


def test_types_that_were_not_measured_are_told(my_board: KernelModel) -> None:
    builder = GraphBuilder()
    builder.conv("second", builder.conv("first", builder.image(24), 16, kernel=3), 16)
    image, first, second = builder.graph().operators
    half = Graph(operators=tuple(replace(operator, dtype="float16") for operator in (image, first, second)))
    said = "kernels (100.0 % of MACs) are predicted by models of float32 kernels and may be"
    assert predict_model(half, device="my-board").notes[0] == f"float16: 2 of 2 {said} faster"
    double = Graph(operators=tuple(replace(operator, dtype="float64") for operator in (image, first, second)))
    assert predict_model(double, device="my-board").notes[0] == f"float64: 2 of 2 {said} slower"
    steps = [
        Operator(name="q", kind="quantize_linear", inputs=("first",), shape=first.shape, dtype="uint16"),
        Operator(name="dq", kind="dequantize_linear", inputs=("q",), shape=first.shape),
        Operator(name="same", kind="reshape", inputs=("dq",), shape=first.shape),
    ]
    quantised = Graph(operators=(image, first, *steps, replace(second, inputs=("same",))))
    share = 100 * second.macs / quantised.macs
    told = f"uint16: 1 of 5 {said} faster".replace("100.0", f"{share:.1f}")
    assert told in predict_model(quantised, device="my-board").notes
    assert not any(said in note for note in predict_model(builder.graph(), device="my-board").notes)


def test_what_may_be_faster_is_no_lower_bound(my_board: KernelModel) -> None:
    """Convolutions between quantisations run on whole numbers; the quantisations have no model."""
    builder = GraphBuilder()
    builder.conv("conv", builder.image(24), 16, kernel=3)
    image, conv = builder.graph().operators
    steps = [
        Operator(name="q", kind="quantize_linear", inputs=(image.name,), shape=image.shape, dtype="int8"),
        Operator(name="dq", kind="dequantize_linear", inputs=("q",), shape=image.shape),
    ]
    behind = Operator(name="q2", kind="quantize_linear", inputs=("conv",), shape=conv.shape, dtype="int8")
    graph = Graph(operators=(image, *steps, replace(conv, inputs=("dq",)), behind))
    answer = predict_model(graph, device="my-board")
    total = answer.costs["latency_ms"]
    assert not answer.lower_bound and total.mean and (total.lower, total.upper) == (None, None)
    assert "at least" not in str(answer)
    assert "int8: 1 of 4 kernels (100.0 % of MACs) are predicted by models of float32 kernels and may be faster" in (
        answer.notes
    )
    assert "the total is that of 1 of 4 kernels, and no bound of the whole" in answer.notes
    alone = predict_model(
        Graph(operators=(image, replace(steps[0], kind="exp", dtype="float32"), conv)), device="my-board"
    )
    assert alone.lower_bound and "at least" in str(alone)


def test_it_prints_itself_as_the_command_does(my_board: KernelModel) -> None:
    answer = predict_model(_graph(), device="my-board")
    lines = str(answer).splitlines()
    assert lines[0].startswith("graph on my-board: latency (ms) ") and "M multiply-accumulates" in lines[0]
    assert lines[2].split()[:2] == ["second", "conv"] and any("no model" in line for line in lines)
    assert lines[-1] == f"note: {answer.notes[-1]}"


def test_a_kernel_far_outside_says_so(my_board: KernelModel) -> None:
    answer = predict_model(_graph(64, 200), device="my-board")
    assert answer.kernels[0].outside > 2
    assert answer.kernels[0].outside_feature
    assert any("lie outside of what was measured" in note for note in answer.notes)


def test_energy_is_what_the_energy_model_says(my_board: KernelModel) -> None:
    assert open_kernel_model("my-board", "energy") is None
    with pytest.raises(UsageError, match="not measured"):
        predict_model(_graph(), device="my-board", target="energy")
    energy = KernelModel(
        device="my-board", runtime="none", target="energy", regressors=my_board.regressors, overhead=2.0
    )
    save_kernel_model(kernel_model_path("my-board", "energy"), energy)
    answer = predict_model(_graph(), device="my-board")
    assert (answer.costs["energy_mj"].mean or 0) - (answer.costs["latency_ms"].mean or 0) == pytest.approx(2)
    assert kernel_devices()["my-board"] == ("latency", "energy")


def test_files_and_modules_give_the_same(my_board: KernelModel, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    from hwnas.graphs.module_export import module_onnx_bytes
    from hwnas.graphs.onnx_file import onnx_bytes

    path = tmp_path / "net.onnx"
    path.write_bytes(onnx_bytes(_graph()))
    expected = predict_model(_graph(), device="my-board").costs["latency_ms"].mean
    assert predict_model(path, device="my-board").costs["latency_ms"].mean == pytest.approx(expected)
    nn = pytest.importorskip("torch").nn
    module = nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.Conv2d(16, 32, 1, bias=False), nn.AdaptiveAvgPool2d(1),
        nn.Flatten(), nn.Linear(32, 10),
    )  # fmt: skip
    answer = predict_model(module, device="my-board", input_shape=(1, 3, 24, 24))
    assert answer.costs["latency_ms"].mean == pytest.approx(expected, rel=1e-6)
    assert [kernel.module for kernel in answer.kernels if kernel.kind == "conv"] == ["1", "0"]
    path.write_bytes(module_onnx_bytes(module.eval(), (1, 3, 24, 24)))
    exported = predict_model(path, device="my-board").kernels
    assert [kernel.module for kernel in exported if kernel.kind == "conv"] == ["1", "0"]
    assert [kernel.label for kernel in exported if kernel.kind == "conv"] == ["1", "0"]
    with pytest.raises(UsageError, match="input_shape"):
        predict_model(module, device="my-board")


def test_symbolic_axes_get_lengths(my_board: KernelModel, tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    from hwnas.graphs.onnx_file import onnx_model

    model = onnx_model(_graph())
    for number, name in ((2, "H"), (3, "W")):
        model.graph.input[0].type.tensor_type.shape.dim[number].dim_param = name
    onnx.save(model, tmp_path / "net.onnx")
    expected = predict_model(_graph(), device="my-board")
    found = predict_model(tmp_path / "net.onnx", device="my-board", sizes={"H": 24, "W": 24})
    assert found.macs == expected.macs and found.costs == expected.costs
    with pytest.raises(UsageError, match=r"--size H=224; Python: sizes=\{'H': 224\}"):
        predict_model(tmp_path / "net.onnx", device="my-board")
    with pytest.raises(UsageError, match="sizes with an ONNX file alone"):
        predict_model(_graph(), device="my-board", sizes={"H": 24})


def test_weights_beside_the_file_change_nothing(my_board: KernelModel, tmp_path: Path) -> None:
    """As torch exports by default."""
    onnx = pytest.importorskip("onnx")
    from hwnas.graphs.onnx_file import onnx_model

    onnx.save(onnx_model(_graph()), tmp_path / "net.onnx")
    expected = predict_model(tmp_path / "net.onnx", device="my-board").to_dict()
    apart = {"save_as_external_data": True, "location": "net.onnx.data", "size_threshold": 256}
    onnx.save_model(onnx_model(_graph()), tmp_path / "net.onnx", **apart)
    (tmp_path / "net.onnx.data").unlink()
    assert predict_model(tmp_path / "net.onnx", device="my-board").to_dict() == expected


def test_a_recurrent_layer_has_its_share_of_the_work(my_board: KernelModel, tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    ends = [onnx.helper.make_tensor_value_info(*end) for end in (("x", 1, [7, 2, 20]), ("y", 1, None))]
    arrays = {"w": np.ones((1, 120, 20), np.float32), "r": np.ones((1, 120, 30), np.float32)}
    tensors = [onnx.numpy_helper.from_array(values, name) for name, values in arrays.items()]
    nodes = [onnx.helper.make_node("LSTM", ["x", "w", "r"], ["y"], hidden_size=30)]
    graph = onnx.helper.make_graph(nodes, "g", ends[:1], ends[1:], tensors)
    sets = [onnx.helper.make_opsetid("", 14)]
    onnx.save(onnx.helper.make_model(graph, opset_imports=sets, ir_version=9), tmp_path / "net.onnx")
    answer = predict_model(tmp_path / "net.onnx", device="my-board")
    assert answer.macs == 7 * 2 * 4 * 30 * (20 + 30)
    assert [(u.kind, u.macs_percent) for u in answer.uncovered] == [("lstm", 100.0)]
    assert "lstm (1: 100.0 % of MACs" in answer.notes[0]


def test_devices_without_a_model_are_refused(my_board: KernelModel) -> None:
    with pytest.raises(UnknownNameError, match="my-board"):
        predict_model(_graph(), device="my-bord")
    with pytest.raises(DataError, match="hwnas kernels"):
        predict_model(_graph(), device="pixel3")
    with pytest.raises(UsageError, match="`hwnas kernels build` measures this-host"):
        predict_model(_graph(), device="this-host")
    with pytest.raises(UsageError, match="`hwnas kernels build` measures this-host"):
        hwnas.predict(["7"], device="This_Host")


def test_the_picture_has_a_bar_per_kernel(my_board: KernelModel, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    answer = predict_model(_graph(), device="my-board")
    save_picture(answer, tmp_path / "chart.svg")
    text = (tmp_path / "chart.svg").read_text()
    assert text.count("second") == 1 and "linear" not in text.split("<metadata>")[-1].split("legend")[0]
    with pytest.raises(UsageError, match="expected a picture"):
        save_picture(answer, tmp_path / "chart.csv")


def test_many_kernels_are_fast_enough_to_wait_for(my_board: KernelModel) -> None:
    """Not a time: 500 kernels cost one evaluation of each kind's trees."""
    builder = GraphBuilder()
    source = builder.image(16)
    for number in range(500):
        source = builder.conv(f"conv{number}", source, 8 + number % 8)
    answer = predict_model(builder.graph(), device="my-board")
    assert len(answer.kernels) == 500
    assert np.isfinite([kernel.costs["latency_ms"].mean for kernel in answer.kernels]).all()
