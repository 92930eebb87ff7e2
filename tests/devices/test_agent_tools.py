"""Runtimes of the agent against tools that print what the real ones print, and what it says of a machine."""

from __future__ import annotations

import json
import stat
import sys
from pathlib import Path

import numpy as np
import pytest

from hwnas.devices.agent import host
from hwnas.devices.agent.command import Command, CommandForm, parse_output
from hwnas.devices.agent.files import AgentError
from hwnas.devices.agent.runs import Plan, RunError, time_runs
from hwnas.devices.agent.tflite import Tflite, parse_tflite
from hwnas.devices.agent.timings import percentile, round_levels
from hwnas.devices.agent.tools import run_tool
from hwnas.devices.agent.trtexec import Trtexec, parse_trtexec

PLAN = Plan(warmup_s=0.0, window_s=0.5, min_runs=20)

# As TensorRT 10 prints it (shortened), with the other latencies that must not be taken for it.
TENSORRT_10 = """[I] TensorRT version: 10.3.0
[I] Average on 10 runs - GPU latency: 7.1 ms - Host latency: 7.3 ms (enqueue 2.7 ms)
[I] Timing trace has 391 queries over 3.00082 s
[I] === Performance summary ===
[I] Throughput: 130.298 qps
[I] Latency: min = 5.38672 ms, max = 13.3664 ms, mean = 7.60628 ms, median = 7.16092 ms, percentile(99%) = 12.9 ms
[I] Enqueue Time: min = 2.72876 ms, max = 15.0 ms, mean = 7.63 ms, median = 7.86694 ms, percentile(99%) = 14.1 ms
[I] H2D Latency: min = 0.006 ms, max = 0.069 ms, mean = 0.012 ms, median = 0.00814819 ms, percentile(99%) = 0.05 ms
[I] GPU Compute Time: min = 5.34 ms, max = 13.3 ms, mean = 7.58404 ms, median = 7.14139 ms, percentile(99%) = 12.9 ms
"""
TENSORRT_7 = """[I] Average on 10 runs - GPU latency: 1.56245 ms - Host latency: 1.65786 ms (end to end 2.76426 ms)
[I] Host Latency
[I] min: 1.64058 ms (end to end 1.66368 ms)
[I] median: 1.65601 ms (end to end 3.01636 ms)
[I] GPU Compute
[I] median: 1.56055 ms
"""
TFLITE = """INFO: Running benchmark for at least 1 iterations and at least 0.5 seconds
INFO: count=4 first=1357602 curr=1240143 min=1238588 max=1357602 avg=1.27e+06 std=50000
INFO: count=50 first=1249964 curr=1240143 min=1238588 max=1252566 avg=1.24027e+06 std=2565 PERCENTILES
INFO: Inference timings in us: Init: 5579, First inference: 1357602, Inference (avg): 1.24027e+06
""".replace("PERCENTILES", "p5=1238753 median=1239807 p95=1247415")


def tool(folder: Path, name: str, prints: str) -> Path:
    """An executable that keeps its arguments in a file and prints a text."""
    path = folder / name
    log = folder / f"{name}.log"
    lines = [f"#!{sys.executable}", "import sys, pathlib", f"log = pathlib.Path({str(log)!r})"]
    lines += ["log.write_text((log.read_text() if log.exists() else '') + ' '.join(sys.argv[1:]) + '\\n')"]
    lines += ["saved = [a.split('=')[1] for a in sys.argv if a.startswith('--saveEngine')]"]
    lines += ["[pathlib.Path(name).write_text('engine') for name in saved]", f"print({prints!r})"]
    path.write_text("\n".join(lines))
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_trtexec_of_two_generations() -> None:
    new = parse_trtexec(TENSORRT_10, end=100.0)
    assert new.latency_ms == {"median": 7.16092, "gpu_compute_median": 7.14139}
    assert (new.runs, new.end) == (391, 100.0) and new.start == pytest.approx(100 - 3.00082)
    old = parse_trtexec(TENSORRT_7, end=0.0)
    assert old.latency_ms == {"median": 1.65601, "gpu_compute_median": 1.56055} and old.runs is None
    with pytest.raises(RunError, match="no line"):
        parse_trtexec("&&&& FAILED", end=0.0)


def test_trtexec_builds_an_engine_once(tmp_path: Path) -> None:
    runtime = Trtexec(str(tool(tmp_path, "trtexec", TENSORRT_10)), ("--fp16",))
    assert runtime.facts()["version"] == "10.3.0" and runtime.facts()["precision"] == "fp16" and runtime.uses_gpu
    (tmp_path / "net.onnx").write_text("net")
    assert [runtime.measure(tmp_path / "net.onnx", PLAN).latency_ms["median"] for _ in range(2)] == [7.16092] * 2
    calls = (tmp_path / "trtexec.log").read_text().splitlines()[1:]
    assert [("--saveEngine" in call, "--loadEngine" in call) for call in calls] == [
        (True, False),
        (False, True),
        (False, True),
    ]
    assert all("--fp16" in call for call in calls) and "--iterations=20" in calls[1]
    assert len(list(tmp_path.glob("net-*.engine"))) == 1 and not list(tmp_path.glob("*.part"))


