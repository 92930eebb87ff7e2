"""The agent as it runs on a board: one file, plain Python, a command as runtime."""

from __future__ import annotations

import ast
import fcntl
import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from hwnas.devices.kit import AGENT_FOLDER, AGENT_PARTS, agent_source

NETS = {"000-4": 2.0, "001-7": 4.0, "002-9": 6.0}


def read(kit: Path) -> dict[str, Any]:
    return json.loads((kit / "results.json").read_text())


def test_it_measures_and_says_what_it_did(kit: Path, agent: Any) -> None:
    done = agent("--rounds", "3", "--min-runs", "20", "--meter", "none")
    assert (done.returncode, done.stderr) == (0, "")
    results = read(kit)
    assert results["complete"] and results["kit"]["space"] == "nasbench201" and results["round_levels"] == [1.0] * 3
    assert results["runtime"]["timed"] == "as the command prints it" and results["device"]["cores"] >= 1
    for net in results["nets"]:
        latency = net["latency_ms"]
        # The tool's runs are the net's latency times 0.98, 0.99, 1, 1.01, 1.02 in turn.
        assert latency["median"] == pytest.approx(NETS[net["name"]]) and latency["rounds"] == [latency["median"]] * 3
        assert latency["runs"] == 60 and latency["runs_p95"] == pytest.approx(1.02 * NETS[net["name"]])
        assert net["energy_mj"] is None and net["energy_reason"] == "no meter was wanted"
        assert [record["round"] for record in net["rounds"]] == [0, 1, 2]
    assert "[9/9]" in done.stdout and "energy: not measured: no meter was wanted" in done.stdout


def test_a_busy_board_is_said(kit: Path, agent: Any) -> None:
    agent("--rounds", "1", "--meter", "none")
    results = read(kit)
    for net in results["nets"]:
        net["rounds"][0]["conditions"].update(load_1min=50.0, cores_online=4)
    (kit / "results.json").write_text(json.dumps(results))
    assert "note: the machine was BUSY (load 50.0 on 4 cores" in agent("--rounds", "1", "--meter", "none").stdout


def test_rounds_are_interleaved_in_changing_order(kit: Path, agent: Any) -> None:
    done = agent("--rounds", "4", "--meter", "none")
    order = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("[") and "begin" not in line]
    rounds = [order[i : i + 3] for i in range(0, 12, 3)]
    assert all(sorted(turn) == sorted(NETS) for turn in rounds) and len({tuple(turn) for turn in rounds}) > 1


def test_a_finished_run_does_nothing_again_and_more_rounds_go_on(kit: Path, agent: Any) -> None:
    agent("--rounds", "1", "--meter", "none")
    before = (kit / "results.json").read_bytes()
    again = agent("--rounds", "1", "--meter", "none")
    assert again.returncode == 0 and (kit / "results.json").read_bytes() == before
    assert "[1/3]" not in again.stdout
    agent("--rounds", "2", "--meter", "none")
    nets = read(kit)["nets"]
    assert [len(net["rounds"]) for net in nets] == [2, 2, 2]
    assert nets[0]["rounds"][0] == json.loads(before)["nets"][0]["rounds"][0]


