"""`POST /v1/score` and `/v1/score/tables`: proxy scores of networks, or of a whole space."""

from __future__ import annotations

from dataclasses import asdict
from typing import Final

from fastapi import APIRouter, Request, Response

from hwnas.api.score import score as ask
from hwnas.api.score_forms import ScoreSettings
from hwnas.errors import AbsentError
from hwnas.service.answers import described, plain_json, problems, tagged
from hwnas.service.checks import check_scoring
from hwnas.service.forms import ScoreBody, TableBody
from hwnas.service.store.jobs import Asked
from hwnas.service.submitting import Key, accepted, answer_job

router: Final = APIRouter(tags=["score"])
_SCORES: Final = described("Scores.", {"type": "object", "required": ["proxies", "nets"]})


@router.post("/v1/score", responses={**_SCORES, **accepted(), **problems(409, 413, 415, 422, 500)})
def score(body: ScoreBody, request: Request, key: Key = None) -> Response:
    """Scores of architectures by zero-cost proxies, higher is better: at once where a table has them, else a job."""
    asked = asdict(body)
    names = ("architectures", "space", "dataset", "proxies", "fresh")
    settings = ScoreSettings(seed=body.seed, batch_size=body.batch_size, compute=False)
    try:
        return tagged(request, plain_json(ask(**{name: asked[name] for name in names}, settings=settings).to_dict()))
    except AbsentError:
        return answer_job(request, Asked(kind="score", request=asked), key=key, at_once=False)


@router.post("/v1/score/tables", responses={**_SCORES, **accepted(), **problems(409, 413, 415, 422, 500)})
def score_table(body: TableBody, request: Request, key: Key = None) -> Response:
    """Scores of every distinct network of a space, or of a sample; a job that goes on where it was interrupted."""
    check_scoring(body)
    return answer_job(request, Asked(kind="score-table", request=asdict(body)), key=key, at_once=False)
