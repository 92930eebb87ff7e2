"""The models of one board: fitted to its measurements, written as files, and what is said of them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Final, final

import numpy as np

from hwnas import metrics
from hwnas.api.adapt_energy import EnergyFit, fit_energy
from hwnas.api.adapt_forms import Figures, Suspicion, figures
from hwnas.api.board_cards import variant_name
from hwnas.api.board_measurements import keep_measurements
from hwnas.api.joined_measurements import selected
from hwnas.api.measure import RUNTIMES
from hwnas.arrays import Array, Float
from hwnas.devices import Adapted
from hwnas.devices.user_devices import keep_models
from hwnas.energy.boards import save_energy
from hwnas.errors import UsageError
from hwnas.latency.fewshot import left_out_parts
from hwnas.latency.measurements import Measurements
from hwnas.latency.methods import ALONE, AdaptedLatency, get_method, method_for
from hwnas.latency.observations import FEWEST
from hwnas.predictors.fewshot_baselines import BASELINES
from hwnas.spaces import Space, get_space

_POPULATION: Final = 1000  # networks over which the width of intervals is reported


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class BoardFit:
    """Models of one board.

    measured: what they rest on (`used`) and what only judges them (`checks`). left_out: latency (ms) of
    each net of `used` as the others predict it.
    """

    space: Space
    measured: Measurements
    method: str
    latency: AdaptedLatency
    left_out: Float[Array, " n"]
    energy: EnergyFit

    @property
    def used(self) -> Measurements:
        """The measurements that the models rest on."""
        return _of_role(self.measured, "calibrate")

    @property
    def checks(self) -> Measurements:
        """Those that only judge the models; perhaps none."""
        return _of_role(self.measured, "check")


def _of_role(measured: Measurements, role: str) -> Measurements:
    return selected(measured, np.array([its == role for its in measured.roles]))


def fit_board(
    measured: Measurements, *, reference: str, method: str, power_w: float | None, power_error: float
) -> BoardFit:
    """Fit latency, and energy where it was measured or a power is given.

    reference: of the device. Raises `UsageError` for measurements that cannot be used, `DataError` for a space of which
    nothing was learned and a method that needs that.
    """
    used = _of_role(measured, "calibrate")
    if len(used) < FEWEST:
        raise UsageError(f"expected at least {FEWEST} nets to make a model of, got {len(used)}; measure more")
    space = get_space(measured.space)
    name, way = method_for(space, method)
    latency = way.adapt(space, used.vectors, used.latency_ms, device=reference, unit_is_right=True)
    left_out = latency.left_out()[0]
    alone = name == ALONE
    energy = fit_energy(latency, used, left_out, power_w=power_w, power_error=power_error, alone=alone)
    return BoardFit(space=space, measured=measured, method=name, latency=latency, left_out=left_out, energy=energy)


def write_models(fit: BoardFit, *, name: str) -> list[Adapted]:
    """Write the files of the models, whole or not at all, and return the lines of the card that name them."""

    def write(folder: Path) -> None:
        get_method(fit.method)[1].save(folder, fit.latency)
        if fit.energy.model is not None:
            save_energy(folder, fit.energy.model, measured=fit.energy.answer.nets)
        keep_measurements(folder, fit.measured)

    about = (name, fit.space.name, fit.used.dataset, variant_name(fit.used.batch_size))
    folder = keep_models(re.sub("[^a-z0-9]+", "-", "-".join(about).lower()), write)
    date = datetime.now(timezone.utc).date().isoformat()

    def line(target: str, method: str, nets: int, known: Figures | None) -> Adapted:
        return Adapted(
            space=fit.space.name,
            dataset=fit.used.dataset,
            target="energy" if target == "energy" else "latency",
            folder=folder,
            method=method,
            nets=nets,
            date=date,
            error_percent=None if known is None else round(known.median_error_percent, 3),
        )

    energy = fit.energy.answer
    lines = [line("latency", fit.method, len(fit.used), left_out_figures(fit))]
    if fit.energy.model is not None:
        lines.append(line("energy", fit.energy.method, energy.nets, energy.left_out))
    return lines


def left_out_figures(fit: BoardFit) -> Figures:
    """How well each measured latency is predicted from the others."""
    return figures(fit.used.latency_ms, fit.left_out, coverage_percent=fit.latency.leave_one_out().coverage)


def check_figures(fit: BoardFit) -> Figures | None:
    """How well the latencies that no model saw are predicted; None where there are none."""
    if not len(fit.checks):
        return None
    estimate = fit.latency.predict(fit.checks.vectors)
    assert estimate.lower is not None and estimate.upper is not None
    return figures(fit.checks.latency_ms, estimate.mean, interval=(estimate.lower, estimate.upper))


def baseline_errors(fit: BoardFit) -> dict[str, float]:
    """Median error (percent) of models that use no known device, by name; left out is what the model leaves out."""
    vectors, truth = fit.used.vectors, fit.used.latency_ms
    errors = {}
    for name, predict in BASELINES.items():
        predicted = np.empty(len(truth))
        for part in left_out_parts(len(truth)):
            others = np.setdiff1d(np.arange(len(truth)), part)
            predicted[part] = predict(fit.space, vectors[others], truth[others], vectors[part])
        errors[name] = metrics.median_ape(truth, predicted)
    return errors


def interval_width_percent(fit: BoardFit) -> float:
    """Median width of the 90 % intervals over random nets of the space, relative to the prediction."""
    estimate = fit.latency.predict(fit.space.sample(min(_POPULATION, fit.space.size), seed=0))
    assert estimate.lower is not None and estimate.upper is not None
    return 100 * float(np.median((estimate.upper - estimate.lower) / estimate.mean))


def suspicions(fit: BoardFit) -> tuple[Suspicion, ...]:
    """Measurements that look wrong, the most suspicious first."""
    archs = fit.space.strings(fit.used.vectors)
    return tuple(
        Suspicion(
            arch=archs[one.row],
            measured_ms=one.cost,
            expected_ms=one.expected,
            probability=min(one.probability, 1.0),  # a sum of shares, which may round above 1
        )
        for one in fit.latency.suspect()
    )


def repeat_error(used: Measurements) -> tuple[float | None, int]:
    """Mean deviation (percent) of a round from the median of its net's, and of how many nets; None of none."""
    spread = used.spread[np.isfinite(used.spread)]
    return (100 * float(spread.mean()) if len(spread) else None), len(spread)


