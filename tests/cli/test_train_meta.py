"""`hwnas train --meta`: what it passes on, what it prints, what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hwnas.cli import main


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> object:
    monkeypatch.setattr("sys.argv", ["hwnas", "train", "--meta", *words])
    with pytest.raises(SystemExit) as done:
        main()
    return done.value.code


def test_it_names_the_file_that_was_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: dict[str, object] = {}

    def train_meta(*, progress: object, **arguments: object) -> Path:
        asked.update(arguments)
        return tmp_path / "fbnet_meta.safetensors"

    monkeypatch.setattr("hwnas.api.train_meta.train_meta", train_meta)
    words = ("--space", "fbnet", "--seed", "3", "--out", str(tmp_path))
    assert not run(monkeypatch, *words, "--json")
    assert json.loads(capsys.readouterr().out) == {"weights": str(tmp_path / "fbnet_meta.safetensors")}
    assert asked == {"space": "fbnet", "out": tmp_path, "seed": 3}
    assert not run(monkeypatch, *words)
    assert "fbnet_meta.safetensors" in capsys.readouterr().out


@pytest.mark.parametrize("option", [("--compare",), ("--target", "energy"), ("--device", "jetson-tx2")])
def test_options_of_the_other_training_are_refused(
    option: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, *option) == 2
    assert "--meta" in capsys.readouterr().err


def test_an_unknown_space_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "--space", "nasbench21") == 2
    assert "did you mean 'nasbench201'" in capsys.readouterr().err