def test_an_engine_is_of_its_arguments_and_of_its_net(tmp_path: Path) -> None:
    """Arguments may hold any characters, such as those of a path."""
    path, net = str(tool(tmp_path, "trtexec", TENSORRT_10)), tmp_path / "net.onnx"
    net.write_text("net")
    cached = ("--fp16", f"--timingCacheFile={tmp_path}/cache")
    for extra in ((), ("--fp16",), cached, ("--fp16", "x" * 300)):
        for _ in range(2):
            assert Trtexec(path, extra).measure(net, PLAN).latency_ms["median"] == 7.16092
    assert len(list(tmp_path.glob("net-*.engine"))) == 4
    net.write_text("another net")
    Trtexec(path, cached).measure(net, PLAN)
    assert len(list(tmp_path.glob("net-*.engine"))) == 5
    newer = Trtexec(str(tool(tmp_path, "trtexec", TENSORRT_10.replace("10.3.0", "10.4.0"))), cached)
    newer.measure(net, PLAN)
    assert len(list(tmp_path.glob("net-*.engine"))) == 6
    assert (tmp_path / "trtexec.log").read_text().count("--saveEngine") == 6


def test_tflite_takes_the_last_count_in_milliseconds(tmp_path: Path) -> None:
    burst = parse_tflite(TFLITE, end=100.0)
    assert burst.latency_ms == pytest.approx({"p5": 1238.753, "median": 1239.807, "p95": 1247.415})
    assert burst.runs == 50 and burst.start == pytest.approx(100 - 50 * 1.24027)
    old = parse_tflite(TFLITE.replace(" p5=1238753 median=1239807 p95=1247415", ""), end=0.0)
    assert old.latency_ms == {"median": pytest.approx(1240.27)} and old.statistic.startswith("mean")
    with pytest.raises(RunError, match="no line"):
        parse_tflite("", end=0.0)
    runtime = Tflite(str(tool(tmp_path, "benchmark_model", TFLITE)), threads=3)
    with pytest.raises(RunError, match=r"net\.tflite is missing"):
        runtime.measure(tmp_path / "net.onnx", PLAN)
    (tmp_path / "net.tflite").write_text("net")
    assert runtime.measure(tmp_path / "net.onnx", PLAN).runs == 50
    assert "--num_threads=3" in (tmp_path / "benchmark_model.log").read_text()


def test_a_command_prints_json_or_lines_in_any_unit() -> None:
    document = 'warming up\n{"timing": {"runs_us": [1000, 3000, 2000], "median": 0.002}}\ndone'
    many = parse_output(document, CommandForm("x {model}", key="timing.runs_us", unit="us"), end=10.0)
    assert many.latency_ms["median"] == 2.0 and many.runs == 3 and many.end - many.start == pytest.approx(0.006)
    one = parse_output(document, CommandForm("x {model}", key="timing.median", unit="s"), end=10.0)
    assert one.latency_ms == {"median": 2.0} and one.runs is None
    lines = parse_output("t=4.0\nt=6.0\nt=5.0", CommandForm("x {model}", regex=r"t=([\d.]+)"), end=0.0)
    assert lines.latency_ms["median"] == 5.0
    for form in (
        CommandForm("x", key="timing.mode"),
        CommandForm("x", regex="z=([0-9]+)"),
        CommandForm("x", key="timing"),
    ):
        with pytest.raises(RunError):
            parse_output(document, form, end=0.0)


def test_the_wall_time_of_a_command_is_a_last_resort_that_says_so(tmp_path: Path) -> None:
    runtime = Command(CommandForm(f"{sys.executable} -c 'import time; time.sleep(0.2)' {{model}} {{n}}"))
    burst = runtime.measure(tmp_path / "net.onnx", PLAN)
    assert 200 / 20 < burst.latency_ms["median"] == pytest.approx((burst.end - burst.start) * 1e3 / 20)
    assert "start-up included" in burst.statistic and runtime.facts()["timed"].startswith("wall time")
    with pytest.raises(RunError, match="does not start"):
        Command(CommandForm("/nowhere/tool {model}")).measure(tmp_path, PLAN)
    with pytest.raises(RunError, match="it may name"):
        Command(CommandForm("tool {model} {colour}")).measure(tmp_path, PLAN)
    with pytest.raises(AgentError, match=r"expected \{model\}"):
        Command(CommandForm("tool"))


