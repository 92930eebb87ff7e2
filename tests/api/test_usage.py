"""Likely mistakes in Python: each is a `UsageError` that says what was expected."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import hwnas
from hwnas.api.given import names_of
from hwnas.api.question import Question
from hwnas.errors import UsageError
from hwnas.proxies import PROXIES

# In a process of its own: in this one the checker of types speaks first.
MISTAKES = {
    "hwnas.pareto('jetson-tx2', 20)": "expected a Question after the device, got 20",
    "hwnas.pareto(None)": "expected the name of a device, got None",
    "hwnas.pareto('jetson-tx2', accuracies={'1462': 90})": "expected accuracies to be a CSV file",
    "hwnas.plan_training('mine.csv', 'tx2', 20)": "expected a Question after the device, got 20",
    "hwnas.predict(['1462'], device='jetson-tx2', target='power')": "target 'power' is not known; known: energy,",
    "hwnas.score([1462], proxies=[PROXIES['snip']])": "got the Proxy 'snip' itself; give its name 'snip'",
    "hwnas.score([1462], proxies=7)": "expected proxies to be names, got 7",
    "hwnas.score([1462.5])": "expected architectures as strings, indices or tuples of codes, got a float",
}


def test_mistakes_say_what_was_expected(tmp_path: Path) -> None:
    lines = [
        "import hwnas\nfrom hwnas.errors import UsageError\nfrom hwnas.proxies import PROXIES",
        *(f"try: {code}\nexcept UsageError as error: print(error)" for code in MISTAKES),
    ]
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "HWNAS_DATA": str(tmp_path)},
    )
    assert done.stderr == ""
    for said, expected in zip(done.stdout.splitlines(), MISTAKES.values(), strict=True):
        assert expected in said


def test_a_path_may_be_a_string(tmp_path: Path) -> None:
    plan = hwnas.plan_training(str(tmp_path / "mine.csv"), "jetson-tx2", nets=2)
    assert len(plan.nets) == 2 and (tmp_path / "mine.csv").is_file()


def test_one_name_is_a_list_of_one() -> None:
    assert names_of("proxies", "snip") == ("snip",) and names_of("proxies", ["a", "b"]) == ("a", "b")
    assert [column.proxy.name for column in hwnas.score(["1462"], proxies="params").columns] == ["params"]
    with pytest.raises(UsageError, match="got the Proxy 'zen' itself"):
        names_of("proxies", [PROXIES["zen"]])


def test_a_question_reads_its_fields_however_it_is_made() -> None:
    loose: dict[str, object] = {"proxies": "zen", "objectives": ["params"], "accuracies": "mine.csv"}
    assert Question().with_options(**loose) == Question(
        proxies=("zen",), objectives=("params",), accuracies=Path("mine.csv")
    )


def test_options_that_are_not_known_name_those_that_are() -> None:
    with pytest.raises(UsageError, match=r"give settings=hwnas\.ScoreSettings\(seed=\.\.\.\)"):
        hwnas.score(["1462"], seed=3)  # type: ignore[call-overload]
    with pytest.raises(UsageError, match=r"architectures among space, dataset, proxies, .*, got strikt"):
        hwnas.score(["1462"], strikt=True)  # type: ignore[call-overload]
    with pytest.raises(UsageError, match=r"as a ScoreSettings, got a dict; give settings=hwnas\.ScoreSettings\("):
        hwnas.score(["1462"], settings={"seed": 3})  # type: ignore[call-overload]
    assert hwnas.score([1462], proxies="params", settings=hwnas.ScoreSettings(seed=3)).seed == 3
