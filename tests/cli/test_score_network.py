"""`hwnas score --module` as a user meets it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from hwnas.cli import main

pytest.importorskip("torch")

NETWORKS = """
from torch import nn
def tiny():
    return nn.Sequential(nn.Flatten(), nn.Linear(48, 4), nn.Tanh(), nn.Linear(4, 3))
"""


@pytest.fixture
def hwnas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Run `hwnas score` in a folder with a module of the user's; returns exit code, output and error stream."""
    name = f"cli_networks_{tmp_path.name}"
    (tmp_path / f"{name}.py").write_text(NETWORKS)
    np.savez(tmp_path / "x.npz", x=np.random.default_rng(0).normal(size=(6, 3, 4, 4)), y=np.arange(6) % 3)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def run(*arguments: str) -> tuple[int, str, str]:
        words = [word.replace("NETWORKS", name) for word in arguments]
        monkeypatch.setattr("sys.argv", ["hwnas", "score", *words])
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        return code, *capsys.readouterr()

    return run


def test_scores_and_reasons(hwnas) -> None:
    code, out, err = hwnas(
        "--module=NETWORKS:tiny", "--data=x.npz", "--batch-size=6", "--proxy=snip", "--proxy=naswot", "--proxy=macs"
    )
    assert (code, err) == (0, "")
    cells = [line.split() for line in out.splitlines()]
    for row in (["params", "211", "parameters"], ["flops", "408", "FLOPs"], ["macs", "204", "MACs"], ["naswot", "-"]):
        assert row in cells
    assert "naswot: expected activations such as nn.ReLU to run, got none" in out
    assert "Scores on first 6 images of x.npz; cross entropy, seed 0; higher is better." in out
    assert "flops, macs: torch's FlopCounterMode" in out


def test_json_of_noise(hwnas) -> None:
    code, out, _ = hwnas("--module=NETWORKS:tiny", "--shape=3,4,4", "--classes=2", "--proxy=snip", "--json")
    answer = json.loads(out)
    assert code == 0 and answer["images"] == "64 images of standard normal noise with random labels of 2 classes"
    assert answer["nets"][0]["scores"]["snip"] > 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("3", "--module=NETWORKS:tiny"), "expected networks, --all or --module, got both"),
        (("3", "--data=x.npz", "--shape=3"), "--data, --shape belong to --module, not to networks"),
        (("--module=NETWORKS:tiny", "--images=x.npz"), "--images belongs to networks or --all, not to --module"),
        (("--module=NETWORKS:tiny", "--executor=ray"), "--executor belongs to --all"),
        (("--module=NETWORKS:tiny", "--labels=own"), "kind of labels 'own' is not known"),
        (("--module=NETWORKS:tiny", "--shape=3x4"), "--shape to be numbers with commas, as 3,32,32, got '3x4'"),
        (("--module=NETWORKS:tiny", "--data=x.npz", "--shape=3,4,4"), "--shape is that of noise"),
        (("--module=NETWORKS:tiny", "--size=4"), "--size scales the images of --data, which is missing"),
        (("--module=NETWORKS:tiny", "--data=x.npz", "--batch-size=64"), "a batch of 1 to 6 images of x.npz, got 64"),
        (("--module=NETWORKS:huge",), "expected a function huge"),
        (("--all", "--executor=rai"), "executor 'rai' is not known; did you mean 'ray'?"),
    ],
)
def test_wrong_use_is_one_line(hwnas, arguments: tuple[str, ...], says: str) -> None:
    code, out, err = hwnas(*arguments)
    assert code == 2 and out == "" and says in err and err.count("\n") == 1


def test_help_says_that_the_code_is_run(hwnas) -> None:
    code, out, _ = hwnas("--help")
    assert code == 0 and "It is your code" in " ".join(out.split())
