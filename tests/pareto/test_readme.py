"""The README of the package: its example runs, and it names every file."""

from __future__ import annotations

import re
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "pareto"
README = (FOLDER / "README.md").read_text(encoding="utf-8")


def test_the_example_runs_and_the_score_beats_random(capsys):
    names: dict[str, object] = {}
    exec(re.findall(r"```python\n(.*?)```", README, re.DOTALL)[0], names)
    by_score, by_chance = re.findall(r"relative_hypervolume=([\d.]+)", capsys.readouterr().out)
    assert 1 >= float(by_score) > float(by_chance)
    assert len(names["listed"]) == 20


def test_every_file_is_described():
    files = {path.name for path in FOLDER.glob("*.py")} - {"__init__.py"}
    assert files == set(re.findall(r"^\| `(\w+\.py)`", README, re.MULTILINE))
