"""Answers of the service: JSON with an entity tag, lists by pages, and what is described to OpenAPI of each."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import Query, Request, Response

from hwnas.service.problems import MEDIA_TYPE, Problem

PAGE: Final = 100
Cursor = Annotated[int | None, Query(ge=0, le=2**53, description="Where the page begins: `next` of the page before.")]
Limit = Annotated[int, Query(ge=1, le=500, description="At most so many entries.")]
_REASONS: Final = {
    400: "The body is no JSON, or a header is malformed.",
    401: "A token is needed: `Authorization: Bearer ...`.",
    403: "The page that asks is of another origin.",
    404: "There is nothing of this name.",
    409: "The state of the server does not allow it: data or an extra is absent, or the job is in another state.",
    413: "The body is too large.",
    415: "The body is of another media type.",
    421: "The Host header names another server.",
    422: "A value cannot be; the detail says what to do.",
    429: "Too many requests or unfinished jobs.",
    500: "The job failed for a reason of the server's own.",
    503: "The database cannot be used now, or the answer took too long.",
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Problems of a route for OpenAPI, with those that every route can have."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        status: {"description": _REASONS[status], "content": content}
        for status in sorted({*statuses, 400, 401, 403, 421, 429, 503})
    }


def plain_json(value: Any) -> bytes:
    """JSON as it is sent; NaN and infinity are refused, because JSON has none."""
    return json.dumps(value, allow_nan=False, separators=(",", ":")).encode()


def tagged(request: Request, content: bytes, *, media_type: str = "application/json", **headers: str) -> Response:
    """The content with an entity tag, or 304 where the caller has it already."""
    tag = f'"{hashlib.sha256(content).hexdigest()[:20]}"'
    sent = {"ETag": tag, "Cache-Control": "private, no-cache", **{k.replace("_", "-"): v for k, v in headers.items()}}
    if request.method in ("GET", "HEAD") and tag in _tags(request):
        return Response(status_code=304, headers=sent)
    return Response(content, media_type=media_type, headers=sent)


def paged(request: Request, name: str, entries: Sequence[Any], *, cursor: int | None, limit: int) -> Response:
    """A page of a list that is at hand."""
    start = cursor or 0
    following = start + limit if start + limit < len(entries) else None
    return page(request, name, entries[start : start + limit], following)


def page(request: Request, name: str, entries: Sequence[Any], following: int | None) -> Response:
    """A page: `{name: entries, "next": address of the page after, or null}`, which also stands in the header Link."""
    address = None
    if following is not None:
        asked = {**request.query_params, "cursor": str(following)}
        address = f"{request.url.path}?{urlencode(asked)}"
    link = {} if address is None else {"Link": f'<{address}>; rel="next"'}
    return tagged(request, plain_json({name: list(entries), "next": address}), **link)


def page_schema(name: str, entry: Mapping[str, Any]) -> dict[int | str, dict[str, Any]]:
    """A page for OpenAPI."""
    form = {
        "type": "object",
        "required": [name, "next"],
        "properties": {
            name: {"type": "array", "items": dict(entry)},
            "next": {"type": ["string", "null"], "description": "Address of the page after."},
        },
    }
    return described(f"A page of {name}.", form)


def described(text: str, schema: Mapping[str, Any], *, example: Any = None) -> dict[int | str, dict[str, Any]]:
    """An answer with a body of JSON, and 304 for OpenAPI."""
    content: dict[str, Any] = {"schema": dict(schema)} | ({} if example is None else {"example": example})
    return {200: {"description": text, "content": {"application/json": content}}, 304: {"description": "Unchanged."}}


def reference(form: type) -> dict[str, str]:
    """The schema of a form that OpenAPI knows by its name."""
    return {"$ref": f"#/components/schemas/{form.__name__}"}


FORMS: Final[tuple[Callable[..., Any], ...]] = (Problem,)


def _tags(request: Request) -> list[str]:
    return [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
