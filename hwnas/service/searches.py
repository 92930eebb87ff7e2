"""Questions of `POST /v1/pareto` that need a search: which they are, the job that answers one, and its front."""

from __future__ import annotations

from dataclasses import asdict
from functools import lru_cache

from hwnas.api.accuracy import true_accuracy
from hwnas.api.columns import AUTO
from hwnas.api.methods import EXHAUSTIVE, method_for
from hwnas.api.objectives import parse_word
from hwnas.api.studies import FilesKey, files_key
from hwnas.devices import get_device
from hwnas.service.errors import NotFoundError
from hwnas.service.forms import ParetoBody
from hwnas.service.job_results import result_file
from hwnas.service.store import Database
from hwnas.service.store.jobs import Asked, find_job
from hwnas.service.world import world_of_searches
from hwnas.spaces import get_space


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


def search_asked(body: ParetoBody) -> Asked:
    """The question of a job; it is another one after a device of it was adapted anew, or a table was pulled."""
    others = [word.device for word in map(parse_word, body.objectives) if word.device is not None]
    world = world_of_searches(get_space(body.space).name, [get_device(body.device).name, *others])
    return Asked(kind="pareto", request=asdict(body), again=world)


def searched_front(database: Database, asked: Asked, *, form: str) -> tuple[bytes, str]:
    """The front that a search found, as "json" or "csv", and its media type. Raises `NotFoundError`."""
    job = find_job(database, asked.id)
    if job is None:
        raise NotFoundError(
            "expected a search whose front is kept, got one that nobody asked for with the data that is there now, or "
            "that was pruned since; POST /v1/pareto asks for it"
        )
    if job.state != "done":
        raise NotFoundError(
            f"expected a search that is done, got one that is {job.state}; GET /v1/jobs/{job.id} says how far it is"
        )
    return result_file(database, job, form=form)