def next_commands(fit: BoardFit, archs: Sequence[str], *, name: str) -> tuple[str, ...]:
    """The commands that measure these architectures as the others were and add them to what the device rests on."""
    folder = f"more-{len(fit.used)}"  # another one each time, as a kit is not overwritten
    batch = [] if fit.used.batch_size in (None, 1) else ["--batch-size", str(fit.used.batch_size)]
    nets = [word for arch in archs for word in ("--arch", arch)]
    about = ["--space", fit.space.name, "--dataset", fit.used.dataset, *batch, *_format(fit.used)]
    return (
        shlex.join(["hwnas", "plan", "--out", folder, *about, *nets]),
        shlex.join(_measuring(fit.used, folder)),
        shlex.join(["hwnas", "adapt", f"{folder}/results.json", "--name", name, "--add"]),
    )


def _format(used: Measurements) -> list[str]:
    """Options of `hwnas plan` for files like those that were measured; a kit of TFLite files states their precision."""
    precision, _, files = str(used.device.get("runtime", {}).get("precision")).partition(" ")
    if files != "files":
        return []
    return ["--format", "tflite", *([] if precision == "float32" else ["--precision", precision])]


def _measuring(used: Measurements, folder: str) -> list[str]:
    """The command that measures a kit as these were measured, as far as the results say."""
    runtime = used.device.get("runtime", {"name": "onnxruntime"})
    threads = runtime.get("threads")
    how = ["--threads", str(threads)] if isinstance(threads, int) else []
    provider = runtime.get("provider", "CPUExecutionProvider")
    if runtime["name"] in RUNTIMES and provider == "CPUExecutionProvider" and "delegate" not in runtime:
        name = [] if runtime["name"] == "onnxruntime" else ["--runtime", runtime["name"]]
        return ["hwnas", "measure", folder, *name, *how]
    how += ["--adb"] if str(used.device.get("device", {}).get("os")).startswith("Android ") else []
    for option in ("provider", "delegate", "cores"):
        how += [f"--{option}", runtime[option]] if option in runtime else []
    how += [f"--tool-args={shlex.join(runtime['arguments'])}"] if runtime.get("arguments") else []
    how += ["--command", runtime["command"]] if "command" in runtime else []
    return ["python3", f"{folder}/agent.py", "--runtime", runtime["name"], *how]