@pytest.mark.parametrize("stop", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_run_goes_on_where_it_was(kit: Path, agent: Any, stop: signal.Signals) -> None:
    slow = f"{sys.executable} -c 'import time; time.sleep(0.3); print(5)' {{model}}"
    command = [sys.executable, "-I", "-S", str(kit / "agent.py"), "--runtime", "command", "--command", slow]
    command += ["--latency-regex", "([0-9]+)", "--rounds", "2", "--meter", "none"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    while not process.stdout.readline().startswith("[2/6]"):
        pass
    process.send_signal(stop)
    _, said = process.communicate()
    assert process.returncode == (130 if stop == signal.SIGINT else -9)
    kept = read(kit)
    done = sum(len(net["rounds"]) for net in kept["nets"])
    assert 2 <= done < 6 and not kept["complete"]
    if stop == signal.SIGINT:
        assert "run the same command again" in said and "Traceback" not in said
    rest = subprocess.run(command, capture_output=True, text=True, check=True)
    assert f"[{done}/6] begin" in rest.stdout and read(kit)["complete"]
    assert not list(kit.glob("*.part"))


def test_a_net_that_fails_is_not_measured_and_the_others_are(kit: Path, agent: Any) -> None:
    tool = kit / "tool.py"
    good = tool.read_text()
    tool.write_text(good + "\nif latency == 4.0: sys.exit('out of memory')\n")
    done = agent("--rounds", "2", "--meter", "none")
    results = read(kit)
    failed = next(net for net in results["nets"] if net["name"] == "001-7")
    assert done.returncode == 1 and not results["complete"]
    assert failed["latency_ms"] is None and "out of memory" in failed["latency_reason"]
    assert "not measured: 001-7" in done.stderr
    assert all(net["latency_ms"]["median"] > 0 for net in results["nets"] if net is not failed)
    tool.write_text(good)
    assert agent("--rounds", "2", "--meter", "none").returncode == 0 and read(kit)["complete"], (
        "what failed is tried again"
    )


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--rounds", "0"), "at least 1 for rounds, got 0"),
        (("--latency-regex", "("), "expected a regular expression"),
        (("--latency-regex", "time"), "expected a group"),
        (("--latency-unit", "hours"), "got 'hours'"),
        (("--command", "tool"), "expected {model}"),
        (("--meter", "wattmeter"), "got 'wattmeter'"),
        (("--runtime", "onnxruntime"), "onnxruntime is not installed"),
        (("--runtime", "trtexec", "--tool", "/nowhere/trtexec"), "is not found"),
        (("--kit", "/nowhere"), "got no such file"),
    ],
)
def test_wrong_use_is_one_line(kit: Path, agent: Any, arguments: tuple[str, ...], says: str) -> None:
    done = agent(*arguments)
    assert done.returncode == 2 and says in done.stderr and done.stderr.count("\n") == 1, done.stderr
    assert not (kit / "results.json").exists()


def test_files_that_changed_on_the_way_are_refused(kit: Path, agent: Any) -> None:
    (kit / "nets" / "001-7.onnx").write_text("5 cut off")
    assert "001-7.onnx is not the file that was planned" in agent().stderr
    (kit / "nets" / "001-7.onnx").unlink()
    assert "got no such file" in agent().stderr
    manifest = json.loads((kit / "manifest.json").read_text())
    (kit / "manifest.json").write_text(json.dumps({**manifest, "schema_version": 99}))
    assert "expected a kit of schema 1" in agent().stderr
    (kit / "manifest.json").write_text(json.dumps(manifest)[:100])
    assert "expected JSON" in agent().stderr


def test_results_of_other_settings_are_not_mixed(kit: Path, agent: Any) -> None:
    agent("--rounds", "1", "--meter", "none")
    other = agent("--rounds", "1", "--meter", "none", "--latency-regex", "run ([0-9]+)", "--warmup", "9")
    assert other.returncode == 2 and "was begun with protocol warmup_s 0.5, now it is 9.0" in other.stderr
    fine = agent("--rounds", "1", "--meter", "none", "--warmup", "9", "--out", str(kit / "other.json"))
    assert fine.returncode == 0 and (kit / "other.json").exists()
    (kit / "results.json").write_text('{"kind": "hwna')
    assert "expected JSON" in agent("--rounds", "1").stderr


def test_a_folder_that_cannot_be_written_is_one_line(kit: Path, agent: Any) -> None:
    done = agent("--rounds", "1", "--meter", "none", "--out", str(kit / "absent" / "results.json"))
    assert done.returncode == 1 and "No such file" in done.stderr and done.stderr.count("\n") == 1


def test_two_agents_do_not_disturb_each_other(kit: Path, agent: Any) -> None:
    with (kit / "manifest.json").open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert "is being measured by another process" in agent("--meter", "none").stderr


