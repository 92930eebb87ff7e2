"""How the architectures of a question are found: all of them looked up, or some of them by a search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, final

import numpy as np

from hwnas.api.accuracy import Accuracy
from hwnas.api.columns import AUTO, COUNTED, ScoreColumn, has_tables, score_columns, stands_in
from hwnas.api.objectives import AxisMaker, Word
from hwnas.api.question import EVALUATIONS, Question
from hwnas.api.score_forms import ScoreSettings
from hwnas.api.scored_columns import is_scored, scored_columns
from hwnas.api.scores_on_demand import (
    only_evaluated,
    scorers_of,
    scores_on_demand,
    table_column,
)
from hwnas.api.searching import Progress, Searched, SearchOptions, random_sample, search_each
from hwnas.arrays import Array, Float, Integer
from hwnas.errors import UnknownNameError, UsageError
from hwnas.pareto import bounds_of
from hwnas.proxies.combinations import get_scorer
from hwnas.search import SEARCHES
from hwnas.spaces import Space

EXHAUSTIVE: Final = "exhaustive"
_SEARCH: Final = "nsga2"  # what "auto" takes where not all can be looked at
_RANDOM_SOURCE: Final = "uniform random scores"


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Found:
    """Architectures, as those of an `AxisMaker`, with a column for each proxy and baseline, and what to say of them."""

    maker: AxisMaker
    columns: Sequence[ScoreColumn]
    notes: Sequence[str] = ()


def method_for(asked: str, space: Space, accuracy: Accuracy) -> str:
    """The method that is meant: "auto" looks at all networks where they, or those of known accuracy, can be listed.

    Raises `UnknownNameError` for another method, `UsageError` for "exhaustive" where nothing can be listed.
    """
    if asked not in (AUTO, EXHAUSTIVE, *SEARCHES):
        raise UnknownNameError("method", asked, (AUTO, EXHAUSTIVE, *SEARCHES))
    listed = space.enumerable or accuracy.vectors is not None
    if asked == EXHAUSTIVE and not listed:
        raise UsageError(
            f"expected a space whose networks can all be looked at, got {space.name} with {space.size:.1e}; search it, "
            f"for example by method {_SEARCH!r}"
        )
    return asked if asked != AUTO else EXHAUSTIVE if listed else _SEARCH


def look_up(question: Question, maker: AxisMaker) -> Found:
    """Scores of all architectures of the maker, from tables and counts."""
    space, dataset, vectors = maker.space, maker.dataset, maker.vectors
    asked = (AUTO,) if question.proxies is None else question.proxies
    if space.enumerable:
        ids = space.network_id(vectors)
        columns = score_columns(space, dataset, asked, vectors=vectors, network_ids=ids)
        return Found(maker=maker, columns=columns, notes=_without_search(question))
    scorers = {scorer.name: scorer for scorer in map(get_scorer, asked)}
    # A list from the few networks of a sample would say nothing of all others.
    if AUTO not in scorers or is_scored(space, dataset, scorers[AUTO], vectors=vectors):
        return Found(maker=maker, columns=scored_columns(space, dataset, asked, vectors=vectors))
    names = [COUNTED, *(name for name in scorers if name != AUTO)]
    columns = scored_columns(space, dataset, names, vectors=vectors)
    columns[0] = replace(columns[0], role="proxy")
    return Found(maker=maker, columns=columns, notes=(stands_in(COUNTED, space, dataset),))


def _without_search(question: Question) -> tuple[str, ...]:
    if question.evaluations == EVALUATIONS:
        return ()
    return ("all networks are looked up: evaluations have a part in searches alone, as with the method nsga2",)


def search(question: Question, maker: AxisMaker, words: Sequence[Word], method: str, progress: Progress) -> Found:
    """What a search for each proxy and baseline looked at, and as many architectures by chance."""
    if not maker.space.enumerable and maker.source == "auto":
        maker = replace(maker, source="predicted")  # a table of some networks knows nothing of all others
    scoring = ScoreSettings(executor=question.executor, workers=question.workers)
    options = SearchOptions(
        method=method, evaluations=question.evaluations, seed=question.seed, raw=question.raw, scoring=scoring
    )
    if maker.space.enumerable:
        return _among_all(question, maker, words, options, progress)
    return _beyond_lists(question, maker, words, options, progress)


def _among_all(
    question: Question, maker: AxisMaker, words: Sequence[Word], options: SearchOptions, progress: Progress
) -> Found:
    """A search in an enumerable space: scores are in tables, or computed as architectures come up where they were asked
    for and no table has them; a column keeps what its search looked at."""
    space, dataset = maker.space, maker.dataset
    axes = [maker.axis(word) for word in words]
    costs = np.stack([axis.selection for axis in axes], axis=1)
    bounds = bounds_of([axis.objective for axis in axes])
    asked = {scorer.name: scorer for scorer in map(get_scorer, question.proxies or ())}
    made = {
        name: scores_on_demand(space, dataset, scorer, options.scoring, told=partial(progress, name))
        for name, scorer in asked.items()
        if not has_tables(space, dataset, scorer)
    }
    tabled = [name for name in asked if name not in made] if asked else [AUTO]
    ids = space.network_id(maker.vectors)
    columns = score_columns(space, dataset, tabled, vectors=maker.vectors, network_ids=ids)
    scorers = {name: scores for name, (scores, _) in made.items()}
    scorers |= {column.name: table_column(column, space) for column in columns}
    found = search_each(space, lambda rows: costs[space.index(rows)], bounds, scorers, options, progress=progress)
    searched = [
        _column(space, maker.vectors, found[name], name=name, role="proxy", source=source)
        for name, (_, source) in made.items()
    ]
    searched += [only_evaluated(column, space.index(found[column.name].vectors)) for column in columns]
    by_chance = space.index(random_sample(space, options))
    scores = np.random.default_rng(question.seed).random(len(maker.vectors))
    random = ScoreColumn(name="random", role="baseline", scores=scores, source=_RANDOM_SOURCE)
    return Found(maker=maker, columns=[*searched, only_evaluated(random, by_chance)], notes=_notes(found, options))


def _beyond_lists(
    question: Question, maker: AxisMaker, words: Sequence[Word], options: SearchOptions, progress: Progress
) -> Found:
    """A search where nothing is listed: costs are predicted and scores computed as architectures come up."""
    space, dataset = maker.space, maker.dataset
    proxies, note = scorers_of(space, dataset, question.proxies)
    made = {
        scorer.name: scores_on_demand(space, dataset, scorer, options.scoring, told=partial(progress, scorer.name))
        for scorer, _ in proxies
    }
    bounds = tuple(word.bound for word in words)

    def costs(vectors: Integer[Array, "n v"]) -> Float[Array, "n m"]:
        at = replace(maker, vectors=vectors)
        return np.stack([at.axis(word).selection for word in words], axis=1)

    scorers = {name: scores for name, (scores, _) in made.items()}
    found = search_each(space, costs, bounds, scorers, options, progress=progress)
    by_chance = random_sample(space, options)
    vectors = _union(space, [*(one.vectors for one in found.values()), by_chance])
    columns = [
        _column(space, vectors, found[scorer.name], name=scorer.name, role=role, source=made[scorer.name][1])
        for scorer, role in proxies
    ]
    scores = np.random.default_rng(question.seed).random(len(by_chance))
    random = Searched(vectors=by_chance, scores=scores, ended="evaluations")
    columns.append(_column(space, vectors, random, name="random", role="baseline", source=_RANDOM_SOURCE))
    notes = [note] if note else []
    return Found(maker=replace(maker, vectors=vectors), columns=columns, notes=(*notes, *_notes(found, options)))


def _column(
    space: Space, vectors: Integer[Array, "n v"], found: Searched, *, name: str, role: str, source: str
) -> ScoreColumn:
    """Scores in the rows of `vectors` that one search looked at, NaN in all others."""
    keys = space.key(vectors)
    order = np.argsort(keys)
    rows = order[np.searchsorted(keys[order], space.key(found.vectors))]
    scores = np.full(len(vectors), np.nan)
    scores[rows] = found.scores
    return ScoreColumn(
        name=name,
        role="proxy" if role == "proxy" else "baseline",
        scores=scores,
        source=source,
        evaluations=len(found.vectors),
    )


def _union(space: Space, parts: Sequence[Integer[Array, "k v"]]) -> Integer[Array, "n v"]:
    """Each architecture once, in the order in which they come up."""
    rows = np.concatenate(parts)
    _, first = np.unique(space.key(rows), return_index=True)
    return np.asarray(rows[np.sort(first)])


def _notes(found: dict[str, Searched], options: SearchOptions) -> tuple[str, ...]:
    early = [f"{name} after {len(one.vectors):,}" for name, one in found.items() if one.ended == "patience"]
    looked = f"found by {options.method}, which looked at no more than {options.evaluations:,} networks for each proxy"
    over = [f"{name} {one.over:,}" for name, one in found.items() if one.over]
    return (
        looked,
        *([f"networks beyond a budget were looked at without a score: {', '.join(over)}"] if over else []),
        *([f"searches whose front stood still ended early: {', '.join(early)}"] if early else []),
    )
