"""Nets run by benchmark_model, the tool that comes with TensorFlow Lite."""

import re
from pathlib import Path
from typing import Any

from hwnas.devices.agent.adb import Phone
from hwnas.devices.agent.files import sha256_of
from hwnas.devices.agent.litert import tflite_of
from hwnas.devices.agent.runs import Burst, Plan, RunError, Runtime
from hwnas.devices.agent.tools import NUMBER, find_tool, run_tool


class Tflite(Runtime):
    """TFLite's benchmark_model, on files `*.tflite`, here or on a phone.

    cores: mask for `taskset`, such as "f0" for the four big cores of many phones; empty for all.
    """

    name = "tflite"
    reads = ("tflite", "onnx")

    def __init__(
        self,
        tool: str = "benchmark_model",
        extra: "tuple[str, ...]" = (),
        threads: "int | None" = None,
        phone: "Phone | None" = None,
        cores: str = "",
    ) -> None:
        self._phone, self._extra, self._threads = phone, tuple(extra), threads
        self._tool = phone.program(tool) if phone else find_tool(tool)
        self._version = phone.shell(f"sha256sum {self._tool}").split()[:1] if phone else [sha256_of(Path(self._tool))]
        self._cores = cores
        self.uses_gpu = any("use_gpu=true" in word for word in extra)
        self.elsewhere = "the nets run on a phone, whose energy adb does not tell" if phone else ""

    def device(self) -> "dict[str, object]":
        """Facts of the phone where there is one."""
        return self._phone.facts() if self._phone else super().device()

    def conditions(self) -> "dict[str, object]":
        """Those of the phone where there is one."""
        return self._phone.conditions() if self._phone else super().conditions()

    def facts(self) -> "dict[str, Any]":
        """Settings; the tool states no version, its hash stands for it."""
        return {
            "version": "sha256 " + (self._version[0] if self._version else "unknown"),
            "arguments": list(self._extra),
            "threads": self._threads or "default",
            "precision": "as the .tflite files were converted",
            "timed": "inference alone",
            **({"cores": self._cores} if self._cores else {}),
        }

    def measure(self, path: Path, plan: Plan) -> Burst:
        """Median of one run of the tool; the mean where it is too old to print a median."""
        model = tflite_of(path)
        place = self._phone.push(model) if self._phone else str(model)
        command = ["taskset", self._cores] if self._cores else []
        command += [self._tool, f"--graph={place}", f"--num_runs={plan.min_runs}"]
        command += [f"--min_secs={plan.window_s}", f"--max_secs={plan.limit_s}"]
        command += ["--warmup_runs=3", f"--warmup_min_secs={plan.warmup_s}"]
        command += [f"--num_threads={self._threads}"] if self._threads else []
        command += list(self._extra)
        output = run_tool(self._phone.command(command) if self._phone else command)
        return parse_tflite(output.text, output.moment("count="))


def parse_tflite(output: str, end: float) -> Burst:
    """The last line `count=50 first=... avg=... [p5=... median=... p95=...]`, in microseconds."""
    lines = [line for line in output.splitlines() if re.search(r"\bcount=\d+ first=", line)]
    values = dict(re.findall(r"(\w+)=" + NUMBER, lines[-1])) if lines else {}
    if "avg" not in values:
        raise RunError("benchmark_model printed no line `count=... avg=...`")
    runs, mean_ms = int(values["count"]), float(values["avg"]) / 1e3
    latency_ms = {name: float(values[name]) / 1e3 for name in ("p5", "median", "p95") if name in values}
    statistic = "median that benchmark_model prints"
    if "median" not in latency_ms:
        latency_ms["median"], statistic = mean_ms, "mean: this benchmark_model prints no median"
    return Burst(latency_ms, runs, end - runs * mean_ms / 1e3, end, statistic)