def test_energy_from_a_made_up_board(kit: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The joined file, imported: its command finds the meter of a made-up board of 2.5 W and counts energy by it."""
    names: dict[str, Any] = {"__name__": "agent", "__file__": str(kit / "agent.py")}
    exec(compile((kit / "agent.py").read_text(), "agent.py", "exec"), names)
    chip = kit / "root/sys/bus/i2c/drivers/ina3221x/0-0041/iio:device1"
    chip.mkdir(parents=True)
    (chip / "rail_name_0").write_text("VDD_IN\n")
    (chip / "in_power0_input").write_text("2500\n")
    meter, reason = names["choose_meter"]("auto", root=kit / "root")
    assert reason == "" and meter.name == "INA3221"
    tool = f"{sys.executable} -c 'import time; time.sleep(0.4); print(3)' {{model}}"
    campaign = names["Campaign"](
        kit=kit,
        out=kit / "results.json",
        runtime=names["Command"](names["CommandForm"](tool)),
        meter=meter,
        no_meter="",
        rounds=1,
        idle_s=0.4,
    )
    results = names["run_campaign"](campaign, lambda done, total, what: None)
    assert results["idle_power_w"] == pytest.approx(2.5) and results["meter"]["total_rails"] == ["VDD_IN"]
    for net in results["nets"]:
        # One run of the whole process: 2.5 W times its wall time, in mJ.
        assert net["energy_mj"]["median"] == pytest.approx(2.5 * net["latency_ms"]["median"])
        assert net["energy_mj"]["above_idle_median"] == pytest.approx(0, abs=1e-6 * net["energy_mj"]["median"])
    assert results["nets"][0]["rounds"][0]["statistic"].startswith("wall time of the process")
    (chip / "in_power0_input").write_text("0\n")
    (kit / "results.json").unlink()
    nothing = names["run_campaign"](campaign, lambda done, total, what: None)
    assert nothing["idle_power_w"] is None
    assert {net["energy_mj"] for net in nothing["nets"]} == {None}
    assert nothing["nets"][0]["energy_reason"] == "INA3221 sensor reads 0 (VDD_IN)"


def test_the_parts_fit_together() -> None:
    """No two parts define the same name, and each uses only those before it."""
    owner: dict[str, str] = {}
    for part in AGENT_PARTS:
        for node in ast.parse((AGENT_FOLDER / f"{part}.py").read_text()).body:
            if isinstance(node, ast.ImportFrom) and str(node.module).startswith("hwnas."):
                assert AGENT_PARTS.index(str(node.module).split(".")[-1]) < AGENT_PARTS.index(part)
                assert all(alias.asname is None for alias in node.names)
                continue
            targets = [node.name] if isinstance(node, ast.FunctionDef | ast.ClassDef) else []
            if isinstance(node, ast.Assign):
                targets = [ast.unparse(target) for target in node.targets]
            for name in targets:
                assert owner.setdefault(name, part) == part, f"{name} is in {owner[name]} and {part}"
    assert {path.stem for path in AGENT_FOLDER.glob("*.py")} == {*AGENT_PARTS, "__init__"}


def test_it_needs_the_standard_library_alone() -> None:
    tree = ast.parse(agent_source(), feature_version=(3, 6))
    names = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    names |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    foreign = {name for name in names if str(name).split(".")[0] not in sys.stdlib_module_names}
    assert foreign == {"onnxruntime", "numpy"}, "only where that runtime is asked for"


def test_it_runs_on_python_3_6(kit: Path, agent: Any) -> None:
    python = shutil.which("python3.6")
    if python is None or subprocess.run([python, "--version"], capture_output=True, check=False).returncode:
        pytest.skip("there is no Python 3.6 here")
    started = time.time()
    done = agent("--rounds", "1", "--meter", "none", python=python)
    assert done.returncode == 0, done.stderr
    assert read(kit)["device"]["python"].startswith("3.6.") and (kit / "results.json").stat().st_mtime >= started - 1
