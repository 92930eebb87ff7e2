"""Studies of a process that is asked again and again: what does not depend on the budgets is looked up once.

Nothing is kept that a file could contradict: a study is kept under the names, sizes and times of the files that it
could have been read from. 22 of the 65 ms of an answer are look-ups.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import Final, final

from hwnas.api.found_devices import find_device
from hwnas.api.methods import EXHAUSTIVE
from hwnas.api.objectives import CostAxis, parse_word
from hwnas.api.question import EVALUATIONS, Question
from hwnas.api.study import Study, gather
from hwnas.devices import user_cards
from hwnas.folders import cache_folder
from hwnas.latency.kernels.store import own_models
from hwnas.spaces import get_space

MOST: Final = 32  # studies that are kept: at 15,625 nets, two megabytes each
FilesKey = tuple[tuple[str, int, int], ...]


@final
class Studies:
    """The newest studies of this process, for any thread."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[object, ...], Study] = OrderedDict()
        self._lock = Lock()

    def study(self, device: str, question: Question) -> Study:
        """The study that `make_study` would make. Raises what that raises."""
        key = (device, *_without_budgets(question), files_key())
        with self._lock:
            found = self._kept.get(key)
        if found is None:
            found = gather(question, get_space(question.space), find_device(device))
        if found.method != EXHAUSTIVE:  # what a search looks at depends on everything
            found.require_feasible()
            return found
        with self._lock:
            self._kept[key] = found
            self._kept.move_to_end(key)
            while len(self._kept) > MOST:
                self._kept.popitem(last=False)
        study = _with_budgets(found, question)
        study.require_feasible()
        return study


def files_key() -> FilesKey:
    """Everything that an answer is read from and that may change while a process lives, by name, size and time."""
    folders = (*(cache_folder() / name for name in ("tables", "scores", "predictors")), user_cards(), own_models())
    return tuple(sorted(entry for folder in folders for entry in _entries(folder)))


def _entries(folder: Path) -> Iterator[tuple[str, int, int]]:
    try:
        with os.scandir(folder) as found:
            for entry in found:
                facts = entry.stat()
                yield entry.path, facts.st_mtime_ns, facts.st_size
    except OSError:  # none there, or one went while we looked
        return


def _without_budgets(question: Question) -> tuple[object, ...]:
    """What the columns of a study depend on."""
    words = tuple((word.name, word.device) for word in map(parse_word, question.objectives))
    budgets = (question.budget_mj is None, question.budget_ms is None)
    where = (question.space, question.dataset, question.source, question.confidence, question.proxies)
    # Evaluations have no part where all is looked up, but that an answer says so to who gave them.
    return (*where, question.method, question.evaluations == EVALUATIONS, *budgets, words)


def _with_budgets(study: Study, question: Question) -> Study:
    """The study with another question that differs in nothing that its columns depend on."""
    words = question.words(study.device, study.space, study.dataset)
    axes = [_bounded(axis, word.bound) for axis, word in zip(study.axes, words, strict=True)]
    judges = [
        axes[number] if judge is study.axes[number] else _bounded(judge, words[number].bound)
        for number, judge in enumerate(study.judges)
    ]
    return replace(study, question=question, axes=axes, judges=judges)


def _bounded(axis: CostAxis, bound: float | None) -> CostAxis:
    return replace(axis, objective=replace(axis.objective, bound=bound))
