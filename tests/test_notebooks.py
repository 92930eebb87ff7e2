"""Notebooks as they are kept: run from top to bottom, small, and of no machine. `notebooks/run.py` runs them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
LARGEST_BYTES = 600_000


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook(request: pytest.FixtureRequest) -> dict:
    return json.loads(request.param.read_text(encoding="utf-8"))


def cells(notebook: dict, kind: str) -> list[dict]:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == kind]


def text(cell: dict) -> str:
    return "".join(cell["source"])


def test_there_are_notebooks() -> None:
    assert len(NOTEBOOKS) >= 3


def test_it_was_run_from_top_to_bottom(notebook: dict) -> None:
    counts = [cell["execution_count"] for cell in cells(notebook, "code")]
    assert counts == list(range(1, len(counts) + 1))


def test_no_cell_failed_or_warned(notebook: dict) -> None:
    outputs = [output for cell in cells(notebook, "code") for output in cell["outputs"]]
    assert [output for output in outputs if output["output_type"] == "error"] == []
    assert [output for output in outputs if output.get("name") == "stderr"] == []


def test_it_reads_as_a_story_with_pictures(notebook: dict) -> None:
    headings = [text(cell) for cell in cells(notebook, "markdown")]
    assert headings[0].startswith("# ") and any("## What it shows" in heading for heading in headings)
    assert sum("image/png" in output.get("data", {}) for c in cells(notebook, "code") for output in c["outputs"]) >= 2


def test_it_is_small_and_of_no_machine(notebook: dict) -> None:
    content = json.dumps(notebook)
    assert len(content) < LARGEST_BYTES
    assert not re.search(r"/(home|root|tmp|Users|work)/", content)
    assert set(notebook["metadata"]) == {"kernelspec", "language_info"}


def test_the_readme_beside_lists_every_notebook() -> None:
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert [path.name for path in NOTEBOOKS if f"`{path.name}`" not in readme] == []
