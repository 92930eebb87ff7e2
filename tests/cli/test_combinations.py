"""Combinations on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from hwnas.cli import main
from hwnas.proxies import PROXIES
from hwnas.proxies import table as tables
from hwnas.proxies.combinations import COMBINATIONS
from hwnas.proxies.table import empty_table, scores_path
from hwnas.spaces import get_space

SPACE = get_space("nasbench201")


@pytest.fixture(autouse=True)
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table with the parts of `vote` and `auto`, of made-up scores."""
    monkeypatch.setenv("HWNAS_DATA", str(tmp_path / "cache"))
    monkeypatch.setattr(tables, "SHIPPED_FOLDER", tmp_path / "shipped")
    names = ("zen", *COMBINATIONS["vote"].components, *COMBINATIONS["auto"].components)
    scored = tuple(name for name in dict.fromkeys(names) if not PROXIES[name].by_architecture)
    networks = SPACE.network_id(SPACE.all_vectors())
    saved = empty_table(
        {"space": "nasbench201", "dataset": "cifar10", "seed": 0, "images": "made up"}, scored, networks
    )
    rows = SPACE.canonical_id(saved.network_ids)
    saved.scores[:] = np.random.default_rng(0).normal(size=(SPACE.size, len(scored)))[rows]
    saved.save(scores_path("nasbench201", "cifar10"))


@pytest.fixture
def hwnas(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Run the command; returns exit code, standard output and error stream."""

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["hwnas", *arguments])
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        return code, *capsys.readouterr()

    return run


def test_pareto(hwnas) -> None:
    code, out, _ = hwnas("pareto", "--device", "jetson-tx2", "--budget-mj", "20", "--proxy", "vote", "--nets", "3")
    assert code == 0 and out.startswith("vote: 3 networks") and "note: vote: number of networks beaten" in out
    code, out, _ = hwnas("pareto", "--device", "jetson-tx2", "--budget-mj", "20", "--show", "auto", "--json")
    assert code == 0 and json.loads(out)["fronts"][0]["name"] == "auto"


def test_score(hwnas) -> None:
    code, out, _ = hwnas("score", "1462", "--proxy", "vote", "--proxy", "zen+snip")
    assert code == 0 and "networks" in out and "among the 7,055 networks of nasbench201 on cifar10" in out
    code, _, err = hwnas("score", "1462", "--proxy", "vote", "--seed", "1")
    assert code == 2 and "ranks within a table" in err


def test_lists(hwnas) -> None:
    code, out, _ = hwnas("proxies")
    assert code == 0 and all(f"\n{name} " in out for name in COMBINATIONS) and "sum of ranks" in out
    listed = json.loads(hwnas("proxies", "--json")[1])["combinations"]
    assert [entry["name"] for entry in listed] == list(COMBINATIONS)
    assert all(entry["components"] and entry["aggregation"] and entry["fails"] for entry in listed)


@pytest.mark.parametrize(
    "command", [("pareto", "--device", "tx2", "--budget-mj", "20"), ("score", "3"), ("proxies", "evaluate")]
)
def test_unknown_names_are_compared_with_both(hwnas, command: tuple[str, ...]) -> None:
    for wrong, near in (("vot", "vote"), ("sinflow", "synflow")):
        code, out, err = hwnas(*command, "--proxy", wrong)
        assert code != 0 and out == "" and f"did you mean '{near}'" in err and err.count("\n") == 1
