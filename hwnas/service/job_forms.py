"""A job as callers see it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, ClassVar, Final, Literal, final

from hwnas.service.job_titles import job_title
from hwnas.service.store import Job

_DESCRIBED: Final = {"use_attribute_docstrings": True}


@final
@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a job is."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _DESCRIBED
    done: int
    """Steps done."""
    total: int | None
    """Steps in all; null where they are not known yet."""
    seconds_left: float | None
    """Estimate of the time left; null where there is none."""


@final
@dataclass(frozen=True, kw_only=True)
class JobForm:
    """A job: a question whose answer takes longer than a second."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _DESCRIBED
    id: str
    """Hash of the question: the same question is the same job."""
    kind: Literal["score", "score-table", "adapt", "predict", "predict-onnx", "pareto"]
    """Which function was asked."""
    title: str
    """What it does, in words."""
    state: Literal["queued", "running", "done", "failed", "cancelled"]
    """Where it stands; the last three are final until it is resumed."""
    request: dict[str, Any]
    """What was asked, without uploaded files."""
    owner: str
    """Who asked: a token's fingerprint, or an address."""
    created_at: str
    """When it was asked for, in UTC (ISO 8601)."""
    started_at: str | None
    """When a worker began with it for the first time."""
    finished_at: str | None
    """When it came to a final state."""
    attempts: int
    """How often it was begun without getting further."""
    cancel_requested: bool
    """Whether somebody asked for its end."""
    progress: Progress
    """How far it is."""
    error: dict[str, Any] | None
    """The problem of a failed job; null where there is none."""
    version: int
    """Grows with each change."""
    links: dict[str, str]
    """Where to go from here: self, events, cancel, resume, result."""


def job_form(job: Job) -> JobForm:
    """The form of a job that callers see."""
    here = f"/v1/jobs/{job.id}"
    links = {"self": here, **{name: f"{here}/{name}" for name in ("events", "cancel", "resume", "result")}}
    return JobForm(
        id=job.id,
        kind=job.kind,
        title=job_title(job.kind, job.request),
        state=job.state,
        request=job.request,
        owner=job.owner,
        created_at=time_text(job.created_at) or "",
        started_at=time_text(job.started_at),
        finished_at=time_text(job.finished_at),
        attempts=job.attempts,
        cancel_requested=job.cancel,
        progress=Progress(done=job.done, total=job.total, seconds_left=job.seconds_left),
        error=job.error,
        version=job.version,
        links=links,
    )


def time_text(seconds: float | None) -> str | None:
    """In UTC (ISO 8601)."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, tz=timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
