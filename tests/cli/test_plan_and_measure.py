"""`hwnas plan` and `hwnas measure` as a user meets them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from hwnas.cli import main
from hwnas.cli.app import resumable

Hwnas = Callable[..., tuple[int, str, str]]


@pytest.fixture
def hwnas(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Hwnas:
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


def test_plan_then_measure(hwnas: Hwnas, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    kit = str(tmp_path / "kit")
    code, out, err = hwnas("plan", "--out", kit, "-n", "3", "--check", "1", "--method", "random")
    assert (code, err) == (0, "") and "random: Drawn uniformly" in out and out.count("calibrate") == 3
    assert f"hwnas measure {kit}" in " ".join(out.split())
    usual = ("measure", kit, "--rounds", "1", "--window", "0", "--warmup", "0", "--threads", "1", "--meter", "none")
    code, out, err = hwnas(*usual)
    assert (code, err) == (0, "") and "energy not measured: no meter was wanted" in out and "latency ms" in out
    assert "written to" in out
    code, out, err = hwnas(*usual)
    assert (code, err) == (0, "") and "nothing was left to measure: all 4 measurements" in " ".join(out.split())
    code, out, _ = hwnas(*usual, "--json")
    answer = json.loads(out)
    assert code == 0 and answer["complete"] and len(answer["nets"]) == 4 and answer["path"].endswith("results.json")
    code, _, err = hwnas(*usual, "--runtime", "torch")
    assert code == 2 and "was begun with runtime" in err and err.count("\n") == 1


def test_a_busy_machine_is_said(hwnas: Hwnas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    monkeypatch.setattr("os.getloadavg", lambda: (5000.0, 1.0, 1.0))
    kit = str(tmp_path / "kit")
    hwnas("plan", "--out", kit, "-n", "3", "--method", "random")
    code, out, _ = hwnas("measure", kit, "--rounds", "1", "--window", "0", "--warmup", "0", "--meter", "none")
    assert code == 0 and "note: the machine was BUSY (load 5000.0 on " in " ".join(out.split())


def test_plan_as_json(hwnas: Hwnas, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    code, out, _ = hwnas(
        "plan", "--out", str(tmp_path / "kit"), "-n", "3", "--seed", "5", "--method", "spread", "--json"
    )
    answer = json.loads(out)
    assert code == 0 and answer["schema_version"] == 1 and answer["seed"] == 5 and answer["method"] == "spread"
    assert [net["role"] for net in answer["nets"]] == ["calibrate"] * 3


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("plan", "--out", "kit", "-n", "2"), "at least 3 nets"),
        (("plan", "--out", "kit", "--space", "nasbench202"), "did you mean 'nasbench201'"),
        (("plan", "--out", "kit", "--method", "bets"), "method of choosing nets 'bets' is not known"),
        (("measure", "nowhere"), "expected nowhere/manifest.json, got no such file"),
        (("measure", "nowhere", "--runtime", "trtexec"), "agent.py --runtime trtexec"),
    ],
)
def test_wrong_use_is_one_line_and_exit_code_2(
    hwnas: Hwnas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = hwnas(*arguments)
    assert code == 2 and out == "" and says in err and err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_an_interrupted_measurement_can_be_resumed() -> None:
    assert resumable(["measure", "kit", "--rounds", "5"]) and not resumable(["plan", "--out", "kit"])


def test_a_machine_that_does_not_name_its_processor_is_shown(
    hwnas: Hwnas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Linux on many ARM servers has no model name in /proc/cpuinfo."""
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    kit = str(tmp_path / "kit")
    hwnas("plan", "--out", kit, "-n", "3", "--method", "random")
    monkeypatch.setattr("hwnas.devices.agent.runs.host_facts", lambda: {"machine": "aarch64"})
    code, out, _ = hwnas("measure", kit, "--rounds", "1", "--window", "0", "--warmup", "0", "--meter", "none")
    assert code == 0 and "nasbench201 on cifar10, aarch64, onnxruntime" in out
