"""Costs of an uploaded ONNX model, kernel by kernel."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Final

from hwnas.graphs.onnx_file import check_upload
from hwnas.service.errors import NotAvailableError
from hwnas.service.tasks.task import Made, Work

# The function that predicts a model file: `predict_model(path, device=..., confidence=...)`, with `to_dict()`.
MODULE: Final = "hwnas.api.predict_model"


def run(work: Work) -> Made:
    """Check the file, then ask the API. Raises `NotAvailableError` where this version cannot predict files."""
    path = work.folder / "model.onnx"
    path.write_bytes(work.payload or b"")
    check_upload(path, most_nodes=work.request["graph_nodes"])
    if find_spec(MODULE) is None:
        raise NotAvailableError("prediction of ONNX files is not available in this version of hwnas; update the server")
    predict_model = import_module(MODULE).predict_model
    answer = predict_model(path, device=work.request["device"], confidence=work.request["confidence"])
    return Made(result=answer.to_dict())
