"""Networks that nobody here wrote, on this machine: predicted kernel by kernel against measured.

    hwnas kernels build --minutes 10
    python tests/benchmarks/kernels.py --folder DIR --device this-host
    python tests/benchmarks/kernels.py --folder OTHER --models dense

Exports the models of `kernels_models.py` (classifiers) or of `kernels_models_dense.py` (segmentation, depth,
detection, more pixels, speech, recurrent layers), of transformers and monai, measures them in interleaved rounds by
onnxruntime with one thread, and compares. What is measured is kept in DIR: the same command goes on. `--only report`
measures nothing.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from hwnas import metrics
from hwnas.api.predict_model import ModelPrediction, predict_model
from hwnas.devices.agent.onnx_runtime import OnnxRuntime
from hwnas.devices.agent.runs import Plan
from hwnas.graphs.onnx_file import optimised_nodes
from hwnas.latency.kernels.assignment import assign
from hwnas.latency.kernels.builder import network_kernels
from hwnas.predictors.boosting import positive_least_squares

PLAN = Plan(0.1, 0.5, 5, 3.0)


def measure(folder: Path, *, rounds: int) -> None:
    """Rounds over all models in a new order each, and one profile of each model."""
    runtime, out = OnnxRuntime(1), folder / "rounds.jsonl"
    done = {(line["model"], line["round"]) for line in read(out)}
    paths = sorted(folder.glob("*.onnx"))
    for number in range(rounds):
        order = list(paths)
        random.Random(number).shuffle(order)
        for path in order:
            if (path.stem, number) not in done:
                burst = runtime.measure(path, PLAN)
                append(out, {"model": path.stem, "round": number, "ms": burst.latency_ms["median"]})
    profiled = {line["model"] for line in read(folder / "profiles.jsonl")}
    for path in paths:
        if path.stem not in profiled:
            content = path.read_bytes()
            with tempfile.TemporaryDirectory() as name:
                timed = runtime.profile(content, Path(name), Plan(0.05, 0.3, 5, 2.0))
                nodes = optimised_nodes(Path(name) / "optimised.onnx")
            kernels = network_kernels(content)
            owners = assign(kernels, nodes)
            times: dict[str, float] = defaultdict(float)
            for node in nodes:
                times[kernels[owners[node.name]].name] += timed.nodes_ms.get(node.name, 0.0)
            append(folder / "profiles.jsonl", {"model": path.stem, "kernels_ms": times})


def report(folder: Path, *, device: str) -> dict[str, Any]:
    """Figures, and a row for each model."""
    rounds: dict[str, list[float]] = defaultdict(list)
    for line in read(folder / "rounds.jsonl"):
        rounds[line["model"]].append(line["ms"])
    times = {line["model"]: line["kernels_ms"] for line in read(folder / "profiles.jsonl")}
    names = sorted(rounds)
    answers = {name: predict_model(folder / f"{name}.onnx", device=device, target="latency") for name in names}
    measured = np.array([np.median(rounds[name]) for name in names])
    predicted = np.array([answers[name].costs["latency_ms"].mean for name in names], dtype=float)
    repeat = np.mean([np.mean(np.abs(np.array(rounds[n]) / np.median(rounds[n]) - 1)) for n in names]) * 100
    ends = np.array(
        [[answers[n].costs["latency_ms"].lower, answers[n].costs["latency_ms"].upper] for n in names], float
    )
    figures = {
        "models": len(names),
        "repeat_error": repeat,
        **errors(measured, predicted),
        "interval_coverage": 100 * float(np.mean((ends[:, 0] <= measured) & (measured <= ends[:, 1]))),
        "covered_time": 100 * float(np.mean([covered(answers[n], times[n]) for n in names if n in times])),
    }
    print(f"{'model':28} {'measured':>9} {'predicted':>9} {'error %':>8}  ms")
    for number in np.argsort(measured):
        off = 100 * (predicted[number] / measured[number] - 1)
        print(f"{names[number]:28} {measured[number]:9.2f} {predicted[number]:9.2f} {off:8.1f}")
    print_figures("kernel model", figures)
    work = np.array([[1.0, a.macs, sum(k.bytes_moved for k in a.kernels)] for a in answers.values()])
    for name, count in (("MACs", 2), ("MACs + bytes", 3)):
        print_figures(f"{name}, fitted to the other models", errors(measured, left_out(work[:, :count], measured)))
    return figures


def errors(true: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Rank correlation, and errors in percent."""
    return {
        "mape": metrics.mape(true, predicted),
        "median_ape": metrics.median_ape(true, predicted),
        "within_10": metrics.within(true, predicted),
        "spearman": metrics.spearman(true, predicted),
    }


def covered(answer: ModelPrediction, times: dict[str, float]) -> float:
    """Share of the measured time of kernels whose kind has a model."""
    known = {kernel.name for kernel in answer.kernels if kernel.costs["latency_ms"].mean is not None}
    return sum(value for name, value in times.items() if name in known) / sum(times.values())


def left_out(work: np.ndarray, measured: np.ndarray) -> np.ndarray:
    """Each model by times for work that were fitted to all other models: more than the kernel model may know."""
    predicted = []
    for number in range(len(work)):
        others = np.arange(len(work)) != number
        times = positive_least_squares(work[others] / measured[others][:, None], np.ones(int(others.sum())))
        predicted.append(float(work[number] @ times))
    return np.array(predicted)


def print_figures(name: str, figures: dict[str, float]) -> None:
    """One line."""
    print(f"{name}: " + ", ".join(f"{key} {value:.4g}" for key, value in figures.items()))


def read(path: Path) -> list[dict[str, Any]]:
    """Whole lines of JSON."""
    lines = path.read_text().split("\n")[:-1] if path.exists() else []
    return [json.loads(line) for line in lines]


def append(path: Path, line: dict[str, Any]) -> None:
    """One line more."""
    with path.open("a") as file:
        file.write(json.dumps(line) + "\n")


def main() -> None:
    """Export, measure, report."""
    parser = argparse.ArgumentParser(description="Kernel models against measured networks.")
    parser.add_argument("--folder", type=Path, required=True, help="for models and measurements")
    parser.add_argument("--device", default="this-host")
    parser.add_argument("--models", choices=("classifiers", "dense"), default="classifiers")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=("export", "measure", "report"))
    options = parser.parse_args()
    if options.only in (None, "export"):
        from kernels_models import cases, export
        from kernels_models_dense import dense_cases

        export(options.folder, {"classifiers": cases, "dense": dense_cases}[options.models]())
    if options.only in (None, "measure"):
        measure(options.folder, rounds=options.rounds)
    if options.only in (None, "report"):
        report(options.folder, device=options.device)


if __name__ == "__main__":
    main()
