"""Studies that are kept: the same answers as without, and none that a file contradicts."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hwnas.api.answers import answer
from hwnas.api.pareto import pareto
from hwnas.api.question import Question
from hwnas.api.studies import Studies
from hwnas.errors import InfeasibleError, UsageError


@pytest.mark.parametrize(
    "options",
    [
        {"budget_mj": 15.0},
        {"budget_mj": 25.0, "raw": True, "seed": 3, "nets": 7},
        {"budget_ms": 4.0},
        {"budget_mj": 20.0, "budget_ms": 4.0, "confidence": 0.9},
        {"objectives": ["latency_ms.raspi4=40", "params"]},
        {"objectives": ["latency_ms.raspi4=20", "params=1e6"], "proxies": ["synflow"]},
        {},
    ],
)
def test_an_answer_is_that_of_pareto(shipped: Path, options: dict[str, object]) -> None:
    studies, asked = Studies(), Question().with_options(**{"proxies": ["zen"], **options})
    for budget in (asked, asked.with_options(nets=5), asked):  # the second and third from what is kept
        kept = answer(studies.study("jetson-tx2", budget))
        assert kept.to_dict() == pareto("jetson-tx2", budget).to_dict()


def test_the_note_on_evaluations_is_for_who_gave_them(shipped: Path) -> None:
    """Whichever question came first."""
    studies, asked = Studies(), Question().with_options(budget_mj=20.0, proxies=["zen"])
    for evaluations, noted in ((asked.evaluations, False), (200, True), (300, True), (asked.evaluations, False)):
        notes = answer(studies.study("tx2", asked.with_options(evaluations=evaluations))).notes
        assert any("evaluations have a part in searches alone" in note for note in notes) == noted


def test_what_cannot_be_is_refused_from_what_is_kept_too(shipped: Path) -> None:
    studies, asked = Studies(), Question().with_options(budget_mj=20.0, proxies=["zen"])
    studies.study("tx2", asked)
    with pytest.raises(InfeasibleError, match="energy_mj <= 1 mJ"):
        studies.study("tx2", asked.with_options(budget_mj=1.0))
    with pytest.raises(UsageError, match="one bound for energy_mj"):
        studies.study("tx2", asked.with_options(objectives=["energy_mj=3"]))


def test_a_file_that_changed_is_read_again(measured: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Predicted without the tables, measured with them, in the same process."""
    studies, asked = Studies(), Question().with_options(budget_mj=20.0, proxies=["zen"])
    monkeypatch.setenv("HWNAS_DATA", str(tmp_path / "cache"))
    before = answer(studies.study("tx2", asked))
    assert not before.objectives[0].measured
    (tmp_path / "cache" / "tables").mkdir(parents=True)
    for path in (measured / "tables").iterdir():
        os.link(path, tmp_path / "cache" / "tables" / path.name)
    after = answer(studies.study("tx2", asked))
    assert after.objectives[0].measured and after.to_dict() == pareto("tx2", asked).to_dict()
