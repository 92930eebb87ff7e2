"""Costs of an uploaded ONNX model, kernel by kernel."""

from __future__ import annotations

from hwnas.api.predict_model import predict_model
from hwnas.graphs.onnx_file import check_upload
from hwnas.service.tasks.task import Made, Work


def run(work: Work) -> Made:
    """Check the file, then ask the API."""
    path = work.folder / "model.onnx"
    path.write_bytes(work.payload or b"")
    check_upload(path, most_nodes=work.request["graph_nodes"])
    answer = predict_model(path, device=work.request["device"], confidence=work.request["confidence"])
    return Made(result=answer.to_dict())
