"""Where a search stands, on a terminal and in a log."""

from __future__ import annotations

import pytest

from hwnas.api.scores_on_demand import Scoring
from hwnas.api.searching import TellsCosts
from hwnas.cli import render_pareto
from hwnas.search import Generation

AT = Generation(evaluations=1040, budget=2000, front=7, hypervolume=1.23456)


def test_in_a_log_a_line_now_and_then(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(render_pareto, "LINE_SECONDS", 3600.0)
    with render_pareto.search_progress() as report:
        report("zen", AT)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(render_pareto, "LINE_SECONDS", 0.0)
    with render_pareto.search_progress() as report:
        report("zen", AT)
        report("auto", Scoring(scored=3, networks=99, reference=True))
        report("auto", Scoring(scored=3, networks=20, reference=False))
        report("auto", Scoring(scored=0, networks=20, reference=False, waits_for=712))
        assert isinstance(report, TellsCosts)
        report.costs("peak_memory_bytes", 4000, 15_625)
    assert capsys.readouterr().err.splitlines() == [
        "zen: 1,040 of 2,000 networks, front of 7, volume 1.235",
        "auto: scored 3 of 99 networks to rank others among",
        "auto: scored 3 of 20 networks of the next generation",
        "auto: waits for process 712, which scores networks of the same space",
        "peak_memory_bytes: computed for 4,000 of 15,625 networks, each from its graph",
    ]


def test_on_a_terminal_one_line_that_is_gone_in_the_end(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    with render_pareto.search_progress() as report:
        report("zen", AT)
    assert capsys.readouterr().err == "\r\x1b[Kzen: 1,040 of 2,000 networks, front of 7, volume 1.235\r\x1b[K"