def test_runs_are_warmed_up_timed_and_bounded() -> None:
    calls: list[int] = []
    burst = time_runs(lambda: calls.append(1), Plan(warmup_s=0.0, window_s=0.0, min_runs=30))
    assert burst.runs == 30 and len(calls) == 33
    assert burst.latency_ms["p5"] <= burst.latency_ms["median"] <= burst.latency_ms["p95"]
    slow = time_runs(lambda: calls.append(1), Plan(warmup_s=0.0, window_s=9.0, min_runs=30, limit_s=0.0))
    assert slow.runs == 3, "a net that takes minutes is not run thirty times"


def test_percentiles_are_numpys() -> None:
    values = np.random.default_rng(0).lognormal(size=37)
    for percent in (0.0, 5.0, 25.0, 50.0, 99.0, 100.0):
        assert percentile(values.tolist(), percent) == pytest.approx(np.percentile(values, percent))


def test_levels_show_the_slow_round() -> None:
    usual = {"a": 1.0, "b": 5.0, "c": 20.0}
    rounds = [{number: latency * (1.3 if number == 2 else 1.0) for number in range(5)} for latency in usual.values()]
    assert round_levels(rounds) == pytest.approx({0: 1.0, 1: 1.0, 2: 1.3, 3: 1.0, 4: 1.0})
    assert round_levels([{}, {0: 2.0}]) == {0: 1.0}


def test_a_machine_says_what_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {
        "proc/cpuinfo": "processor : 0\nmodel name\t: ARMv8 Processor rev 3 (v8l)\n",
        "proc/meminfo": "MemTotal:        8040000 kB\n",
        "proc/device-tree/model": "NVIDIA Jetson TX2\0",
        "etc/os-release": 'NAME=Ubuntu\nPRETTY_NAME="Ubuntu 18.04.6 LTS"\n',
        "etc/nv_tegra_release": "# R32 (release), REVISION: 7.1\nmore\n",
        "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "schedutil\n",
        "sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq": "2035200\n",
        "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq": "1000000\n",
        "sys/devices/system/cpu/cpu1/cpufreq/scaling_cur_freq": "2000000\n",
        "sys/class/thermal/thermal_zone0/temp": "41500\n",
        "sys/class/thermal/thermal_zone1/temp": "38000\n",
        "sys/class/devfreq/17000000.gpu/cur_freq": "1300500000\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(host, "output_of", lambda command: "NV Fan Mode:quiet\nNV Power Mode: MAXN\n0\n")
    facts = host.host_facts(tmp_path)
    assert (facts["board"], facts["power_mode"], facts["governors"]) == ("NVIDIA Jetson TX2", "MAXN", ["schedutil"])
    assert (facts["cpu"], facts["os"], facts["cpu_max_mhz"]) == (
        "ARMv8 Processor rev 3 (v8l)",
        "Ubuntu 18.04.6 LTS",
        2035,
    )
    assert facts["memory_gb"] == 7.7 and facts["tegra"] == "# R32 (release), REVISION: 7.1"
    now = host.conditions(tmp_path)
    assert (now["cpu_mhz"], now["gpu_mhz"], now["temperature_c"]) == (1500, 1300, 41.5)
    bare = host.host_facts(tmp_path / "empty")
    assert "board" not in bare and "power_mode" in bare and json.dumps(bare)


def test_lines_have_the_moments_at_which_they_were_printed(tmp_path: Path) -> None:
    code = "import time; print('ready', flush=True); time.sleep(0.3); print('done', flush=True); time.sleep(0.2)"
    output = run_tool([sys.executable, "-c", code])
    assert output.text == "ready\ndone\n" and output.start < output.moment("ready")
    assert output.moment("done") - output.moment("ready") >= 0.29 and output.end - output.moment("done") >= 0.19
    assert output.moment("absent") == output.end and output.moment() == output.moment("done")
    with pytest.raises(RunError, match="exits with 3: too hot"):
        run_tool([sys.executable, "-c", "print('too hot'); raise SystemExit(3)"])


def test_the_output_of_a_tool_that_is_not_there_is_empty() -> None:
    assert host.output_of(["/nowhere/nvpmodel", "-q"]) == "" and host.output_of(["false"]) == ""


def test_output_in_another_encoding_is_no_reason_to_stop() -> None:
    code = "import sys; sys.stdout.buffer.write(b'median: 12.5 \\xb5s\\n')"
    output = run_tool([sys.executable, "-c", code])
    assert parse_output(output.text, CommandForm("x", regex=r"median: ([0-9.]+)", unit="us"), 0.0).latency_ms == {
        "median": pytest.approx(0.0125)
    }


def test_sensors_that_are_off_are_left_out(tmp_path: Path) -> None:
    files = {
        "sys/class/thermal/thermal_zone0/temp": "",
        "sys/class/thermal/thermal_zone1/temp": "-12000\n",
        "sys/class/devfreq/17000000.gpu/cur_freq": "",
        "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq": "<unknown>\n",
        "sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq": "<unknown>\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    now = host.conditions(tmp_path)
    assert now["temperature_c"] == -12.0 and "gpu_mhz" not in now and "cpu_mhz" not in now
    assert "cpu_max_mhz" not in host.host_facts(tmp_path)
