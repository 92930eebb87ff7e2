"""Bodies that are not read at all: of another media type than the route takes, no JSON, no form."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi import Request

JSON: Final = "application/json"
FORM: Final = "multipart/form-data"
# By what Starlette says of a form, as a pattern.
_UNREADABLE: Final[Mapping[str, str]] = {
    r"Missing boundary": "expected a form whose boundary stands in the header Content-Type, got none; leave the header "
    "to the client, as `curl -F` does",
    r"Too many (\w+)\. Maximum number of \w+ is (\d+)": r"expected a form of at most \2 \1, got more; leave some out",
    r"Part exceeded maximum size of (\d+)KB": r"expected fields of at most \1 KiB beside the files, got a longer one; "
    "send it as a file, with a file name",
    r'The Content-Disposition header field "name"': "expected a name of every part of the form, got a part without; "
    "name it as /openapi.json does",
}


def misread_body(request: Request, errors: Sequence[Mapping[str, Any]]) -> tuple[int, str] | None:
    """Status and detail where not a value is wrong but the body as a whole; errors: pydantic's. None where it was
    read."""
    broken = next((entry for entry in errors if entry["type"] == "json_invalid"), None)
    if broken is not None:
        at = broken["loc"][-1]
        where = f" from character {at + 1} on" if isinstance(at, int) else ""
        return 400, f"expected JSON, got a text that is none{where}; check its quotes, commas and brackets"
    first, given = errors[0], _media_type(request)
    if given == FORM and first["loc"] == ("body",):
        return 415, f"expected a body of type {JSON}, got {FORM}; send the values as one JSON object"
    of_a_form = any(
        entry["type"] == "missing" and entry["loc"][0] == "body" and entry["input"] is None for entry in errors
    )
    if given == JSON and of_a_form and first["loc"] != ("body",):
        return 415, f"expected a body of type {FORM}, got {JSON}; send the values as fields and the files as files"
    return None


def unreadable(request: Request, said: str) -> str:
    """The detail where a body cannot be read; said: Starlette's words, which stand where they are not known here."""
    for pattern, detail in _UNREADABLE.items():
        found = re.match(pattern, said)
        if found:
            return found.expand(detail)
    if _media_type(request) == JSON:
        return (
            "expected JSON, got a body that cannot be read as such; write it in UTF-8, and nest lists and objects less"
        )
    return (
        f"expected a form of type {FORM}, got a body that cannot be read as such; leave that to a client, as `curl -F`"
    )


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()
