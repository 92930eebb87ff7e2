"""`/v1/predict` and `/v1/predict/onnx`: latency and energy of named architectures, or of a model file."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Final

from fastapi import Form, Request, Response

from hwnas.latency.kernels.store import kernel_devices
from hwnas.service.answers import PAGE, Cursor, Limit, described, page_schema, paged, problems, tagged
from hwnas.service.forms import PredictBody
from hwnas.service.long_costs import costs_asked, costs_now
from hwnas.service.service import service_of
from hwnas.service.store.jobs import Asked
from hwnas.service.submitting import Key, accepted, answer_job
from hwnas.service.threads import new_router
from hwnas.service.uploads import Upload
from hwnas.service.world import world_of_kernels

router: Final = new_router("predict")
_RESULT: Final = {"$ref": "#/components/schemas/PredictResult"}
_DEVICE: Final = {"type": "object", "required": ["name", "targets"]}
Text = Annotated[str, Form(min_length=1, max_length=100)]


@router.post(
    "/v1/predict",
    responses={**described("Costs with sources.", _RESULT), **accepted(), **problems(409, 413, 415, 422, 500)},
)
async def predict(body: PredictBody, request: Request, key: Key = None) -> Response:
    """Latency and energy of architectures on a device, with intervals and sources.

    Many networks whose costs are predicted kernel by kernel are a job, and its result the same form.
    """
    service = service_of(request)
    await service.in_thread(service.refresh_devices)
    content = await service.compute(costs_now, body)
    if content is not None:
        return tagged(request, content)
    return await service.in_thread(partial(_as_job, body, request, key=key))


def _as_job(body: PredictBody, request: Request, *, key: str | None) -> Response:
    return answer_job(request, costs_asked(body), key=key, at_once=False)


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
    question = Asked(kind="predict-onnx", request=asked, payload=model, again=world_of_kernels(device))
    return answer_job(request, question, key=key)
