"""Nets measured on a phone by adb and benchmark_model: what runs there, what is kept, what cannot be."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hwnas.devices.agent.files import sha256_of
from hwnas.devices.kit import KitFacts, KitNet, write_kit

from .phone import make_phone

FACTS = KitFacts(
    **{"space": "nasbench201", "dataset": "cifar10", "batch_size": 1, "seed": 0},
    **{"method": "random", "chosen": "By hand.", "format": "tflite", "precision": "int8"},
)
SIZES = {"000-4": 1000, "001-7": 2500}
Agent = Callable[..., "subprocess.CompletedProcess[str]"]


def write_tflite_kit(folder: Path) -> Path:
    """Two files that stand for nets; the phone's benchmark_model knows their size alone."""
    nets, files = [], {}
    for name, size in SIZES.items():
        net = KitNet(
            **{"name": name, "arch": name.split("-")[1], "index": int(name.split("-")[1]), "role": "calibrate"},
            **{"file": f"nets/{name}.tflite", "sha256": "", "input_shape": (1, 32, 32, 3)},
        )
        files[net.file] = b"x" * size
        (folder / "nets").mkdir(parents=True, exist_ok=True)
        (folder / net.file).write_bytes(files[net.file])
        nets.append(replace(net, sha256=sha256_of(folder / net.file)))
    write_kit(folder, facts=FACTS, nets=nets, files=files)
    return folder


@pytest.fixture
def agent(tmp_path: Path) -> Agent:
    """The joined agent of a TFLite kit, alone, with a phone."""
    kit, environment = write_tflite_kit(tmp_path / "kit"), make_phone(tmp_path)

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-I", "-S", "-W", "error", str(kit / "agent.py"), *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    return run


def results(tmp_path: Path) -> dict[str, Any]:
    return json.loads((tmp_path / "kit" / "results.json").read_text())


def test_a_phone_is_measured_from_the_computer_it_is_plugged_into(agent: Agent, tmp_path: Path) -> None:
    tool = str(tmp_path / "benchmark_model")
    done = agent("--adb", "--tool", tool, "--cores", "f0", "--threads", "4", "--rounds", "2")
    assert done.returncode == 0, done.stderr
    found = results(tmp_path)
    assert found["device"] == {
        **{"host": "8CKX1", "board": "Google Pixel 3", "cpu": "sdm845", "machine": "arm64-v8a", "cores": 8},
        **{"memory_gb": 3.5, "os": "Android 12", "governors": ["schedutil"], "cpu_max_mhz": 2803},
    }
    runtime = found["runtime"]
    assert runtime["name"] == "tflite" and runtime["version"] == "sha256 " + sha256_of(Path(tool))
    assert runtime["precision"] == "int8 files" and runtime["cores"] == "f0" and runtime["threads"] == 4
    assert {net["name"]: net["latency_ms"]["median"] for net in found["nets"]} == {
        name: pytest.approx(size * 3 / 1e3) for name, size in SIZES.items()
    }
    conditions = found["nets"][0]["rounds"][0]["conditions"]
    assert conditions == {"cpu_mhz": 1100, "temperature_c": 28.7, "battery_percent": 83}
    assert all(net["energy_mj"] is None and "phone" in net["energy_reason"] for net in found["nets"])
    phone = tmp_path / "phone"
    assert (phone / "mask").read_text() == "f0\n"
    assert (phone / "adb.log").read_text().count("push") == 3, "the tool and each net once, in all rounds"
    (ran, *_) = (phone / "tmp" / "hwnas" / "benchmark.log").read_text().splitlines()
    assert "--num_threads=4" in ran and "--num_runs=30" in ran


def test_results_of_another_phone_are_not_mixed_in(agent: Agent, tmp_path: Path) -> None:
    tool = str(tmp_path / "benchmark_model")
    assert agent("--adb", "--tool", tool, "--rounds", "1").returncode == 0
    other = agent("--adb", "8CKX2", "--tool", tool, "--rounds", "2")
    assert other.returncode == 2 and "was begun with device host '8CKX1', now it is '8CKX2'" in other.stderr
    assert agent("--adb", "--tool", tool, "--rounds", "2").returncode == 0
    assert [len(net["rounds"]) for net in results(tmp_path)["nets"]] == [2, 2]


def test_a_program_that_is_on_the_phone_already_is_taken(agent: Agent, tmp_path: Path) -> None:
    (tmp_path / "phone" / "tmp").mkdir()
    shutil.copy(tmp_path / "benchmark_model", tmp_path / "phone" / "tmp" / "own_build")
    assert agent("--adb", "--tool", "/data/local/tmp/own_build", "--rounds", "1").returncode == 0
    assert results(tmp_path)["runtime"]["version"] == "sha256 " + sha256_of(tmp_path / "benchmark_model")


def test_what_cannot_be_is_said_before_anything_is_measured(agent: Agent, tmp_path: Path) -> None:
    tool = ("--tool", str(tmp_path / "benchmark_model"))
    for arguments, said in {
        ("--adb", "--tool", "./nowhere"): "neither a file here nor on the phone",
        ("--adb", *tool, "--meter", "rapl"): "meter rapl is of this machine",
        ("--adb", "--runtime", "onnxruntime"): "expected --adb and --cores with --runtime tflite, got onnxruntime",
        ("--runtime", "trtexec", *tool): "expected a kit of onnx files for trtexec, got one of tflite files",
    }.items():
        failed = agent(*arguments)
        assert failed.returncode == 2 and said in failed.stderr, failed.stderr
    (tmp_path / "phone" / "unplugged").touch()
    failed = agent("--adb", *tool)
    assert failed.returncode == 2 and "adb reaches no phone" in failed.stderr
    assert not (tmp_path / "kit" / "results.json").exists()


def test_a_phone_that_goes_away_loses_no_round_that_was_measured(agent: Agent, tmp_path: Path) -> None:
    tool = ("--tool", str(tmp_path / "benchmark_model"))
    assert agent("--adb", *tool, "--rounds", "1").returncode == 0
    broken = tmp_path / "phone" / "bin" / "taskset"
    broken.write_text("#!/bin/sh\necho 'error: device offline'; exit 1\n")
    failed = agent("--adb", *tool, "--cores", "f0", "--rounds", "1", "--out", str(tmp_path / "other.json"))
    assert failed.returncode == 1 and "device offline" in failed.stderr
    assert [len(net["rounds"]) for net in results(tmp_path)["nets"]] == [1, 1]
