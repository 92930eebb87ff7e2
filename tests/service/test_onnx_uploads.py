"""Uploaded ONNX models: whom they can be asked of, weights left out, and that no path of the server is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hwnas.errors import UsageError
from hwnas.latency.kernels.store import kernel_devices
from hwnas.service.tasks import Work, get_task

onnx = pytest.importorskip("onnx")


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """A small network as an ONNX model."""
    from hwnas.api.networks import network_onnx

    monkeypatch.setenv("HWNAS_HOME", str(tmp_path / "home"))
    return onnx.load_model_from_string(network_onnx("0"))


def ask(model: Any, folder: Path) -> dict[str, Any]:
    request = {"device": "gtx-1080-ti", "confidence": 0.9, "graph_nodes": 20_000}
    nothing: dict[str, Any] = {"checkpoint": None, "progress": lambda _done, _all: None, "save": lambda _content: None}
    work = Work(request=request, payload=model.SerializeToString(), folder=folder, **nothing)
    return get_task("predict-onnx")(work).result


def test_an_answer_holds_no_path_of_the_server(network: Any, tmp_path: Path) -> None:
    answer = ask(network, tmp_path)
    assert answer["model"] == "model.onnx" and str(tmp_path) not in json.dumps(answer)


def test_weights_may_be_left_out_of_an_upload(network: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the other file is called; nothing of that name is looked for, there or not."""
    expected = ask(network, tmp_path)
    monkeypatch.chdir(tmp_path)
    for location in ("model.onnx.data", "/etc/passwd", "../secret", "absent/file"):
        apart = type(network).FromString(network.SerializeToString())
        for tensor in apart.graph.initializer:
            if len(tensor.raw_data) > 256:
                tensor.ClearField("raw_data")
                tensor.data_location = onnx.TensorProto.EXTERNAL
                del tensor.external_data[:]
                tensor.external_data.add(key="location", value=location)
        assert ask(apart, tmp_path) == expected


def test_a_symbol_is_refused_with_what_can_be_done(network: Any, tmp_path: Path) -> None:
    """A service takes no sizes: the words name the command without one, and the export."""
    network.graph.input[0].type.tensor_type.shape.dim[2].dim_param = "H"
    with pytest.raises(UsageError, match=r"without --server: --size H=224.* or export the model for a fixed shape"):
        ask(network, tmp_path)


def test_devices_that_can_be_asked_are_listed(client: Any) -> None:
    listed = client.get("/v1/predict/onnx").json()
    expected = [{"name": name, "targets": list(targets)} for name, targets in kernel_devices().items()]
    assert listed == {"devices": expected, "next": None}
