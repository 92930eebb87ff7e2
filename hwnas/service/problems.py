"""Errors as problem details (RFC 9457): each error of the tree has a status and a type, its message is the detail."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final, final

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from hwnas.errors import (
    DataError,
    HwnasError,
    InfeasibleError,
    MissingExtraError,
    ProxyError,
    UnknownNameError,
    UsageError,
)
from hwnas.service.errors import BusyError, ConflictError, NotFoundError, UploadError
from hwnas.service.store import StoreError
from hwnas.service.store.errors import KeyReusedError, TooManyJobsError
from hwnas.service.unread_bodies import misread_body, unreadable
from hwnas.service.wrong_values import wrong_value

MEDIA_TYPE: Final = "application/problem+json"
# The first class that fits gives status, type and title.
_KINDS: Final[tuple[tuple[type[Exception], int, str, str], ...]] = (
    (NotFoundError, 404, "not-found", "Not found"),
    (ConflictError, 409, "conflict", "Not possible in this state"),
    (TooManyJobsError, 429, "too-many-jobs", "Too many unfinished jobs"),
    (KeyReusedError, 422, "idempotency-key-reused", "Idempotency key used for another question"),
    (UnknownNameError, 422, "unknown-name", "Unknown name"),
    (InfeasibleError, 422, "infeasible", "No network meets the budgets"),
    (UsageError, 422, "wrong-use", "Wrong use"),
    (ProxyError, 422, "proxy", "The proxy cannot score this network"),
    (UploadError, 422, "upload", "The uploaded file cannot be read"),
    (BusyError, 503, "busy", "Others are answered"),
    (StoreError, 503, "database", "The database cannot be used now"),
    (DataError, 409, "data", "Data is absent or damaged on the server"),
    (MissingExtraError, 409, "not-available", "Not available on this server"),
    (HwnasError, 500, "failure", "The work failed"),
)
_TITLES: Final = {
    400: "Malformed request",
    401: "Not let in",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    408: "The request took too long to arrive",
    409: "Conflict",
    413: "Too large",
    415: "Media type not supported",
    421: "Wrong host",
    422: "Wrong values",
    429: "Too many requests",
    500: "Internal error",
    503: "Not available now",
}


@final
@dataclass(frozen=True, kw_only=True)
class Problem:
    """What went wrong, in the form of RFC 9457."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"use_attribute_docstrings": True}
    type: str
    """Kind of the problem, `urn:hwnas:problem:<name>`."""
    title: str
    """The kind in words."""
    status: int
    """Status of the answer."""
    detail: str
    """What was expected, what was got, and what to do."""
    instance: str | None = None
    """What the server's log calls it: `urn:hwnas:request:<number>`, or `urn:hwnas:fault:<number>` for a fault of the
    server's own in a job; null in other jobs."""
    near: list[str] | None = None
    """For an unknown name: those that it resembles."""
    errors: list[dict[str, Any]] | None = None
    """For wrong values: where each stands, and what is wrong with it."""


def problem_of(error: HwnasError) -> dict[str, Any]:
    """The problem that an error of the tree is."""
    status, name, title = next(entry[1:] for entry in _KINDS if isinstance(error, entry[0]))
    problem = _problem(status, str(error), name=name, title=title)
    unknown = error.__cause__ if isinstance(error, NotFoundError) else error  # a name may stand in the address
    return problem | ({"near": list(unknown.near)} if isinstance(unknown, UnknownNameError) else {})


def fault(instance: str) -> dict[str, Any]:
    """The problem of a fault of ours: it tells nothing but what the log calls it."""
    said = f"expected to answer, got an error of the server's own; tell its operator {instance}"
    return _problem(500, said) | {"instance": instance}


def instance_of(request: Request) -> str:
    """What the log calls a request."""
    return f"urn:hwnas:request:{request.state.number}"


def refusal(status: int, detail: str, **more: Any) -> dict[str, Any]:
    """A problem that is no error of the tree."""
    return _problem(status, detail) | more


def answer_problem(
    request: Request | None, problem: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> Response:
    """The answer that tells a problem. ASCII: what a caller sent may hold what UTF-8 cannot."""
    told = ({} if request is None else {"instance": instance_of(request)}) | dict(problem)
    more = {"Retry-After": "1"} if problem["status"] in (429, 503) else {}
    content = json.dumps(told, allow_nan=False).encode()
    return Response(content, status_code=problem["status"], media_type=MEDIA_TYPE, headers={**more, **(headers or {})})


async def on_error(request: Request, error: Exception) -> Response:
    """FastAPI's handler of errors of the tree, and of faults of ours."""
    problem = problem_of(error) if isinstance(error, HwnasError) else fault(instance_of(request))
    return answer_problem(request, problem)


async def on_wrong_values(request: Request, error: Exception) -> Response:
    """FastAPI's handler of bodies and parameters that are not as described."""
    assert isinstance(error, RequestValidationError)
    misread = misread_body(request, error.errors())
    if misread is not None:
        return answer_problem(request, refusal(*misread))
    found = [wrong_value(entry) for entry in error.errors()[:20]]
    said = "; ".join(f"{entry['at']}: {entry['message']}" for entry in found[:5])
    return answer_problem(request, refusal(422, f"{said}; /openapi.json describes every value", errors=found))


async def on_http_error(request: Request, error: Exception) -> Response:
    """FastAPI's handler of paths, methods and the like that are not there."""
    assert isinstance(error, HTTPException)
    detail = {
        404: f"expected a path of /openapi.json, got {request.url.path!r}",
        405: f"expected another method for {request.url.path!r}, got {request.method}",
        400: unreadable(request, str(error.detail)),
    }.get(error.status_code, str(error.detail))
    return answer_problem(request, refusal(error.status_code, detail), error.headers)


def _problem(status: int, detail: str, *, name: str | None = None, title: str | None = None) -> dict[str, Any]:
    title = title or _TITLES.get(status, "Problem")
    name = name or title.lower().replace(" ", "-")
    return {"type": f"urn:hwnas:problem:{name}", "title": title, "status": status, "detail": detail}
