"""`/v1/predict` and `/v1/predict/onnx`: latency and energy of named architectures, or of a model file."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Final

from fastapi import APIRouter, Form, Request, Response

from hwnas.api.predict import predict as ask
from hwnas.latency.kernels.store import kernel_devices
from hwnas.service.answers import PAGE, Cursor, Limit, described, page_schema, paged, plain_json, problems, tagged
from hwnas.service.forms import PredictBody
from hwnas.service.service import service_of
from hwnas.service.store.jobs import Asked
from hwnas.service.submitting import Key, accepted, answer_job
from hwnas.service.uploads import Upload

router: Final = APIRouter(tags=["predict"])
_RESULT: Final = {"$ref": "#/components/schemas/PredictResult"}
_DEVICE: Final = {"type": "object", "required": ["name", "targets"]}
Text = Annotated[str, Form(min_length=1, max_length=100)]


@router.post("/v1/predict", responses={**described("Costs with sources.", _RESULT), **problems(409, 413, 415, 422)})
def predict(body: PredictBody, request: Request) -> Response:
    """Latency and energy of architectures on a device, with intervals and sources."""
    service_of(request).refresh_devices()
    return tagged(request, plain_json(ask(**asdict(body)).to_dict()))


@router.get("/v1/predict/onnx", responses={**page_schema("devices", _DEVICE), **problems(422)})
def onnx_devices(request: Request, cursor: Cursor = None, limit: Limit = PAGE) -> Response:
    """Devices that have a kernel model, which an ONNX model can be asked of, and what of: latency, energy."""
    entries = [{"name": name, "targets": list(targets)} for name, targets in kernel_devices().items()]
    return paged(request, "devices", entries, cursor=cursor, limit=limit)


@router.post(
    "/v1/predict/onnx",
    responses={**described("Costs by kernel.", {"type": "object"}), **accepted(), **problems(409, 413, 415, 422, 500)},
)
def predict_onnx(
    model: Upload, request: Request, device: Text, confidence: Annotated[float, Form(gt=0, lt=1)] = 0.9, key: Key = None
) -> Response:
    """Latency of an uploaded ONNX model on a device, kernel by kernel. The file is read in a process of its own."""
    limits = service_of(request).settings.limits
    asked = {"device": device, "confidence": confidence, "graph_nodes": limits.graph_nodes}
    return answer_job(request, Asked(kind="predict-onnx", request=asked, payload=model), key=key)
