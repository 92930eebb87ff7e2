"""Everything that the fronts of one question are read from: columns over all architectures of a space."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import final

import numpy as np

from hwnas.api.accuracy import Accuracy, true_accuracy
from hwnas.api.columns import ScoreColumn
from hwnas.api.methods import EXHAUSTIVE, look_up, method_for, search
from hwnas.api.objectives import AxisMaker, CostAxis, several_devices
from hwnas.api.question import Question, known_costs
from hwnas.api.searching import Progress
from hwnas.arrays import Array, Bool, Float, Integer
from hwnas.devices import Device
from hwnas.errors import DataError, InfeasibleError, UsageError
from hwnas.pareto import Truth, bounds_of, closest_to_feasible, feasible, ground_truth
from hwnas.spaces import Space


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Study:
    """Columns over n architectures: all of a space, row i being the one with index i, or those that were looked at.

    method: "exhaustive", or the search that found the architectures. complete: whether they are all there are, of the
    space or of those whose accuracy is known: only then is there a front of all of them to compare with.
    axes: the objectives, by whose `selection` nets are chosen. judges: the same costs from the best source there is,
    by which lists are judged: other than `axes` only where predictions were asked for and a table is present.
    others: costs of the device that are listed beside; missing: why one of those is not there.
    """

    question: Question
    space: Space
    dataset: str
    device: Device
    vectors: Integer[Array, "n v"]
    network_ids: Integer[Array, " n"]
    axes: Sequence[CostAxis]
    judges: Sequence[CostAxis]
    others: Sequence[CostAxis]
    missing: Sequence[str]
    accuracy: Accuracy
    columns: Sequence[ScoreColumn]
    method: str = EXHAUSTIVE
    complete: bool = True

    @cached_property
    def costs(self) -> Float[Array, "n m"]:
        """What nets are chosen by."""
        return np.stack([axis.selection for axis in self.axes], axis=1)

    @cached_property
    def bounds(self) -> tuple[float | None, ...]:
        """The budget of each axis."""
        return bounds_of([axis.objective for axis in self.axes])

    @cached_property
    def groups(self) -> Integer[Array, " n"] | None:
        """Ids of networks, which isomorphic ones share, where each is listed once; None where each architecture is."""
        return None if self.question.raw else self.space.canonical_id(self.network_ids)

    @cached_property
    def feasible(self) -> Bool[Array, " n"]:
        """Which nets meet all budgets."""
        return feasible(self.costs, self.bounds)

    @cached_property
    def judged_apart(self) -> bool:
        """Whether lists are chosen by predicted costs and judged by measured ones."""
        return any(judge is not axis for judge, axis in zip(self.judges, self.axes, strict=True))

    @cached_property
    def truth(self) -> Truth | None:
        """What lists are compared with; None where no accuracy is known, or not all architectures are there."""
        percent = self.accuracy.of_all(self.space) if self.space.enumerable else self.accuracy.percent
        if percent is None or not self.complete:
            return None
        judged_by = np.stack([axis.selection for axis in self.judges], axis=1)
        return ground_truth(judged_by, percent, bounds=self.bounds, groups=self.groups)

    def require_feasible(self) -> None:
        """Raise `InfeasibleError` with the closest net and its costs where none meets the budgets."""
        if self.feasible.any():
            return
        objectives = [axis.objective for axis in self.axes]
        closest = closest_to_feasible(self.costs, self.bounds)
        if closest is None:
            raise InfeasibleError(
                f"no net of {self.space.name} has a value for each of {', '.join(o.id for o in objectives)}"
            )
        arch = self.space.strings(self.vectors[[closest]])[0]
        bounded = [(o, o.bound, cost) for o, cost in zip(objectives, self.costs[closest], strict=True) if o.bound]
        budgets = " and ".join(f"{o.id} <= {bound:g} {o.unit}" for o, bound, _ in bounded)
        needs = " and ".join(f"{_rounded_up(cost):g} {o.unit}" for o, _, cost in bounded)
        at = "" if self.question.confidence is None else f" at confidence {self.question.confidence:g}"
        which = "cheapest" if len(bounded) == 1 else "closest"
        raise InfeasibleError(
            f"no net of {self.space.name} on {self.dataset}{_among(self)} meets {budgets}{at}; the {which} is "
            f"{arch}{f' (index {closest})' if self.space.enumerable else ''}, which needs {needs}: raise the budget to "
            "at least that"
        )


def make_study(
    question: Question, space: Space, device: Device, *, progress: Progress = lambda _name, _generation: None
) -> Study:
    """Look up all columns, or search for what can be looked up.

    progress: called with the name of a proxy and where its search stands.
    Raises `UnknownNameError`, `UsageError`, `DataError` and `InfeasibleError`.
    """
    study = gather(question, space, device, progress=progress)
    study.require_feasible()
    return study


def gather(
    question: Question, space: Space, device: Device, *, progress: Progress = lambda _name, _generation: None
) -> Study:
    """As `make_study`, whether or not a net meets the budgets."""
    dataset = space.dataset(question.dataset)
    accuracy = true_accuracy(space, dataset)
    method = method_for(question.method, space, accuracy)
    if not space.enumerable and (question.accuracies is not None or question.truths is not None):
        raise UsageError(
            f"expected a space that can be enumerated to learn accuracies in, got {space.name}; leave out accuracies "
            "and truths, or take another space"
        )
    words = question.words(device, space, dataset)
    maker = AxisMaker(
        device=device,
        space=space,
        vectors=space.all_vectors() if space.enumerable else space.sample(1, seed=0)[:0],
        dataset=dataset,
        source=question.source,
        confidence=question.confidence,
        named=several_devices(words, device),
    )
    if method == EXHAUSTIVE and not space.enumerable:
        maker = replace(maker, vectors=accuracy.architectures(space))
    found = look_up(question, maker) if method == EXHAUSTIVE else search(question, maker, words, method, progress)
    maker = found.maker
    axes = [maker.axis(word) for word in words]
    _require_distinct(axes)
    others, missing = _other_costs(maker, axes)
    complete = method == EXHAUSTIVE or space.enumerable
    return Study(
        question=question,
        space=space,
        dataset=dataset,
        device=device,
        vectors=maker.vectors,
        network_ids=space.network_id(maker.vectors),
        axes=axes,
        judges=[maker.best_known(axis, word) for axis, word in zip(axes, words, strict=True)] if complete else axes,
        others=others,
        missing=[*found.notes, *missing],
        accuracy=accuracy,
        columns=found.columns,
        method=method,
        complete=complete,
    )


def _among(study: Study) -> str:
    return "" if study.complete else f" out of {len(study.vectors):,} that were looked at"


def _require_distinct(axes: Sequence[CostAxis]) -> None:
    ids = [axis.objective.id for axis in axes]
    repeated = [name for name in ids if ids.count(name) > 1]
    if repeated:
        raise UsageError(f"expected each objective once, got {repeated[0]!r} twice; drop one")


def _other_costs(maker: AxisMaker, axes: Sequence[CostAxis]) -> tuple[list[CostAxis], list[str]]:
    """Energy or latency of the device that is no objective but good to know, and why one of them is not there."""
    taken = {axis.objective.id for axis in axes}
    others, missing = [], []
    for word in known_costs(maker.device, maker.space, maker.dataset):
        try:
            axis = maker.axis(word)
        except (DataError, UsageError) as error:  # nobody asked for it: no reason to answer nothing
            if not any(name.startswith(word.name) for name in taken):
                missing.append(f"{word.name} is not listed: {error}")
            continue
        if axis.objective.id not in taken:
            others.append(axis)
    return others, missing


def _rounded_up(cost: float) -> float:
    """Four significant digits, such that the net is within a budget of the number that is named."""
    step = 10.0 ** (math.floor(math.log10(cost)) - 3)
    return float(math.ceil(cost / step) * step)
