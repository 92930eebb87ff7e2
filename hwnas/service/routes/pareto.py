"""`POST /v1/pareto` and `GET /v1/fronts/{id}`: the main job."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Final, Literal

from fastapi import Path, Query, Request, Response

from hwnas.service.answers import described, plain_json, problems, tagged
from hwnas.service.checks import check_search
from hwnas.service.examples import CANDIDATES, FRONT
from hwnas.service.forms import ParetoBody
from hwnas.service.fronts import LONGEST_ID, MOST_CANDIDATES, body_of
from hwnas.service.searches import found_candidates, found_front, front_asked, is_job, needs_search
from hwnas.service.service import service_of
from hwnas.service.submitting import Key, accepted, answer_job
from hwnas.service.threads import new_router

router: Final = new_router("fronts")
Id = Annotated[str, Path(min_length=1, max_length=LONGEST_ID, description="`id` of an answer.")]
Format = Annotated[Literal["json", "csv"], Query(description="Form of the answer.")]
_SCHEMA: Final = {"$ref": "#/components/schemas/Front"}


@router.post(
    "/v1/pareto",
    responses={
        **described("The fronts.", _SCHEMA, example=FRONT),
        **accepted(),
        **problems(409, 413, 415, 422, 500),
    },
)
async def pareto(body: ParetoBody, request: Request, key: Key = None) -> Response:
    """The networks with the most accuracy within a budget on a device, compared with the true front.

    A front for each proxy asked for, the baselines, and the true front where accuracies are known. The same question
    has the same `id`, by which `GET /v1/fronts/{id}` answers it again. What needs a search, because all networks of
    the space cannot be listed or a search is asked for, is a job, and its result the same form; so is a question
    whose costs must be computed network by network.
    """
    service = service_of(request)
    await service.recent_devices()
    found = service.fronts.known(body)
    if found is None:
        if await service.in_thread(partial(is_job, body)):
            return await service.in_thread(partial(_as_job, body, request, key=key))
        found = await service.compute(service.fronts.answer_json, body)
    front, content = found
    return tagged(request, content, Content_Location=f"/v1/fronts/{front}")


def _as_job(body: ParetoBody, request: Request, *, key: str | None) -> Response:
    service = service_of(request)
    service.refresh_devices()
    if needs_search(body):
        check_search(body)
    return answer_job(request, front_asked(body), key=key)


@router.get("/v1/fronts/{id}", responses={**described("The fronts.", _SCHEMA), **problems(404, 409, 422)})
def front(id: Id, request: Request, format: Format = "json") -> Response:
    """The answer to the question that an id stands for, as JSON or CSV; that of a job once it is done."""
    service, body = service_of(request), body_of(id)
    service.refresh_devices()
    if is_job(body):
        content, media_type = found_front(service.database, front_asked(body), form=format)
        return tagged(request, content, media_type=media_type)
    found = service.front(body)
    if format == "csv":
        return tagged(request, found.csv(), media_type="text/csv")
    return tagged(request, found.json())


@router.get(
    "/v1/fronts/{id}/candidates",
    responses={**described("Columns.", {"type": "object"}, example=CANDIDATES), **problems(404, 409, 422)},
)
def candidates(id: Id, request: Request, most: Annotated[int, Query(ge=1, le=MOST_CANDIDATES)] = 3000) -> Response:
    """Costs, scores, accuracies and feasibility of at most `most` architectures of the space, for pictures; after a
    search in a space that cannot be listed, of those that it looked at, which `index` counts."""
    service, body = service_of(request), body_of(id)
    service.refresh_devices()
    if is_job(body):
        return tagged(request, plain_json(found_candidates(service.database, front_asked(body), most=most)))
    return tagged(request, plain_json(service.front(body).candidates(most)))
