"""Everything that the fronts of one question are read from: columns over all architectures of a space."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, final

import numpy as np

from hwnas.api.accuracy import Accuracy, true_accuracy
from hwnas.api.columns import ScoreColumn
from hwnas.api.found_devices import find_device
from hwnas.api.methods import EXHAUSTIVE, look_up, method_for, search
from hwnas.api.objectives import DEVICE_COSTS, AxisMaker, CostAxis, Word, several_devices
from hwnas.api.question import Question, known_costs
from hwnas.api.searching import Progress, TellsCosts
from hwnas.arrays import Array, Bool, Float, Integer
from hwnas.devices import Device
from hwnas.errors import DataError, InfeasibleError, UsageError
from hwnas.latency.kernels.space_costs import space_kernel_costs
from hwnas.pareto import Truth, bounds_of, closest_to_feasible, feasible, ground_truth
from hwnas.spaces import Space

_BY_CHANCE: Final = "random"  # the column of networks that no search chose
_AT_ONCE: Final = 4000  # networks whose costs are computed one by one, until more is told of how far they are
_SECONDS: Final = 4.0  # what takes less is done in larger parts


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
        """Raise `InfeasibleError` where no net meets the budgets, or none of those that were searched."""
        if self.feasible.any():
            if self.searched and not any(map(self.finds, self.searched)):
                raise InfeasibleError(self._nothing_found())
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
        others = (
            "" if self.complete else f", or look at more networks: evaluations are {self.question.evaluations:,} now"
        )
        raise InfeasibleError(
            f"no net of {self.space.name} on {self.dataset}{_among(self)} meets {budgets}{at}; the {which} is "
            f"{arch}{f' (index {closest})' if self.space.enumerable else ''}, which needs {needs}: raise the budget to "
            f"at least that{others}"
        )

    @property
    def searched(self) -> list[ScoreColumn]:
        """The columns of what searches looked at; none where all networks were, and not the networks by chance."""
        return [column for column in self.columns if column.evaluations is not None and column.name != _BY_CHANCE]

    def finds(self, column: ScoreColumn) -> bool:
        """Whether a net that has a score in the column meets all budgets."""
        return bool((self.feasible & ~np.isnan(column.scores)).any())

    def _nothing_found(self) -> str:
        looked = ", ".join(f"{column.evaluations:,} for {column.name}" for column in self.searched)
        costs = np.where(self.feasible[:, None], self.costs, np.nan)
        least = " and ".join(
            f"{axis.objective.id} of {cost:.4g} {axis.objective.unit}"
            for axis, cost in zip(self.axes, np.nanmin(costs, axis=0).tolist(), strict=True)
            if axis.objective.bound is not None
        )
        or_else = "raise the budget, or look at all by method exhaustive" if self.complete else "or raise the budget"
        return (
            f"no net that {self.method} looked at ({looked}) meets the budgets, but {int(self.feasible.sum()):,} of "
            f"{len(self.vectors):,} nets of {self.space.name} on {self.dataset} do, with {least} at the least; give "
            f"more evaluations than {self.question.evaluations:,}, {or_else}"
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
    _require_distinct(words, device)  # before a search that may take an hour
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
    told: object = progress
    if isinstance(told, TellsCosts):
        _compute_costs(maker, words, told)
    found = look_up(question, maker) if method == EXHAUSTIVE else search(question, maker, words, method, progress)
    maker = found.maker
    axes = [maker.axis(word) for word in words]
    others, missing = _other_costs(maker, axes)
    complete = method == EXHAUSTIVE or space.enumerable
    study = Study(
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
    empty = [column.name for column in study.searched if not study.finds(column)]
    if not empty:
        return study
    said = (
        f"no net that the search looked at meets the budgets and has a score: {', '.join(empty)}; give more evaluations"
    )
    return replace(study, missing=[*study.missing, said])


def _compute_costs(maker: AxisMaker, words: Sequence[Word], progress: TellsCosts) -> None:
    """Have costs that are computed network by network some at a time, so that who waits hears how far they are.

    They are kept, in this process or in the cache: whoever asks for all of them then waits no more.
    """
    networks = len(maker.vectors)
    for word in words if networks > _AT_ONCE else ():
        start, size = (0 if _is_one_by_one(maker, word) else networks), _AT_ONCE
        while start < networks:
            began = time.monotonic()
            try:
                replace(maker, vectors=maker.vectors[start : start + size]).axis(word)
            except (DataError, UsageError):  # whoever asks for all of them hears it
                break
            start += size
            progress.costs(word.name, min(start, networks), networks)
            size *= 8 if time.monotonic() - began < _SECONDS else 1


def _is_one_by_one(maker: AxisMaker, word: Word) -> bool:
    """Whether a cost takes each network's graph: its peak memory, or what a kernel model says."""
    if word.name not in DEVICE_COSTS:
        return word.name == "peak_memory_bytes"
    device, target = find_device(word.device) if word.device else maker.device, DEVICE_COSTS[word.name][0]
    space, dataset = maker.space.name, maker.dataset
    if device.column(space=space, dataset=dataset, target=target) is not None:
        return False
    if device.adapted(space=space, dataset=dataset, target=target):
        return False
    return space_kernel_costs(device, target, space=maker.space, dataset=maker.dataset) is not None


def _among(study: Study) -> str:
    """Of how many, where that is not all: each search comes to networks of its own, so that they are more in all than
    one of them looks at."""
    if study.complete:
        return ""
    names = [column.name for column in study.columns if column.evaluations is not None]
    return (
        f" out of {len(study.vectors):,} that {len(names)} searches ({', '.join(names)}) looked at together, no more "
        f"than {study.question.evaluations:,} each,"
    )


def _require_distinct(words: Sequence[Word], device: Device) -> None:
    """Raise `UsageError` where two words mean the same cost, however the device is called."""
    meant = [(word.name, (find_device(word.device) if word.device else device).reference) for word in words]
    repeated = [name for name, where in meant if meant.count((name, where)) > 1]
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
    if cost == 0:  # a network without MACs, which another budget keeps out
        return 0.0
    step = 10.0 ** (math.floor(math.log10(cost)) - 3)
    return float(math.ceil(cost / step) * step)
