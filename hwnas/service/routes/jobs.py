"""`/v1/jobs`: questions that take longer; their progress, end, and results."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Final, Literal

from fastapi import Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from hwnas.service.answers import Cursor, Limit, described, page, page_schema, plain_json, problems, reference, tagged
from hwnas.service.events import job_events
from hwnas.service.job_forms import JobForm, job_form
from hwnas.service.job_results import result_file
from hwnas.service.service import owner_of, require_job, service_of
from hwnas.service.store import Kind, State
from hwnas.service.store.jobs import cancel, list_jobs, resume
from hwnas.service.threads import new_router

router: Final = new_router("jobs")
Id = Annotated[str, Path(pattern="^[0-9a-f]{32}$", description="`id` of a job.")]
Format = Annotated[Literal["json", "csv"], Query(description="Form of the result.")]
_JOB: Final = described("The job.", reference(JobForm))


@router.get("/v1/jobs", responses={**page_schema("jobs", reference(JobForm)), **problems(422)})
def jobs(
    request: Request,
    cursor: Cursor = None,
    limit: Limit = 50,
    state: Annotated[State | None, Query()] = None,
    kind: Annotated[Kind | None, Query()] = None,
) -> Response:
    """Jobs of everyone, the newest first."""
    found = list_jobs(service_of(request).database, before=cursor, limit=limit + 1, state=state, kind=kind)
    following = found[limit - 1].seq if len(found) > limit else None
    return page(request, "jobs", [asdict(job_form(job)) for job in found[:limit]], following)


@router.get("/v1/jobs/{id}", responses={**_JOB, **problems(404, 422)})
def job(id: Id, request: Request) -> Response:
    """A job: where it stands, how far it is, and what went wrong if something did."""
    return tagged(request, plain_json(asdict(job_form(require_job(request, id)))))


@router.get(
    "/v1/jobs/{id}/events",
    responses={
        200: {"description": "Server-sent events.", "content": {"text/event-stream": {"schema": {"type": "string"}}}},
        **problems(404, 422),
    },
    response_class=StreamingResponse,
)
async def events(id: Id, request: Request) -> Response:
    """An event `job` with the job as JSON whenever it changes, until it comes to an end."""
    return await job_events(request, id)


@router.post("/v1/jobs/{id}/cancel", responses={**_JOB, **problems(404, 409, 413, 415, 422)})
def cancel_job(id: Id, request: Request) -> Response:
    """Ask for a job's end: at once where it waits, else at its next step. What is finished is kept."""
    require_job(request, id, before=("queued", "running", "cancelled"))
    found = cancel(service_of(request).database, id)
    return tagged(request, plain_json(asdict(job_form(found or require_job(request, id)))))


@router.post("/v1/jobs/{id}/resume", responses={**_JOB, **problems(404, 409, 413, 415, 422)})
def resume_job(id: Id, request: Request) -> Response:
    """Begin a failed or cancelled job again, from where it was; one that is about to be cancelled goes on."""
    require_job(request, id, before=("failed", "cancelled", "queued", "running"))
    service = service_of(request)
    who = owner_of(request, service.settings)
    found = resume(service.database, id, owner=who, most=service.settings.limits.jobs)
    return tagged(request, plain_json(asdict(job_form(found or require_job(request, id)))))


@router.get(
    "/v1/jobs/{id}/result", responses={**described("The result.", {"type": "object"}), **problems(404, 409, 422)}
)
def result(id: Id, request: Request, format: Format = "json") -> Response:
    """The answer of a job that is done, as JSON or as CSV."""
    done = require_job(request, id, before=("done",))
    content, media_type = result_file(service_of(request).database, done, form=format)
    return tagged(request, content, media_type=media_type)
