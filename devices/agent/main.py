"""The command line of the agent on a board: `python3 agent.py --runtime trtexec`."""

import argparse
import shlex
import sys
from pathlib import Path

from hwnas.devices.agent.adb import Phone
from hwnas.devices.agent.busy import busy_note
from hwnas.devices.agent.campaign import Campaign, run_campaign, usual_plan
from hwnas.devices.agent.command import Command, CommandForm
from hwnas.devices.agent.files import AgentError, read_json
from hwnas.devices.agent.find_meter import METERS, choose_meter
from hwnas.devices.agent.litert import Litert
from hwnas.devices.agent.meters import Meter
from hwnas.devices.agent.onnx_runtime import OnnxRuntime
from hwnas.devices.agent.runs import Runtime
from hwnas.devices.agent.tflite import Tflite
from hwnas.devices.agent.trtexec import Trtexec

EPILOG = "Ctrl-C or a power cut loses one net of one round: run the same command again."


def make_runtime(options: argparse.Namespace) -> Runtime:
    """The runtime that the options ask for. Raises `AgentError`."""
    extra = tuple(shlex.split(options.tool_args))
    wanted = options.runtime or usual_runtime(options)
    if wanted != "tflite" and (options.adb is not None or options.cores):
        raise AgentError(
            f"expected --adb and --cores with --runtime tflite, got {wanted}; a phone runs benchmark_model"
        )
    if wanted == "trtexec":
        return Trtexec(options.tool or "trtexec", extra)
    if wanted == "tflite":
        phone = None if options.adb is None else Phone(options.adb)
        return Tflite(options.tool or "benchmark_model", extra, options.threads, phone, options.cores)
    if wanted == "litert":
        return Litert(options.threads, options.delegate)
    if wanted == "command":
        form = CommandForm(options.command, options.latency_regex, options.latency_key, options.latency_unit)
        return Command(form, options.uses_gpu)
    return OnnxRuntime(options.threads, options.provider)


def usual_runtime(options: argparse.Namespace) -> str:
    """The runtime of a kit where none is asked for. Raises `AgentError` where there is no kit."""
    if options.adb is not None:
        return "tflite"
    return "litert" if read_json(options.kit / "manifest.json").get("format") == "tflite" else "onnxruntime"


def find_meter(options: argparse.Namespace, runtime: Runtime) -> "tuple[Meter | None, str]":
    """The meter to read, or None and why there is none. Raises `AgentError` for a meter of another machine."""
    if not runtime.elsewhere:
        return choose_meter(options.meter, runtime.uses_gpu, options.gpu)
    if options.meter not in ("auto", "none"):
        raise AgentError(f"meter {options.meter} is of this machine: {runtime.elsewhere}; leave --meter out")
    return None, runtime.elsewhere


def parse_arguments(arguments: "list[str]") -> argparse.Namespace:
    """Options of the agent; the program ends with 2 for wrong ones."""
    parser = argparse.ArgumentParser(description="Measure the nets of a hwnas kit on this device.", epilog=EPILOG)
    add = parser.add_argument
    add(
        "--runtime",
        choices=("onnxruntime", "trtexec", "litert", "tflite", "command"),
        help="default: onnxruntime for a kit of ONNX files, litert for one of TFLite files, tflite with --adb",
    )
    add("--rounds", type=int, default=5, help="how often every net is measured (default 5)")
    add("--window", type=float, help="seconds of each measurement (default 2 with a meter, else 0.5)")
    add("--warmup", type=float, help="seconds before each measurement (default 1 with a meter, else 0.5)")
    add("--min-runs", type=int, default=30, help="runs of a net in a round, at least (default 30)")
    add("--idle", type=float, default=5.0, help="seconds in which the idle power is measured (default 5)")
    add("--threads", type=int, help="threads of onnxruntime, litert or tflite")
    add("--provider", default="CPUExecutionProvider", help="of onnxruntime, e.g. CUDAExecutionProvider")
    add("--delegate", default="", help="of litert: library of an accelerator, e.g. libedgetpu.so.1")
    add("--tool", default="", help="path of trtexec or benchmark_model")
    add(
        "--adb",
        nargs="?",
        const="",
        metavar="SERIAL",
        help="run benchmark_model on an Android phone",
    )
    add("--cores", default="", help='of benchmark_model: mask for taskset, e.g. "f0" for big cores')
    add("--tool-args", default="", help='more arguments for it, e.g. "--fp16"')
    add("--command", default="", help='e.g. "mytool {model} --n {n}"')
    add("--latency-regex", default="", help=r'where the command prints a latency, e.g. "time: ([0-9.]+) ms"')
    add("--latency-key", default="", help="or its key in the JSON that the command prints, e.g. timing.median")
    add("--latency-unit", default="ms", help="ms, us or s")
    add("--uses-gpu", action="store_true", help="the command runs on the GPU, so its meter counts")
    add("--meter", default="auto", help="auto, none, " + ", ".join(METERS))
    add("--gpu", type=int, default=0, help="number of the GPU for NVML")
    add("--kit", type=Path, default=Path(__file__).resolve().parent, help="folder of the kit (default: of this file)")
    add("--out", type=Path, help="results file (default: results.json in the kit)")
    return parser.parse_args(arguments)


def show(done: int, total: int, what: str) -> None:
    """One line per measurement."""
    print(f"[{done}/{total}] {what or 'begin'}", flush=True)


def main(arguments: "list[str]") -> int:
    """Measure the kit. Returns the exit code: 0, 1 where not all was measured, 2 for wrong use, 130 for Ctrl-C."""
    options = parse_arguments(arguments)
    out = options.out or options.kit / "results.json"
    try:
        runtime = make_runtime(options)
        meter, no_meter = find_meter(options, runtime)
        print("energy: " + (meter.name if meter else "not measured: " + no_meter), flush=True)
        plan = usual_plan(meter, options.warmup, options.window, options.min_runs)
        results = run_campaign(
            Campaign(options.kit, out, runtime, meter, no_meter, options.rounds, plan, options.idle), show
        )
    except (AgentError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2 if isinstance(error, AgentError) else 1
    except KeyboardInterrupt:
        print(f"interrupted; what was measured is kept in {out}: run the same command again", file=sys.stderr)
        return 130
    print(f"written to {out}; bring this file back and run `hwnas adapt` on it")
    for net in results["nets"]:
        if net["latency_ms"] is None:
            print(f"not measured: {net['name']}: {net['latency_reason']}", file=sys.stderr)
    worst = max(results["round_levels"] or [1.0], key=lambda level: abs(level - 1))
    if abs(worst - 1) > 0.05:
        print(f"note: one round was {worst - 1:+.0%} off the others: fix the clocks or let it cool")
    if busy_note(results):
        print("note: " + busy_note(results))
    return 0 if results["complete"] else 1
