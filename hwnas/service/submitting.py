"""From a question to its answer at once, where a worker is quick, or to 202 and the job."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Annotated, Any, Final

from fastapi import Header, Request, Response

from hwnas.service.answers import plain_json
from hwnas.service.job_forms import job_form
from hwnas.service.job_results import result_file
from hwnas.service.problems import answer_problem
from hwnas.service.service import service_of
from hwnas.service.store import Job
from hwnas.service.store.jobs import Asked, find_job

PATIENCE_S: Final = 0.9  # answers of a second come at once
Key = Annotated[
    str | None,
    Header(alias="Idempotency-Key", min_length=1, max_length=200, description="The same key is the same job."),
]
_LOOK_S: Final = 0.03
_WAITING: Final = ("queued", "running")


def answer_job(request: Request, asked: Asked, *, key: str | None, at_once: bool = True) -> Response:
    """Submit a question, wait for a moment, and answer: 200 with the result, its problem, or 202 with the job.

    at_once: whether a worker may be so quick that waiting is worth it.
    """
    service, until = service_of(request), time.monotonic() + (PATIENCE_S if at_once else 0.0)
    job, _ = service.submit(request, asked, key=key)
    while job.state in _WAITING and time.monotonic() < until:
        time.sleep(_LOOK_S)
        job = find_job(service.database, job.id) or job
    where = {"Location": f"/v1/jobs/{job.id}"}
    if job.state == "done":
        content, media_type = result_file(service.database, job, form="json")
        return Response(content, media_type=media_type, headers=where)
    if job.state == "failed" and job.error is not None:
        return answer_problem(request, job.error, where)
    return _accepted(job, where)


def _accepted(job: Job, where: dict[str, str]) -> Response:
    return Response(plain_json(asdict(job_form(job))), status_code=202, media_type="application/json", headers=where)


def accepted() -> dict[int | str, dict[str, Any]]:
    """202 for OpenAPI."""
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/JobForm"}}}
    headers = {"Location": {"schema": {"type": "string"}, "description": "Address of the job."}}
    return {202: {"description": "It takes longer: the job.", "content": content, "headers": headers}}
