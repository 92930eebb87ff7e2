"""`/healthz`, `/readyz` and `/metrics`: for those who run the service."""

from __future__ import annotations

from typing import Final

from fastapi import Request, Response

from hwnas.service.answers import described, plain_json, problems
from hwnas.service.metrics import MEDIA_TYPE, METRICS
from hwnas.service.service import service_of
from hwnas.service.store.jobs import count_by_state
from hwnas.service.threads import new_router
from hwnas.version import __version__

router: Final = new_router("operation")
_STATE: Final = {"type": "object", "required": ["status"], "properties": {"status": {"type": "string"}}}


@router.get("/healthz", responses={**described("The process lives.", _STATE), **problems()})
async def healthz() -> Response:
    """Whether the process answers, whatever its threads wait for."""
    return Response(plain_json({"status": "ok", "hwnas_version": __version__}), media_type="application/json")


@router.get("/readyz", responses={**described("Requests can be answered.", _STATE), **problems()})
def readyz(request: Request) -> Response:
    """Whether the database answers too; 503 where it does not. workers: those beside this server, how many should live
    and how many do."""
    jobs = count_by_state(service_of(request).database)
    beside = request.app.state.workers
    workers = {"wanted": 0, "alive": 0} if beside is None else {"wanted": beside.wanted, "alive": beside.alive()}
    return Response(plain_json({"status": "ok", "jobs": jobs, "workers": workers}), media_type="application/json")


@router.get(
    "/metrics",
    responses={
        200: {"description": "Metrics.", "content": {"text/plain": {"schema": {"type": "string"}}}},
        **problems(),
    },
)
def metrics(request: Request) -> Response:
    """Metrics in the text form of Prometheus."""
    return Response(METRICS.text(count_by_state(service_of(request).database)), media_type=MEDIA_TYPE)
