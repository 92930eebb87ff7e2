"""Costs of an uploaded ONNX model, kernel by kernel."""

from __future__ import annotations

from dataclasses import replace

from hwnas.api.predict_model import predict_model
from hwnas.graphs import read_onnx
from hwnas.graphs.onnx_file import check_upload
from hwnas.service.tasks.task import Made, Work


def run(work: Work) -> Made:
    """Check the file, then ask the API. It is never written: neither the answer nor an error can hold its path."""
    content = work.payload or b""
    check_upload(content, most_nodes=work.request["graph_nodes"])
    answer = predict_model(read_onnx(content), device=work.request["device"], confidence=work.request["confidence"])
    return Made(result=replace(answer, model="model.onnx").to_dict())
