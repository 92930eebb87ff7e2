"""What a search says that finds nothing within the budget, or whose costs take long."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hwnas
from hwnas.api.methods import search
from hwnas.api.question import Question
from hwnas.errors import InfeasibleError, UsageError


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No tables in the cache: what is shipped answers."""
    monkeypatch.setenv("HWNAS_DATA", str(tmp_path))
    return tmp_path


def test_a_search_that_finds_nothing_within_the_budget_says_so(empty: Path) -> None:
    """There are such networks: two are looked at, and those by chance are no find of a search."""
    says = (
        r"no net that random looked at \(2 for zen, 2 for params, 2 for flops\) meets the budgets, but .* do, with "
        r"energy_mj of 2\.111 mJ at the least; give more evaluations than 2, raise the budget, or look at all by method"
    )
    with pytest.raises(InfeasibleError, match=says):
        hwnas.pareto("jetson-tx2", budget_mj=6.6, proxies=["zen"], method="random", evaluations=2)


def test_a_search_that_finds_nothing_beside_one_that_does_is_named(
    empty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {"budget_mj": 8.0, "proxies": ["zen"], "method": "random", "evaluations": 300}
    notes = hwnas.pareto("jetson-tx2", **options).notes  # type: ignore[arg-type]
    assert not any("and has a score" in note for note in notes)

    def emptied(*arguments: Any):
        found = search(*arguments)
        zen = replace(found.columns[0], scores=np.full(15_625, np.nan))
        return replace(found, columns=[zen, *found.columns[1:]])

    monkeypatch.setattr("hwnas.api.study.search", emptied)
    result = hwnas.pareto("jetson-tx2", **options)  # type: ignore[arg-type]
    (said,) = [note for note in result.notes if "and has a score" in note]
    assert said.endswith("has a score: zen; give more evaluations")
    assert not result.front("zen").nets and result.front("params").nets


def test_networks_that_are_all_beyond_the_budget_ask_for_more_evaluations(empty: Path) -> None:
    with pytest.raises(InfeasibleError, match="at least that, or look at more networks: evaluations are 20 now"):
        hwnas.pareto(
            "titan-rtx", space="fbnet", budget_ms=0.5, proxies=["flops"], nets=5, evaluations=20, method="random"
        )


def test_networks_of_several_searches_are_counted_as_theirs_together(empty: Path) -> None:
    """More than were asked for: each search looks at no more than that, not all of them."""
    with pytest.raises(InfeasibleError) as error:
        hwnas.pareto("raspi4", space="fbnet", budget_ms=1.0, proxies=["params"], evaluations=50)
    pattern = r"out of (\d+) that 3 searches \(params, flops, random\) looked at together, (.*?),"
    said = re.search(pattern, str(error.value))
    assert said is not None, error.value
    assert 50 < int(said[1]) <= 3 * 50 and said[2] == "no more than 50 each"


@pytest.mark.parametrize("lacks", [False, True])
def test_costs_that_take_each_networks_graph_say_how_far_they_are(
    lacks: bool, empty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In parts that grow while they take no time; a cost that is refused is refused as without anybody who listens."""
    told, asked = [], []

    class Listener:
        def __call__(self, _name: str, _at: object) -> None:
            return

        def costs(self, cost: str, known: int, networks: int) -> None:
            told.append((cost, known, networks))

    def peaks(_space: object, vectors: np.ndarray, _dataset: str) -> np.ndarray:
        asked.append(len(vectors))
        if lacks:
            raise UsageError("expected graphs")
        return np.full(len(vectors), 1024)

    monkeypatch.setattr("hwnas.api.activation_peaks.activation_peaks", peaks)
    question = Question(proxies=("zen",), objectives=("peak_memory_bytes",))
    if lacks:
        with pytest.raises(UsageError, match="expected graphs"):
            hwnas.pareto("jetson-tx2", question, progress=Listener())
        assert told == [] and asked == [4000, 15_625]
    else:
        hwnas.pareto("jetson-tx2", question, progress=Listener())
        assert told == [("peak_memory_bytes", known, 15_625) for known in (4000, 15_625)]
        assert asked[:3] == [4000, 32_000 - 20_375, 15_625]
