"""`/v1/devices`: which devices are known, and who added which."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import Path, Request, Response

from hwnas.api.devices import describe_device, list_devices
from hwnas.service.answers import PAGE, Cursor, Limit, described, page_schema, paged, plain_json, problems, tagged
from hwnas.service.errors import NotFoundError, missing_if_unknown
from hwnas.service.service import service_of
from hwnas.service.store.devices import drop_device, measurements_of
from hwnas.service.threads import new_router
from hwnas.service.uploads import unpack_measurements

router: Final = new_router("devices")
_ENTRY: Final = {"type": "object", "required": ["name", "title", "kind", "variants", "targets", "spaces", "added"]}
Name = Annotated[str, Path(min_length=1, max_length=100, description="Name, alias or `name@variant`.")]


@router.get("/v1/devices", responses={**page_schema("devices", _ENTRY), **problems(409, 422)})
def devices(request: Request, cursor: Cursor = None, limit: Limit = PAGE) -> Response:
    """Devices by name; `added` says of those that users added who did, when, and from how many measurements."""
    added = service_of(request).added_devices()
    entries = [{**entry, "added": added.get(entry["name"])} for entry in list_devices()]
    return paged(request, "devices", entries, cursor=cursor, limit=limit)


@router.get("/v1/devices/{name}", responses={**described("All facts.", {"type": "object"}), **problems(404, 409, 422)})
def device(name: Name, request: Request) -> Response:
    """Everything that is known of a device: facts with sources, how it was measured, which costs are known."""
    added = service_of(request).added_devices()
    with missing_if_unknown():
        found = describe_device(name)
    return tagged(request, plain_json({**found.to_dict(), "added": added.get(found.card.name)}))


@router.get(
    "/v1/devices/{name}/measurements",
    responses={**described("Files by name.", {"type": "object"}), **problems(404, 422)},
)
def measurements(name: Name, request: Request) -> Response:
    """The files that a device of a user was adapted from, as they were uploaded."""
    content = measurements_of(service_of(request).database, name)
    if content is None:
        raise NotFoundError(f"expected a device that a user added, got {name[:100]!r}")
    return tagged(request, plain_json(unpack_measurements(content)))


@router.delete(
    "/v1/devices/{name}", responses={204: {"description": "It is gone."}, **problems(404, 422)}, status_code=204
)
def remove(name: Name, request: Request) -> Response:
    """Remove a device that a user added, with its models."""
    service = service_of(request)
    if not drop_device(service.database, name):
        raise NotFoundError(f"expected a device that a user added, got {name[:100]!r}")
    service.refresh_devices()
    return Response(status_code=204)
