"""The fronts of a question that needs a search, one generation a step, or whose costs are computed one by one."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import final

from hwnas.api.columns import AUTO
from hwnas.api.pareto import pareto
from hwnas.api.scores_on_demand import Scoring
from hwnas.folders import cache_folder, write_whole
from hwnas.proxies import BASELINES
from hwnas.proxies.combinations import get_scorer
from hwnas.results import ParetoResult
from hwnas.search import Generation
from hwnas.service.forms import ParetoBody
from hwnas.service.fronts import MOST_CANDIDATES, Front, front_id
from hwnas.service.searches import needs_search
from hwnas.service.tasks.task import Made, Work
from hwnas.spaces import get_space

SCORES = "searches"  # the folder of a cache where a search keeps the scores that it computed


def run(work: Work) -> Made:
    """Ask the API. A search that is begun again asks for the same networks in the same order, finds the scores that it
    had in the checkpoint, and ends with the front of a search without a break."""
    body = ParetoBody(**work.request)
    if not needs_search(body):
        return _made(body, pareto(body.device, body.question(), progress=_Costs(work)))
    total = body.evaluations * _searches(body)
    reached: dict[str, int] = {}
    with _own_cache(work.folder / "cache", work.checkpoint) as scores:

        def step(name: str, at: Generation | Scoring) -> None:
            work.save(lambda: _packed(scores))
            reached[name] = at.evaluations if isinstance(at, Generation) else reached.get(name, 0)
            work.progress((len(reached) - 1) * body.evaluations + reached[name], total)  # those before have ended

        work.progress(0, total)
        result = pareto(body.device, body.question(), progress=step)
    work.progress(total, total)
    return _made(body, result)


@final
class _Costs:
    """Tells of costs that are computed network by network; of searches there are none."""

    def __init__(self, work: Work) -> None:
        self._progress = work.progress

    def __call__(self, _name: str, _at: Generation | Scoring) -> None:
        """Nothing."""

    def costs(self, _cost: str, known: int, networks: int) -> None:
        """How many networks have theirs."""
        self._progress(known, networks)


def _made(body: ParetoBody, result: ParetoResult) -> Made:
    front = Front(id=front_id(body), result=result)
    return Made(result=front.to_dict(), candidates=front.candidates(MOST_CANDIDATES))


def _searches(body: ParetoBody) -> int:
    """One for each proxy and each baseline; without a proxy one of these stands in for `auto` where no table is."""
    default = (AUTO,) if get_space(body.space).enumerable else ()
    return len({get_scorer(name).name for name in body.proxies or default} | set(BASELINES))


@contextmanager
def _own_cache(own: Path, checkpoint: bytes | None) -> Iterator[Path]:
    """The cache as it is, but for a folder of scores that only this job writes: jobs beside it would have to wait.

    The folder begins with what the cache and the checkpoint have; what it has in the end goes into the cache.
    """
    shared, before = cache_folder(), os.environ.get("HWNAS_DATA")
    scores = own / SCORES
    scores.mkdir(parents=True)
    for entry in shared.iterdir() if shared.is_dir() else ():
        if entry.name != SCORES:
            (own / entry.name).symlink_to(entry.resolve())
    found = _contents(shared / SCORES) | _unpacked(checkpoint)
    for name, content in found.items():
        (scores / name).write_bytes(content)
    os.environ["HWNAS_DATA"] = str(own)
    try:
        yield scores
    finally:
        if before is None:
            del os.environ["HWNAS_DATA"]
        else:
            os.environ["HWNAS_DATA"] = before
    for name, content in _contents(scores).items():
        if content != found.get(name):
            write_whole(shared / SCORES / name, content)


def _contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.npz"))}


def _packed(scores: Path) -> bytes:
    return json.dumps({name: base64.b64encode(found).decode() for name, found in _contents(scores).items()}).encode()


def _unpacked(checkpoint: bytes | None) -> dict[str, bytes]:
    packed: dict[str, str] = json.loads(checkpoint) if checkpoint else {}
    return {name: base64.b64decode(found) for name, found in packed.items()}
