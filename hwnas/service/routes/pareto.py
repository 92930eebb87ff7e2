"""`POST /v1/pareto` and `GET /v1/fronts/{id}`: the main job."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from fastapi import APIRouter, Path, Query, Request, Response

from hwnas.service.answers import described, plain_json, problems, tagged
from hwnas.service.examples import CANDIDATES, FRONT
from hwnas.service.forms import ParetoBody
from hwnas.service.fronts import LONGEST_ID, body_of
from hwnas.service.service import service_of

router: Final = APIRouter(tags=["fronts"])
Id = Annotated[str, Path(min_length=1, max_length=LONGEST_ID, description="`id` of an answer.")]
Format = Annotated[Literal["json", "csv"], Query(description="Form of the answer.")]
_SCHEMA: Final = {"$ref": "#/components/schemas/Front"}


@router.post(
    "/v1/pareto", responses={**described("The fronts.", _SCHEMA, example=FRONT), **problems(409, 413, 415, 422)}
)
async def pareto(body: ParetoBody, request: Request) -> Response:
    """The networks with the most accuracy within a budget on a device, compared with the true front.

    A front for each proxy asked for, the baselines, and the true front where accuracies are known. The same question
    has the same `id`, by which `GET /v1/fronts/{id}` answers it again.
    """
    front, content = await service_of(request).front_json(body)
    return tagged(request, content, Content_Location=f"/v1/fronts/{front}")


@router.get("/v1/fronts/{id}", responses={**described("The fronts.", _SCHEMA), **problems(404, 409, 422)})
def front(id: Id, request: Request, format: Format = "json") -> Response:
    """The answer to the question that an id stands for, as JSON or as CSV."""
    found = service_of(request).front(body_of(id))
    if format == "csv":
        return tagged(request, found.csv(), media_type="text/csv")
    return tagged(request, found.json())


@router.get(
    "/v1/fronts/{id}/candidates",
    responses={**described("Columns.", {"type": "object"}, example=CANDIDATES), **problems(404, 409, 422)},
)
def candidates(id: Id, request: Request, most: Annotated[int, Query(ge=1, le=20000)] = 3000) -> Response:
    """Costs, scores, accuracies and feasibility of at most `most` architectures of the space, for pictures."""
    return tagged(request, plain_json(service_of(request).front(body_of(id)).candidates(most)))
