"""Nets run by trtexec, the tool that comes with TensorRT."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

from hwnas.devices.agent.files import sha256_of
from hwnas.devices.agent.host import output_of
from hwnas.devices.agent.runs import Burst, Plan, RunError, Runtime
from hwnas.devices.agent.tools import NUMBER, find_tool, run_tool


class Trtexec(Runtime):
    """TensorRT's own tool. Engines are built once and kept beside the nets."""

    name = "trtexec"
    reads = ("onnx",)
    uses_gpu = True

    def __init__(self, tool: str = "trtexec", extra: "tuple[str, ...]" = ()) -> None:
        self._tool, self._extra = find_tool(tool), tuple(extra)
        version = re.search(r"TensorRT[ .:v]+(?:version:? )?\[?v?([0-9.]+)", output_of([self._tool, "--help"]))
        self._version = version.group(1) if version else "not stated"

    def facts(self) -> "dict[str, Any]":
        """Version, arguments, what is timed."""
        precision = [word[2:] for word in self._extra if word in ("--fp16", "--int8", "--best")]
        return {
            "version": self._version,
            "arguments": list(self._extra),
            "precision": "+".join(precision) or "fp32 (TF32 where the GPU has it)",
            "timed": "host latency: copy to the device, computing, copy back",
        }

    def measure(self, path: Path, plan: Plan) -> Burst:
        """Median host latency of one run of trtexec."""
        engine = self._engine(path)
        if not engine.exists():
            part = engine.with_name(engine.name + ".part")
            run_tool([self._tool, f"--onnx={path}", f"--saveEngine={part}", *self._extra])
            part.replace(engine)
        command = [self._tool, f"--loadEngine={engine}", f"--warmUp={plan.warmup_s * 1e3:.0f}"]
        command += [f"--duration={max(1.0, plan.window_s):.0f}", f"--iterations={plan.min_runs}"]
        output = run_tool(command + list(self._extra))
        # This line comes right after the last run; the program goes on for a while to report and to clean up.
        return parse_trtexec(output.text, output.moment("Timing trace has"))

    def _engine(self, path: Path) -> Path:
        """Where the engine of a net lies: another for other arguments, another TensorRT or another content."""
        made_of = json.dumps([self._version, self._extra, sha256_of(path)])
        return path.with_name(f"{path.stem}-{hashlib.sha256(made_of.encode()).hexdigest()[:16]}.engine")


def parse_trtexec(output: str, end: float) -> Burst:
    """TensorRT 8 and later print `Latency: ... median = 1.2 ms`, 7 prints `Host Latency` and below `median: 1.2 ms`."""
    found = re.search(r"(?<!H2D )(?<!D2H )\bLatency\b[:\s][\s\S]*?\bmedian(?: =|:) " + NUMBER + " ms", output)
    if not found:
        raise RunError("trtexec printed no line `Latency: ... median = ... ms`")
    latency_ms = {"median": float(found.group(1))}
    compute = re.search(r"GPU Compute(?: Time)?\b[:\s][\s\S]*?\bmedian(?: =|:) " + NUMBER + " ms", output)
    if compute:
        latency_ms["gpu_compute_median"] = float(compute.group(1))
    trace = re.search(r"Timing trace has (\d+) queries over " + NUMBER + " s", output)
    runs, seconds = (int(trace.group(1)), float(trace.group(2))) if trace else (None, 0.0)
    return Burst(latency_ms, runs, end - seconds, end, "median that trtexec prints")
