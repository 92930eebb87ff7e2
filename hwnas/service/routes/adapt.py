"""`POST /v1/adapt`: a new device from about ten measurements."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from fastapi import Form, Request, Response

from hwnas.service.adapting import ask_to_adapt
from hwnas.service.answers import described, problems
from hwnas.service.service import service_of
from hwnas.service.submitting import Key, accepted, answer_job
from hwnas.service.threads import new_router
from hwnas.service.uploads import Uploads, pack_measurements

router: Final = new_router("devices")
_RESULT: Final = {"$ref": "#/components/schemas/AdaptResult"}
NO_CONTROLS: Final = r"^[^\x00-\x1f\x7f]*$"  # of texts that become part of a card
Text = Annotated[str | None, Form(min_length=1, max_length=100, pattern=NO_CONTROLS)]


@router.post(
    "/v1/adapt",
    responses={
        **described("The device, and how good it is.", _RESULT),
        **accepted(),
        **problems(409, 413, 415, 422, 500),
    },
)
def adapt(
    measurements: Uploads,
    request: Request,
    name: Annotated[
        str, Form(min_length=1, max_length=60, pattern=NO_CONTROLS, description="How the device will be called.")
    ],
    space: Text = None,
    dataset: Text = None,
    unit: Annotated[Literal["ms", "s", "us"] | None, Form()] = None,
    energy_unit: Annotated[Literal["mJ", "J", "uJ"] | None, Form()] = None,
    method: Annotated[str, Form(min_length=1, max_length=20)] = "auto",
    power_w: Annotated[float | None, Form(gt=0, le=1e6, allow_inf_nan=False)] = None,
    power_error: Annotated[float, Form(ge=0, lt=1)] = 0.1,
    batch_size: Annotated[int | None, Form(ge=1, le=2**31)] = None,
    kind: Text = None,
    title: Text = None,
    replace: Annotated[bool, Form()] = False,
    add: Annotated[bool, Form()] = False,
    key: Key = None,
) -> Response:
    """A latency and energy model of a new device; afterwards every route knows it by its name."""
    service = service_of(request)
    how = {"method": method, "unit": unit, "power_w": power_w, "power_error": power_error, "batch_size": batch_size}
    settings = {**how, "energy_unit": energy_unit, "kind": kind, "title": title, "replace": replace, "add": add}
    values = {"name": name, "space": space, "dataset": dataset, "settings": settings}
    payload = pack_measurements(measurements)
    return answer_job(request, ask_to_adapt(service.database, values, payload), key=key)
