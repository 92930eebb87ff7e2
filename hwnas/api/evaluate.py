"""How well proxies order the architectures of spaces whose true accuracies are known."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np

from hwnas import data, metrics, rankings
from hwnas.api.accuracy import known_networks, true_accuracy
from hwnas.api.columns import ScoreColumn, components_of
from hwnas.api.evaluate_forms import EvaluateResult, OverTasks, ProxyFigures, TaskFigures
from hwnas.api.scored_columns import scored_columns
from hwnas.arrays import Array, Bool, Float, Integer
from hwnas.errors import AbsentError, UnknownNameError, UsageError
from hwnas.proxies import COUNTS
from hwnas.proxies.combinations import get_scorer
from hwnas.proxies.table import tables_of
from hwnas.spaces import Space, get_space, known_spaces

LEAST_NETS: Final = 10
LOSSES: Final = tuple(round(0.02 * step, 2) for step in range(26))


def evaluate(
    *,
    space: str | Sequence[str] = "nasbench201",
    dataset: str | Sequence[str] = (),
    proxies: str | Sequence[str] = (),
    distinct: bool = False,
) -> EvaluateResult:
    """Figures of `proxies`, one or several names, by default of every one that is scored, beside the baselines.

    space, dataset: one or several names; "all" spaces are those with scores and true accuracies at hand, and without
    data sets those of a space for which both are. Of several spaces, those that have none of the data sets, or no
    scores on them, are left out. Architecture by architecture, as papers do; distinct: each network once, with the mean
    accuracy of its twins. Raises `AbsentError` where true accuracies or scores are missing or all are undefined,
    `DataError` for damaged tables, `UnknownNameError`.
    """
    spaces = [get_space(name) for name in _names(space)] if space != "all" else list(known_spaces().values())
    asked = _datasets(spaces, _names(dataset))
    absent: list[AbsentError] = []
    tasks = []
    for its_space, name in asked:
        try:
            tasks.append(_task(its_space, name, _names(proxies), distinct=distinct))
        except AbsentError as error:
            if dataset and len(spaces) == 1:
                raise
            absent.append(error)
    if not tasks and len(spaces) == 1:
        raise absent[0]
    if not tasks:
        raise AbsentError(
            "expected spaces with scores and true accuracies, got none; `hwnas data pull` brings accuracies and "
            "`hwnas score --all --space S` makes scores"
        )
    return EvaluateResult(tasks=tuple(tasks), over_tasks=over_tasks(tasks) if len(tasks) > 1 else None)


def over_tasks(tasks: Sequence[TaskFigures]) -> OverTasks:
    """Mean ranks and performance profile of the proxies that every task has figures of."""
    names = [f.name for f in tasks[0].proxies if all(_spearman(task, f.name) is not None for task in tasks)]
    figures = np.array([[_spearman(task, name) for name in names] for task in tasks], dtype=np.float64)
    return OverTasks(
        tasks=tuple(task.name for task in tasks),
        proxies=tuple(names),
        mean_rank=tuple(rankings.mean_ranks(figures).tolist()),
        losses=LOSSES,
        profile=tuple(map(tuple, rankings.performance_profile(figures, np.array(LOSSES)).tolist())),
    )


def _spearman(task: TaskFigures, proxy: str) -> float | None:
    figures = task.of(proxy)
    return None if figures is None or math.isnan(figures.spearman) else figures.spearman


def _names(names: str | Sequence[str]) -> list[str]:
    return [names] if isinstance(names, str) else list(names)


def _datasets(spaces: Sequence[Space], names: Sequence[str]) -> list[tuple[Space, str]]:
    """Data sets called `names`, or all, of the spaces that have them. Raises `UnknownNameError` where none does."""
    asked = []
    for name in names:
        having = [space for space in spaces if name.lower() in map(str.lower, space.datasets)]
        if not having:
            raise UnknownNameError("data set", name, {known for space in spaces for known in space.datasets})
        asked += [(space, space.dataset(name)) for space in having]
    return asked if names else [(space, name) for space in spaces for name in space.datasets]


def _task(space: Space, dataset: str, proxies: Sequence[str], *, distinct: bool) -> TaskFigures:
    """Figures on one data set. Raises `AbsentError` without accuracies, and without scores but counts."""
    accuracy = true_accuracy(space, dataset)
    if accuracy.percent is None:
        raise AbsentError(f"expected true accuracies of {space.name} to evaluate proxies with; {accuracy.source}")
    if distinct:
        vectors, percent = known_networks(space, accuracy)
    else:
        known = ~np.isnan(accuracy.percent)
        vectors, percent = accuracy.architectures(space)[known], accuracy.percent[known]
    columns = _enough(_columns(space, dataset, proxies, vectors), asked=bool(proxies))
    if not proxies and all(column.name in COUNTS for column in columns):
        raise AbsentError(
            f"expected scores of {space.name} on {dataset}, got none but counts; "
            f"run `hwnas score --all --space {space.name} --dataset {dataset}`"
        )
    published = _published().get(space.name, {}).get(dataset, {})
    neighbours = neighbour_rows(space, vectors)
    baselines = {column.name: column.scores for column in columns if column.role == "baseline"}
    figures = [
        proxy_figures(column, percent, neighbours=neighbours, published=published.get(column.name), baselines=baselines)
        for column in columns
    ]
    scores = np.stack([column.scores for column in columns], axis=1)
    common = ~np.isnan(scores).any(axis=1)
    enough = common.sum() >= LEAST_NETS
    nothing = np.full((len(columns), len(columns)), np.nan)
    return TaskFigures(
        space=space.name,
        dataset=dataset,
        accuracy_source=accuracy.source,
        best_percent=float(percent.max()),
        proxies=tuple(figures),
        correlations=rankings.correlations(scores[common]) if enough else nothing,
        compared=int(common.sum()),
    )


def _columns(space: Space, dataset: str, proxies: Sequence[str], vectors: Integer[Array, "n v"]) -> list[ScoreColumn]:
    """As `scored_columns`, but of a proxy that is computed and nowhere defined the error says so."""
    try:
        return scored_columns(space, dataset, proxies, vectors=vectors)
    except AbsentError:
        ids, tables = space.network_id(vectors), tables_of(space.name, dataset)
        for name in (part for proxy in proxies for part in components_of(get_scorer(proxy))):
            having = [table for table in tables if name in table.proxies]
            computed = max((int(table.scored(name, ids).sum()) for table in having), default=0)
            if computed and all(np.isnan(table.column(name, ids)).all() for table in having):
                raise AbsentError(
                    f"expected scores by proxy {name!r} of {space.name} on {dataset}, got undefined ones (NaN) for "
                    f"all {computed:,} nets that it was computed for; mend it, or leave it out"
                ) from None
        raise


def _enough(columns: list[ScoreColumn], *, asked: bool) -> list[ScoreColumn]:
    """Those with scores of enough nets; asked: one that has too few raises `AbsentError`."""
    scored = {column.name: int((~np.isnan(column.scores)).sum()) for column in columns}
    few = [name for name, nets in scored.items() if nets < LEAST_NETS]
    if few and asked:
        raise AbsentError(
            f"expected at least {LEAST_NETS} nets with known accuracy that {few[0]!r} scores, got {scored[few[0]]}; "
            "score more by `hwnas score --all`"
        )
    return [column for column in columns if column.name not in few]


def neighbour_rows(space: Space, vectors: Integer[Array, "n v"]) -> Integer[Array, "n k"] | None:
    """For each architecture the rows of those that differ in one position, -1 where such a one is not among them.

    None for spaces beyond 2^63 architectures, for those of one position, where every net is beside every other, and
    where fewer than half of the neighbours are there.
    """
    if space.size >= 2**63 or len(space.choices) == 1:
        return None
    vectors = vectors.astype(np.int64)  # a choice plus a step may be more than an int8 holds
    keys = space.key(vectors)
    order = np.argsort(keys)
    found = []
    for position, choices in enumerate(space.choices):
        for step in range(1, choices):
            changed = vectors.copy()
            changed[:, position] = (changed[:, position] + step) % choices
            wanted = space.key(changed)
            rows = order[np.searchsorted(keys[order], wanted).clip(max=len(keys) - 1)]
            found.append(np.where(keys[rows] == wanted, rows, -1))
    rows = np.stack(found, axis=1)
    return rows if (rows >= 0).mean() >= 0.5 else None


def proxy_figures(
    column: ScoreColumn,
    percent: Float[Array, " n"],
    *,
    neighbours: Integer[Array, "n k"] | None = None,
    published: float | None = None,
    baselines: Mapping[str, Float[Array, " n"]] = MappingProxyType({}),
) -> ProxyFigures:
    """Figures of one column of scores; nets without a score or an accuracy are left out and not counted in n.

    baselines: their scores by name, for figures over the same nets.
    """
    known = ~np.isnan(column.scores) & ~np.isnan(percent)
    if known.sum() < LEAST_NETS:
        raise UsageError(f"expected at least {LEAST_NETS} scored nets to evaluate {column.name!r}, got {known.sum()}")
    scores, truth = column.scores[known], percent[known]
    tenth, twentieth = rankings.top(truth, 10.0), rankings.top(truth, 5.0)
    near = (math.nan, math.nan)
    if neighbours is not None and known.all():
        near = rankings.best_neighbour(scores, truth, neighbours)
    beside = {
        name: correlation(metrics.spearman, values[known], truth, ~np.isnan(values[known]))
        for name, values in baselines.items()
    }
    return ProxyFigures(
        name=column.name,
        role=column.role,
        n=int(known.sum()),
        spearman=metrics.spearman(scores, truth),
        kendall=metrics.kendall(scores, truth),
        spearman_top10=correlation(metrics.spearman, scores, truth, tenth),
        kendall_top10=correlation(metrics.kendall, scores, truth, tenth),
        spearman_top5=correlation(metrics.spearman, scores, truth, twentieth),
        kendall_top5=correlation(metrics.kendall, scores, truth, twentieth),
        overlap_top10=rankings.top_overlap(scores, truth),
        hits_first64=rankings.hits(scores, truth) if len(truth) >= 64 * LEAST_NETS else math.nan,
        best_neighbour=near[0],
        best_neighbour_chance=near[1],
        picked_percent=rankings.best(scores, truth),
        published=math.nan if published is None else published,
        params_spearman=beside.get("params", math.nan),
        flops_spearman=beside.get("flops", math.nan),
        source=column.source,
        note="; ".join(filter(None, (column.note, "" if known.all() else _on_the_same(column, beside, len(truth))))),
    )


def _on_the_same(column: ScoreColumn, beside: Mapping[str, float], nets: int) -> str:
    """What baselines reach where a proxy scores a part of the nets, as rows beside are over others."""
    known = [f"{rho:.3f} by {name}" for name, rho in beside.items() if not math.isnan(rho) and name != column.name]
    return f"over the same {nets:,} nets rho is {' and '.join(known)}" if known else ""


def correlation(
    figure: Callable[..., float], scores: Float[Array, " n"], truth: Float[Array, " n"], among: Bool[Array, " n"]
) -> float:
    """A figure over some of the nets; NaN where they are too few."""
    return figure(scores[among], truth[among]) if among.sum() >= LEAST_NETS else math.nan


@cache
def _published() -> dict[str, dict[str, dict[str, float]]]:
    """Figures that papers report, by space, data set and proxy."""
    content = json.loads((Path(data.__file__).parent / "published_proxies.json").read_text(encoding="utf-8"))
    return {
        space: {name: value for name, value in facts.items() if name != "source"} for space, facts in content.items()
    }
