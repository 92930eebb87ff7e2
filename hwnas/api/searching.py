"""A search for each proxy of a question: what it looked at, and what that scored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol, final, runtime_checkable

import numpy as np

from hwnas.api.question import EVALUATIONS
from hwnas.api.score_forms import ScoreSettings
from hwnas.api.scores_on_demand import Scores, Scoring
from hwnas.arrays import Array, Float, Integer
from hwnas.pareto import feasible
from hwnas.proxies.kept_pool import keep_pool
from hwnas.search import Generation, Limits, Problem, RandomSearch, Run, SearchSettings, make_search, run_search
from hwnas.spaces import Space

Costs = Callable[[Integer[Array, "n v"]], Float[Array, "n m"]]
PATIENCE: Final = 15  # generations of 20


Progress = Callable[[str, Generation | Scoring], None]


@runtime_checkable
class TellsCosts(Protocol):
    """A `Progress` that also wants to hear of costs that are computed network by network before anything else."""

    def costs(self, cost: str, known: int, networks: int) -> None:
        """cost: its name, such as `peak_memory_bytes`. known: how many of the networks have theirs."""


@final
@dataclass(frozen=True, kw_only=True)
class SearchOptions:
    """How a space is searched.

    method: one of `hwnas.search.SEARCHES`. evaluations: networks that each search looks at, at most; it ends earlier
    where its front stands still for `patience` generations; None: never.
    scoring: images, seed, executor and workers of scores that are computed on the way.
    """

    method: str
    evaluations: int = EVALUATIONS
    patience: int | None = PATIENCE
    seed: int = 0
    raw: bool = False
    scoring: ScoreSettings


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Searched:
    """What one search looked at: architectures in that order, their scores, and why it ended.

    over: how many of them break a bound; they have no score, as none was asked for.
    """

    vectors: Integer[Array, "n v"]
    scores: Float[Array, " n"]
    ended: str
    over: int = 0


def search_each(
    space: Space,
    costs: Costs,
    bounds: tuple[float | None, ...],
    scorers: Mapping[str, Scores],
    options: SearchOptions,
    *,
    progress: Progress = lambda _name, _generation: None,
) -> dict[str, Searched]:
    """One search for each scorer, for few costs and a high score, all with the same seed and number of evaluations.

    costs: of architectures, called once for a generation, before their scores: where a bound is broken, or a cost is
    not known, no score is asked for. Scores that are minus infinity are worth less than any other.
    """
    with keep_pool():
        return {
            name: _search(space, costs, bounds, scores, options, progress=lambda at, name=name: progress(name, at))  # type: ignore[misc]
            for name, scores in scorers.items()
        }


def random_sample(space: Space, options: SearchOptions) -> Integer[Array, "n v"]:
    """What a search by chance looks at: the baseline `random`."""
    settings = SearchSettings(seed=options.seed, raw=options.raw)
    return RandomSearch(space, settings).ask(options.evaluations)


def _search(
    space: Space,
    costs: Costs,
    bounds: tuple[float | None, ...],
    scores: Scores,
    options: SearchOptions,
    *,
    progress: Callable[[Generation], None],
) -> Searched:
    found: list[Float[Array, " n"]] = []

    def evaluate(vectors: Integer[Array, "n v"]) -> Float[Array, "n m"]:
        cost, latest = costs(vectors), np.full(len(vectors), np.nan)
        within = feasible(cost, bounds)
        if within.any():
            latest[within] = scores(vectors[within])
        found.append(latest)
        return np.column_stack([cost, -latest])

    settings = SearchSettings(seed=options.seed, raw=options.raw, bounds=(*bounds, None))
    run: Run = run_search(
        make_search(options.method, space, settings),
        Problem(space=space, bounds=(*bounds, None), evaluate=evaluate),
        Limits(evaluations=options.evaluations, patience=options.patience),
        progress=progress,
    )
    over = int(((run.violations > 0) & np.isfinite(run.violations)).sum())
    return Searched(vectors=run.vectors, scores=np.concatenate(found), ended=run.ended, over=over)
