"""`/v1/devices`: which devices are known, and who added which."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Path, Request, Response

from hwnas.api.devices import describe_device, list_devices
from hwnas.service.answers import PAGE, Cursor, Limit, described, page_schema, paged, plain_json, problems, tagged
from hwnas.service.errors import missing_if_unknown
from hwnas.service.service import service_of

router: Final = APIRouter(tags=["devices"])
_ENTRY: Final = {"type": "object", "required": ["name", "title", "kind", "variants", "targets", "spaces", "added"]}
Name = Annotated[str, Path(min_length=1, max_length=100, description="Name, alias or `name@variant`.")]


@router.get("/v1/devices", responses={**page_schema("devices", _ENTRY), **problems(409, 422)})
def devices(request: Request, cursor: Cursor = None, limit: Limit = PAGE) -> Response:
    """Devices by name; `added` says of those that users added who did, when, and from how many measurements."""
    added = service_of(request).added_devices()
    entries = [{**entry, "added": added.get(entry["name"])} for entry in list_devices()]
    return paged(request, "devices", entries, cursor=cursor, limit=limit)


@router.get("/v1/devices/{name}", responses={**described("All facts.", {"type": "object"}), **problems(404, 409)})
def device(name: Name, request: Request) -> Response:
    """Everything that is known of a device: facts with sources, how it was measured, which costs are known."""
    added = service_of(request).added_devices()
    with missing_if_unknown():
        found = describe_device(name)
    return tagged(request, plain_json({**found.to_dict(), "added": added.get(found.card.name)}))
