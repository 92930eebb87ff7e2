"""`GET /v1/networks`: one architecture, to look at and to take along."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import Query, Request, Response

from hwnas.api.networks import describe_network, network_onnx
from hwnas.service.answers import described, plain_json, problems, tagged
from hwnas.service.threads import new_router

router: Final = new_router("networks")
Arch = Annotated[str, Query(min_length=1, max_length=400, description="A string of the space, a tuple or an index.")]
Space = Annotated[str, Query(min_length=1, max_length=100, description="Search space.")]
Dataset = Annotated[str | None, Query(min_length=1, max_length=100, description="Data set; the first of the space.")]
Batch = Annotated[int, Query(ge=1, le=1024, description="Images per run.")]
_FILE: Final = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}


@router.get("/v1/networks", responses={**described("The architecture.", {"type": "object"}), **problems(422)})
def network(request: Request, arch: Arch, space: Space = "nasbench201", dataset: Dataset = None) -> Response:
    """An architecture: its number, parameters and operations, and what a picture of it shows."""
    return tagged(request, plain_json(describe_network(arch, space=space, dataset=dataset).to_dict()))


@router.get(
    "/v1/networks/onnx",
    responses={
        200: {"description": "The file.", "content": _FILE},
        304: {"description": "Unchanged."},
        **problems(409, 422),
    },
)
def onnx(
    request: Request, arch: Arch, space: Space = "nasbench201", dataset: Dataset = None, batch_size: Batch = 1
) -> Response:
    """An architecture as an ONNX file with random weights, operator by operator."""
    content = network_onnx(arch, space=space, dataset=dataset, batch_size=batch_size)
    disposition = 'attachment; filename="network.onnx"'
    return tagged(request, content, media_type="application/octet-stream", Content_Disposition=disposition)
