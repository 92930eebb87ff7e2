"""What `pareto` is asked, as one value: checked once, and turned into the words of its objectives."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Final, final, get_args

import numpy as np

from hwnas.api.found_devices import known_targets
from hwnas.api.given import names_of
from hwnas.api.objectives import DEVICE_COSTS, Word, parse_word, positive
from hwnas.devices import Device
from hwnas.errors import UnknownNameError, UsageError
from hwnas.latency.tables import CostSource
from hwnas.pareto.feasibility import whole_number
from hwnas.spaces import Space

_PLURALS: Final = ("proxies", "objectives")
_NUMBERS: Final = ("budget_mj", "budget_ms", "confidence")
_NAMES: Final = ("dataset", "source", "method", "executor")  # of a space `get_space` says how it becomes known
EVALUATIONS: Final = 1000
_WHOLE_NUMBERS: Final = ("nets", "seed", "evaluations")


@final
@dataclass(frozen=True, kw_only=True)
class Question:
    """Everything that is asked beside the device, with the defaults of the command line.

    space, dataset: names; None for the first data set of the space.
    budget_mj, budget_ms: budgets for energy (mJ) and latency (ms) of one inference on the device.
    proxies: names of zero-cost proxies or combinations; each gives a front of its own, beside baselines and truth.
        None: `auto` where its parts are scored, else what stands in for it, as the notes of the answer say.
    objectives: further axes: `energy_mj`, `latency_ms`, `params`, `macs`, `flops`,
        `peak_memory_bytes`, with `.device` and `=bound`.
        Without a cost of a device among them or a budget, energy comes first where the device has it, else latency.
    nets: length K of each list.
    confidence: budgets hold on the one-sided quantile of each predicted cost; None: on its mean.
    source: "measured" or "predicted" costs; "auto": measured where the table is present.
    raw: architecture by architecture, as papers do; else each network once, in its cheapest form.
    seed: settles ties between nets with equal costs and score, and the first draws of `truths`.
    truths: how many networks may be trained, as known accuracies stand in for training; what they teach is a front of
        its own, `learned`. accuracies: a CSV file of `architecture,accuracy` with trainings of your own instead.
    method: "exhaustive", a search of `hwnas.search.SEARCHES`, or "auto": exhaustive where all can be looked at.
    evaluations: networks that a search looks at for each proxy; it ends earlier where its front stands still.
    executor, workers: what spreads scores that a search computes, "process" or "ray", and over how many.

    Raises `UsageError` for values that cannot be, `UnknownNameError` for names.
    """

    space: str = "nasbench201"
    dataset: str | None = None
    budget_mj: float | None = None
    budget_ms: float | None = None
    proxies: tuple[str, ...] | None = None
    objectives: tuple[str, ...] = ()
    nets: int = 20
    confidence: float | None = None
    source: CostSource = "auto"
    raw: bool = False
    seed: int = 0
    truths: int | None = None
    accuracies: Path | None = None
    method: str = "auto"
    evaluations: int = EVALUATIONS
    executor: str = "process"
    workers: int | None = None

    def __post_init__(self) -> None:
        for column in fields(self):
            object.__setattr__(self, column.name, _read(column.name, getattr(self, column.name)))
        budgets = {"the energy budget in mJ": self.budget_mj, "the latency budget in ms": self.budget_ms}
        for what, budget in budgets.items():
            if budget is not None:
                positive(what, budget)
        if self.evaluations < 1:
            raise UsageError(f"expected a search to look at 1 network or more, got {self.evaluations}")
        if self.nets < 1:
            raise UsageError(f"expected a list of at least 1 net, got {self.nets}")
        if self.seed < 0:
            raise UsageError(f"expected a seed of at least 0, got {self.seed}")
        if self.proxies is not None and not self.proxies:
            raise UsageError("expected at least one proxy, got none; `hwnas proxies` lists them")
        if self.truths is not None and self.accuracies is not None:
            raise UsageError("expected truths of a table or accuracies of your own, got both; drop one")
        if self.truths is not None and self.truths < 3:
            raise UsageError(f"expected at least 3 networks to train, got {self.truths}")
        if self.confidence is not None and not 0.5 <= self.confidence < 1:
            raise UsageError(
                f"expected a confidence from 0.5 to below 1, got {self.confidence:g}; 0.9 means nine nets in ten"
            )
        if self.workers is not None and self.workers < 1:
            raise UsageError(f"expected at least 1 worker, got {self.workers}; leave workers out for one per core")
        if self.executor != "process":  # known without an import
            from hwnas.proxies.executors import get_executor

            get_executor(self.executor)
        if self.source not in get_args(CostSource):
            raise UnknownNameError("source of costs", self.source, get_args(CostSource))

    def with_options(self, **options: Any) -> Question:
        """This question with some fields replaced; a list, or one name alone, may stand for a tuple of names.

        Raises `UnknownNameError` for options that do not exist, `UsageError` for values that cannot be.
        """
        known = [column.name for column in fields(self)]
        for name in options:
            if name not in known:
                raise UnknownNameError("option", name, known)
        return replace(self, **{name: _read(name, value) for name, value in options.items()})

    def words(self, device: Device, space: Space, dataset: str) -> list[Word]:
        """The objectives: budgets first, then those asked for.

        Counts alone say nothing of a device: without a cost of one, its energy, or else its latency, comes before them.

        Raises `UsageError` for two bounds on one cost, `UnknownNameError` for objectives that do not exist.
        """
        asked = [parse_word(text) for text in self.objectives]
        words = []
        for name, bound in {"energy_mj": self.budget_mj, "latency_ms": self.budget_ms}.items():
            if bound is None:
                continue
            same = [word for word in asked if word.name == name and word.device is None]
            if any(word.bound is not None for word in same):
                raise UsageError(f"expected one bound for {name}, got a budget and an objective with '='; drop one")
            asked = [word for word in asked if word not in same]
            words.append(Word(name=name, device=None, bound=bound))
        words += asked
        if not any(word.name in DEVICE_COSTS for word in words):
            words.insert(0, known_costs(device, space, dataset)[0])
        return words


def asked(question: Question | None, **options: Any) -> Question:
    """The question, or all defaults for None, with some fields replaced. Raises as `Question.with_options` does."""
    if not isinstance(question, Question | None):
        raise UsageError(
            f"expected a Question after the device, got {question!r}; give options by keyword, such as budget_mj=20"
        )
    return (question or Question()).with_options(**options)


def known_costs(device: Device, space: Space, dataset: str) -> list[Word]:
    """Energy and latency, as far as the device was measured so or has kernel models; latency where neither is known."""
    known = known_targets(device, space=space.name, dataset=dataset)
    return [
        Word(name=name, device=None, bound=None) for name, (target, _) in DEVICE_COSTS.items() if target in known
    ] or [Word(name="latency_ms", device=None, bound=None)]


def _read(name: str, value: Any) -> Any:
    """The value of an option in the type of its field. Raises `UsageError` where it has none."""
    if name in _PLURALS and not (name == "proxies" and value is None):
        return names_of(name, value)
    if name in _WHOLE_NUMBERS or (name in ("truths", "workers") and value is not None):
        return whole_number(name, value)
    if name == "accuracies" and value is not None:
        return _as_path(name, value)
    if name in _NAMES and not (name == "dataset" and value is None):
        return _as_name(name, value)
    if name == "raw":
        return _as_flag(name, value)
    return _as_number(name, value) if name in _NUMBERS else value


def _as_name(name: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    own = getattr(value, "name", None)
    hint = f"; give its name {own!r}" if isinstance(own, str) else "; give it as a string"
    raise UsageError(f"expected {name} to be a name, got {value!r}{hint}")


def _as_flag(name: str, value: Any) -> bool:
    if isinstance(value, bool | np.bool_):
        return bool(value)
    raise UsageError(f"expected {name} to be True or False, got {value!r}")


def _as_path(name: str, value: Any) -> Path:
    try:
        return Path(value)
    except TypeError:
        raise UsageError(
            f"expected {name} to be a CSV file of architecture,accuracy, got a {type(value).__name__}; give its path"
        ) from None


def _as_number(name: str, value: Any) -> float | None:
    try:
        return None if value is None else float(value)
    except (TypeError, ValueError):
        raise UsageError(f"expected {name} to be a number, got {value!r}") from None
