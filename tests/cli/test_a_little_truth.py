"""`hwnas accuracy plan`, `hwnas pareto --accuracies` and `hwnas search-ops` from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hwnas.cli import main


def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    monkeypatch.setattr("sys.argv", ["hwnas", *words])
    with pytest.raises(SystemExit) as done:
        main()
    printed = capsys.readouterr()
    return int(done.value.code or 0), printed.out, printed.err


def test_plan_then_pareto(
    shipped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file is made; once its accuracies are filled in, a front is learned from it."""
    file = tmp_path / "mine.csv"
    asked = ("--device", "tx2", "--budget-mj", "30")
    code, out, _ = run(monkeypatch, capsys, "accuracy", "plan", str(file), *asked, "-n", "4")
    assert code == 0 and "to train: 4 networks of nasbench201 on cifar10" in out and "energy_mj" in out
    assert f"hwnas pareto --accuracies {file}" in out
    code, _, err = run(monkeypatch, capsys, "pareto", "--accuracies", str(file), *asked, "--proxy", "zen")
    assert code == 2 and "got none yet; fill in the column accuracy" in err
    lines = file.read_text().splitlines()
    assert lines[0] == "architecture,accuracy" and len(lines) == 5
    filled = [f"{line[:-1]},{80 + number}" for number, line in enumerate(lines[1:])]
    file.write_text("\n".join([lines[0], *filled]))
    code, out, _ = run(monkeypatch, capsys, "pareto", "--accuracies", str(file), *asked, "--proxy", "zen", "--json")
    fronts = json.loads(out)["fronts"]
    assert code == 0 and fronts[0]["name"] == "learned" and "4 trained networks (own trainings" in fronts[0]["source"]
    code, out, _ = run(monkeypatch, capsys, "accuracy", "plan", str(file), *asked, "-n", "1", "--json")
    plan = json.loads(out)
    assert code == 0 and plan["trained"] == 4 and plan["nets"][0]["predicted_percent"] > 0


def test_wrong_uses(
    shipped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = run(monkeypatch, capsys, "pareto", "--device", "tx2", "--truths", "2")
    assert code == 2 and "at least 3 networks to train" in err
    code, _, err = run(monkeypatch, capsys, "accuracy", "plan", str(tmp_path / "a.csv"), "--device", "tx2", "-n", "0")
    assert code == 2 and "at least 1 network to train, got 0" in err
    code, _, err = run(monkeypatch, capsys, "search-ops", "--order", "sideways")
    assert code == 2 and "order of edges 'sideways' is not known" in err
    code, _, err = run(monkeypatch, capsys, "search-ops", "--budget-mj", "20")
    assert code == 2 and "expected --device with a budget" in err
    code, _, err = run(monkeypatch, capsys, "search-ops", "--space", "fbnet")
    assert code == 2 and "a space with a supernet (darts, nasbench201), got 'fbnet'" in err


def test_search_ops_within_a_budget(
    shipped: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two noise images; every proposed network meets the budget, and the chosen one is first."""
    pytest.importorskip("torch")
    words = ("--proposals", "1", "--validations", "1", "--batch-size", "2", "--order", "fixed", "--disc")
    budget = ("--device", "tx2", "--budget-mj", "9")
    code, out, err = run(monkeypatch, capsys, "search-ops", *words, *budget, "--json")
    assert code == 0, err
    found = json.loads(out)
    assert found["budgets"] == {"energy_mj": 9.0} and all(net["costs"]["energy_mj"] <= 9 for net in found["nets"])
    assert found["supernet_scores"] < 30  # operations that break the budget were not scored
