"""The question of `POST /v1/adapt`: what is adapted, and which device it comes after."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hwnas.service.store import Database
from hwnas.service.store.devices import find_device
from hwnas.service.store.jobs import Asked, find_job
from hwnas.service.world import world_of_adapting


def ask_to_adapt(database: Database, values: Mapping[str, Any], payload: bytes) -> Asked:
    """The question, with the job that made the device before it: the same files for a device that is no longer the
    same are another question, and the question that made the device as it is now is asked again, not anew. To replace
    a device is another question once there is more to adapt it from."""
    world = world_of_adapting() if values["settings"]["replace"] else ""
    device = find_device(database, values["name"])
    if device is None:
        return Asked(kind="adapt", request={**values, "after": None}, payload=payload, again=world)
    made_by = find_job(database, device.job)
    if made_by is not None:
        request = {**values, "after": made_by.request["after"]}
        same = Asked(kind="adapt", request=request, payload=payload, again=world)
        if same.id == device.job:
            return same
    return Asked(kind="adapt", request={**values, "after": device.job}, payload=payload, again=world)
