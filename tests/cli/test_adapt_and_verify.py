"""A new device as a user meets it: adapt, devices, pareto, predict, verify and removal, by commands."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hwnas.cli import main
from hwnas.spaces import get_space

Hwnas = Callable[..., tuple[int, str, str]]
SPACE = get_space("nasbench201")


@pytest.fixture
def hwnas(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Hwnas:
    """Run the command; returns exit code, standard output with single blanks, and error stream."""

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["hwnas", *arguments])
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        out, err = capsys.readouterr()
        return code, out if "--json" in arguments else " ".join(out.split()), err

    return run


def table(path: Path, vectors: np.ndarray, latency: np.ndarray) -> str:
    rows = [f"{arch},{ms}" for arch, ms in zip(SPACE.strings(vectors), latency.tolist(), strict=True)]
    path.write_text("\n".join(["architecture,latency_ms", *rows]) + "\n")
    return str(path)


@pytest.fixture
def ten(taught: Path, board: Callable[..., np.ndarray], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Ten measurements, one of them wrong; the working folder is the test's own."""
    monkeypatch.chdir(tmp_path)
    vectors = SPACE.sample(10, seed=3)
    latency = board(SPACE, vectors)
    latency[6] *= 3
    return table(tmp_path / "ten.csv", vectors, latency)


def test_a_new_device_in_a_few_commands(hwnas: Hwnas, ten: str, board: Callable[..., np.ndarray]) -> None:
    code, out, err = hwnas("adapt", ten, "--name", "my-board", "--batch-size", "1", "--out", "answer.json")
    assert (code, err) == (0, "")
    for text in (
        "my-board: adapted from 10 measurements on cifar10 (nasbench201), method latent, taught by 8 known devices",
        "leave-one-out figures of 10 nets are rough",
        "median error without known devices, from the same nets: a line in FLOPs ",
        "looks wrong: ",
        "probability that it is right: below 1 %",
        "energy: not measured (the table has no energy for it); energy from latency needs a power: --power-w W",
        "3 public devices (eyeriss, fpga, jetson-tx2)",
        "to reduce the uncertainty most, measure 3 more: |",
        "hwnas adapt more-10/results.json --name my-board --add",
    ):
        assert text in out, text
    answer = json.loads(Path("answer.json").read_text())
    assert answer["device"] == "my-board" and len(answer["suspects"]) == 1 and answer["schema_version"] == 1
    error = f"leave-one-out error {answer['left_out']['median_error_percent']:.1f} %"
    code, out, _ = hwnas("devices")
    assert code == 0 and f"my-board: adapted from 10 measurements, {error}" in out
    code, out, _ = hwnas("devices", "my-board")
    assert code == 0 and "latent, 10" in out and "`hwnas devices my-board --remove` forgets the device" in out
    code, out, _ = hwnas("pareto", "--device", "my-board", "--budget-ms", "5", "--proxy", "zen", "--out", "front.json")
    assert code == 0 and "predicted by a latent few-shot model, adapted from 10 measurements on" in out
    code, out, _ = hwnas("predict", "7", "1462", "--device", "my-board")
    assert code == 0 and "adapted from 10 measurements" in out
    front = json.loads(Path("front.json").read_text())["fronts"][0]["nets"][:4]
    vectors = SPACE.parse([net["arch"] for net in front])
    again = table(Path("again.csv"), vectors, board(SPACE, vectors))
    code, out, err = hwnas("verify", "front.json", "--results", again, "--feed-back")
    assert (code, err) == (0, "") and "latency_ms of my-board, front zen" in out
    assert "of 4 in their 90 % interval" in out and "4 of 4 measured nets need at most 5 ms" in out
    assert "my-board: adapted again from 14 measurements" in out
    code, out, _ = hwnas("devices", "my-board", "--remove")
    assert code == 0 and out.startswith("my-board is removed: ")
    code, _, err = hwnas("pareto", "--device", "my-board")
    assert code == 2 and "device 'my-board' is not known" in err


def test_json(hwnas: Hwnas, ten: str) -> None:
    code, out, _ = hwnas("adapt", ten, "--name", "b", "--power-w", "4", "--power-error", "0.05", "--json")
    answer = json.loads(out)
    assert code == 0 and answer["energy"]["source"] == "given power" and answer["energy"]["power_w"] == 4.0
    hwnas("pareto", "--device", "b", "--budget-ms", "5", "--proxy", "zen", "--out", "front.json")
    archs = [net["arch"] for net in json.loads(Path("front.json").read_text())["fronts"][0]["nets"][:3]]
    again = table(Path("again.csv"), SPACE.parse(archs), np.array([90.0, 91.0, 92.0]))
    code, out, _ = hwnas("verify", "front.json", "--results", again, "--json", "--out", "verified.json")
    answer = json.loads(out)
    assert (
        code == 0
        and answer["costs"][0]["within_budget"] == 0
        and answer == json.loads(Path("verified.json").read_text())
    )
    code, out, _ = hwnas("verify", "front.json", "--results", again)
    assert "the budget does NOT hold: 0 of 3" in out and "0 of 3 in their 90 % interval" in out
    code, out, _ = hwnas("devices", "b", "--remove", "--json")
    assert code == 0 and json.loads(out)["removed"] == "b"


def test_a_kit_of_a_front(hwnas: Hwnas, ten: str) -> None:
    pytest.importorskip("onnx")
    hwnas("adapt", ten, "--name", "b")
    hwnas("pareto", "--device", "b", "--budget-ms", "5", "--proxy", "zen", "--out", "front.json")
    code, out, err = hwnas("verify", "front.json", "--kit", "kit", "--nets", "3")
    assert (code, err) == (0, "") and "3 nets of the front zen for b are in kit" in out
    assert "then `hwnas verify front.json --results kit/results.json`" in out and Path("kit/agent.py").is_file()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("adapt", "ten.csv", "--name", "My_Board"), "expected a name of up to 60 lower-case letters"),
        (("adapt", "ten.csv", "--name", "tx2"), "'tx2', a device that comes with hwnas"),
        (("adapt", "none.csv", "--name", "b"), "expected measurements in none.csv, got no such file"),
        (("adapt", "ten.csv", "--name", "b", "--out", "b.txt"), "expected a file that ends in .json"),
        (("adapt", "ten.csv", "--name", "b", "--out", "no/b.json"), "make it first"),
        (("adapt", "ten.csv", "--name", "b", "--method", "best"), "method of adapting 'best' is not known"),
        (("adapt", "ten.csv", "--name", "b", "--add"), "to add to, got none; leave out --add"),
        (("adapt", "ten.csv", "--name", "b", "--space", "fbnet"), "is not an architecture of fbnet"),
        (("verify", "ten.csv"), "expected the JSON of `hwnas pareto"),
        (("verify", "front.json", "--nets", "1"), "at least 3 nets to measure again, got 1"),
        (("devices", "--remove"), "expected the name of a device to remove"),
        (("devices", "raspi4", "--remove"), "which comes with hwnas"),
    ],
)
def test_wrong_use_is_one_line_and_changes_nothing(
    hwnas: Hwnas, ten: str, tmp_path: Path, arguments: tuple[str, ...], says: str
) -> None:
    code, out, err = hwnas(*arguments)
    assert (
        code == (1 if arguments == ("verify", "ten.csv") else 2) and out == "" and says in err and err.count("\n") == 1
    )
    assert not (tmp_path / "home").exists()
