"""`import hwnas`: light, lazy, and with a subpackage that can be called."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pydoc
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import hwnas
from hwnas.api.evaluate import evaluate
from hwnas.api.network import score_network
from hwnas.api.score import score as score_architectures
from hwnas.api.scoring import _OF_A_MODULE, _OF_ARCHITECTURES
from hwnas.api.sensitivity import sensitivity


def python(code: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=cwd, check=False)


def test_the_package_alone_loads_nothing_heavy() -> None:
    done = python("import hwnas, sys; print([m for m in ('numpy', 'typer', 'rich', 'torch') if m in sys.modules])")
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


@pytest.mark.parametrize(
    "code",
    [
        "import hwnas; f = hwnas.pareto",
        "from hwnas import pareto as f",
        "from hwnas.pareto import shortlist; import hwnas; f = hwnas.pareto",
        "import hwnas.pareto as f",
        "import importlib, hwnas; f = importlib.reload(hwnas.pareto)",
    ],
)
def test_pareto_is_the_subpackage_and_the_main_job_whichever_comes_first(code: str) -> None:
    done = python(
        f"{code}\nimport sys, hwnas.pareto\nfrom hwnas.pareto import shortlist\nassert f is sys.modules['hwnas.pareto']"
        "\nassert f.shortlist is shortlist\ntry: f('no such device')\nexcept Exception as error: print(error)"
    )
    assert done.stdout.startswith("device 'no such device' is not known"), done.stderr


def test_help_of_pareto_tells_of_the_main_job_and_its_options() -> None:
    said = pydoc.render_doc(hwnas.pareto, renderer=pydoc.plaintext)
    start = said[: said.index("PACKAGE CONTENTS")]
    assert "The constrained Pareto front of a space on a device." in start and "feasibility, non-dominated" in start
    options = inspect.signature(hwnas.pareto).parameters
    for field in dataclasses.fields(hwnas.Question):
        assert field.name in options and re.search(rf"\b{field.name}\b", start), field.name
    assert [*options][:3] == ["device", "question", "progress"]


def test_help_of_score_names_every_option() -> None:
    said = hwnas.score.__doc__ or ""
    for job in (score_architectures, score_network):
        for name in inspect.signature(job).parameters:
            assert name == "module" or re.search(rf"\b{name}\b", said), name
            assert name in ("architectures", "module", "batch") or name in (*_OF_ARCHITECTURES, *_OF_A_MODULE)
    assert "hwnas.ScoreSettings" in said and "hwnas.NetworkSettings" in said


def test_every_public_name_is_there_and_listed() -> None:
    assert hwnas.evaluate_proxies is evaluate and hwnas.proxy_sensitivity is sensitivity
    for name in hwnas.__all__:
        assert getattr(hwnas, name) is not None and name in dir(hwnas)
    with pytest.raises(AttributeError, match="no attribute 'front'"):
        _ = hwnas.front  # type: ignore[attr-defined]
    assert not callable(importlib.import_module("hwnas.devices")), "only pareto is two things"


def test_a_bare_folder_says_what_to_do(tmp_path: Path) -> None:
    """A checkout that nobody installed: the folder `hwnas` without the folders that belong to it."""
    shutil.copytree(Path(hwnas.__file__).parent, tmp_path / "hwnas", ignore=shutil.ignore_patterns("__pycache__"))
    # -S leaves out site-packages, where an installed hwnas would bring the missing folders.
    done = subprocess.run(
        [sys.executable, "-S", "-c", "import hwnas"], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError: hwnas is not installed") and "run `python -m pip install -e .`" in last
