"""The main job: the networks with the most accuracy within a budget on a device, compared with the truth."""

from __future__ import annotations

from typing import Any

from hwnas.api.answers import answer
from hwnas.api.found_devices import find_device
from hwnas.api.question import Question, asked
from hwnas.api.searching import Progress
from hwnas.api.study import make_study
from hwnas.api.truths import with_learned
from hwnas.results import ParetoResult
from hwnas.spaces import get_space


def pareto(
    device: str,
    question: Question | None = None,
    *,
    progress: Progress = lambda _name, _generation: None,
    **options: Any,
) -> ParetoResult:
    """The constrained Pareto front of a space on a device.

    device: name, alias or `name@variant`. question: a `Question`; options: its fields by keyword, for example
    `pareto("jetson-tx2", budget_mj=20, proxies=["zen", "synflow"])`. With both, options replace those of the question.
    progress: called with the name of a proxy and where its search stands, where there is a search.

    Raises `UnknownNameError` for names, `UsageError` for values, `InfeasibleError` where no net meets the budget,
    `DataError` where a table is damaged or absent.
    """
    whole = asked(question, **options)
    return answer(with_learned(make_study(whole, get_space(whole.space), find_device(device), progress=progress)))
