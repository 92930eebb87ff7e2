"""Questions of `POST /v1/pareto` that are jobs: which they are, the job that answers one, its front and its columns.

They need a search, or costs that are computed network by network.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import lru_cache
from typing import Any

from hwnas.api.accuracy import true_accuracy
from hwnas.api.columns import AUTO
from hwnas.api.found_devices import find_device
from hwnas.api.methods import EXHAUSTIVE, method_for
from hwnas.api.objectives import parse_word
from hwnas.api.studies import FilesKey, files_key
from hwnas.results import thinned
from hwnas.service.errors import NotFoundError
from hwnas.service.forms import ParetoBody
from hwnas.service.job_results import result_file
from hwnas.service.long_costs import front_takes_long
from hwnas.service.store import Database, Job
from hwnas.service.store.jobs import Asked, find_job
from hwnas.service.store.parts import get_part
from hwnas.service.world import world_of_searches
from hwnas.spaces import get_space


def is_job(body: ParetoBody) -> bool:
    """Whether a question takes longer than a moment. Raises what `needs_search` and `front_takes_long` do."""
    return needs_search(body) or front_takes_long(body)


def needs_search(body: ParetoBody) -> bool:
    """Whether no list of all networks answers the question. Raises `UnknownNameError`, and `UsageError` where all are
    asked for and there is no list."""
    space = get_space(body.space)
    if body.method not in (AUTO, EXHAUSTIVE):
        return True
    return not space.enumerable and _method(body.method, space.name, space.dataset(body.dataset), files_key()) != (
        EXHAUSTIVE
    )


@lru_cache(maxsize=64)
def _method(asked: str, space: str, dataset: str, _files: FilesKey) -> str:
    """Kept as long as the files are the same: known accuracies of a space that has no list come from a table."""
    found = get_space(space)
    return method_for(asked, found, true_accuracy(found, dataset))


def front_asked(body: ParetoBody) -> Asked:
    """The question of a job; it is another one after a device of it was adapted anew, or a table was pulled."""
    others = [word.device for word in map(parse_word, body.objectives) if word.device is not None]
    world = world_of_searches(get_space(body.space).name, [find_device(body.device).name, *others])
    return Asked(kind="pareto", request=asdict(body), again=world)


def found_front(database: Database, asked: Asked, *, form: str) -> tuple[bytes, str]:
    """The front that a job found, as "json" or "csv", and its media type. Raises `NotFoundError`."""
    return result_file(database, _done(database, asked), form=form)


def found_candidates(database: Database, asked: Asked, *, most: int) -> dict[str, Any]:
    """Columns over what a job looked at, as `Front.candidates` gives them. Raises `NotFoundError`."""
    content = get_part(database, _done(database, asked).id, "candidates")
    if content is None:
        raise NotFoundError(
            "expected a job whose columns are kept, got one of an earlier version, or one that was pruned; "
            "GET /v1/fronts/{id} has the networks that it lists"
        )
    return thinned(json.loads(content), most=most)


def _done(database: Database, asked: Asked) -> Job:
    job = find_job(database, asked.id)
    if job is None:
        raise NotFoundError(
            "expected a job whose front is kept, got one that nobody asked for with the data that is there now, or "
            "that was pruned since; POST /v1/pareto asks for it"
        )
    if job.state != "done":
        raise NotFoundError(
            f"expected a job that is done, got one that is {job.state}; GET /v1/jobs/{job.id} says how far it is"
        )
    return job
