"""`POST /v1/score` and `/v1/score/tables`: proxy scores of networks, or of a whole space."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from typing import Final

from fastapi import Request, Response

from hwnas.api.score import score as ask
from hwnas.api.score_forms import ScoreSettings
from hwnas.errors import AbsentError
from hwnas.proxies.combinations import Combination, get_scorer
from hwnas.service.answers import described, plain_json, problems, tagged
from hwnas.service.checks import check_scoring
from hwnas.service.forms import ScoreBody, TableBody
from hwnas.service.service import service_of
from hwnas.service.store.jobs import Asked
from hwnas.service.submitting import Key, accepted, answer_job
from hwnas.service.threads import new_router
from hwnas.service.world import world_of_scores
from hwnas.spaces import get_space

router: Final = new_router("score")
_SCORES: Final = described("Scores.", {"type": "object", "required": ["proxies", "nets"]})


@router.post("/v1/score", responses={**_SCORES, **accepted(), **problems(409, 413, 415, 422, 500)})
async def score(body: ScoreBody, request: Request, key: Key = None) -> Response:
    """Scores of architectures by zero-cost proxies, higher is better: at once where a table has them, else a job."""
    try:
        return tagged(request, await service_of(request).compute(_known, body))
    except AbsentError:
        return await service_of(request).in_thread(partial(_as_job, body, request, key=key))


def _known(body: ScoreBody) -> bytes:
    asked = asdict(body)
    names = ("architectures", "space", "dataset", "proxies", "fresh")
    settings = ScoreSettings(seed=body.seed, batch_size=body.batch_size, compute=False)
    return plain_json(ask(**{name: asked[name] for name in names}, settings=settings).to_dict())


def _as_job(body: ScoreBody, request: Request, *, key: str | None) -> Response:
    tables = not body.fresh or any(isinstance(get_scorer(name), Combination) for name in body.proxies or ())
    world = world_of_scores(get_space(body.space).name, tables=tables)
    asked = Asked(kind="score", request=asdict(body), again=world, anew=body.fresh)
    return answer_job(request, asked, key=key, at_once=False)


@router.post("/v1/score/tables", responses={**_SCORES, **accepted(), **problems(409, 413, 415, 422, 500)})
def score_table(body: TableBody, request: Request, key: Key = None) -> Response:
    """Scores of every distinct network of a space, or of a sample; a job that goes on where it was interrupted."""
    check_scoring(body)
    world = world_of_scores(get_space(body.space).name, tables=False)
    asked = Asked(kind="score-table", request=asdict(body), again=world)
    return answer_job(request, asked, key=key, at_once=False)
