"""`GET /v1/proxies` and `GET /v1/spaces`: what there is to choose from."""

from __future__ import annotations

from typing import Final

from fastapi import Request, Response

from hwnas.api.listings import list_combinations, list_proxies, list_spaces
from hwnas.service.answers import PAGE, Cursor, Limit, page_schema, paged, problems
from hwnas.service.threads import new_router

router: Final = new_router("listings")
_ENTRY: Final = {"type": "object", "required": ["name", "title"]}


@router.get("/v1/proxies", responses={**page_schema("proxies", _ENTRY), **problems(422)})
def proxies(request: Request, cursor: Cursor = None, limit: Limit = PAGE) -> Response:
    """Proxies and combinations: what they are, what they need, where they were published, where they fail."""
    entries = [{**entry, "kind": "proxy"} for entry in list_proxies()]
    entries += [{**entry, "kind": "combination"} for entry in list_combinations()]
    return paged(request, "proxies", entries, cursor=cursor, limit=limit)


@router.get("/v1/spaces", responses={**page_schema("spaces", _ENTRY), **problems(422)})
def spaces(request: Request, cursor: Cursor = None, limit: Limit = PAGE) -> Response:
    """Search spaces: how large they are, which data sets they have, where they were published."""
    return paged(request, "spaces", list_spaces(), cursor=cursor, limit=limit)
