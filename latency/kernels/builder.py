"""Build the kernel model of this machine: measure generated networks node by node, fit, measure where it is unsure."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, final

import numpy as np

from hwnas.devices.agent.host import host_facts
from hwnas.devices.agent.onnx_runtime import OnnxRuntime
from hwnas.devices.agent.runs import Plan, RunError
from hwnas.errors import HwnasError
from hwnas.graphs import Kernel, kernels_of
from hwnas.graphs.onnx_file import optimised_nodes
from hwnas.graphs.onnx_reader import read_onnx
from hwnas.latency.kernels.assignment import assign
from hwnas.latency.kernels.choice import Committee, choose, promise
from hwnas.latency.kernels.families import FAMILIES
from hwnas.latency.kernels.fitting import FINAL, QUICK, Fit, MeasuredNetwork, fit_profiles
from hwnas.latency.kernels.profiles import Profile, ProfileFolder
from hwnas.latency.kernels.recipes import VERSION, Recipe, write
from hwnas.latency.kernels.regressor import FOLDS, fit_regressor, fold_of

RUNTIME: Final = "onnxruntime"
# Of each family before anything is fitted; candidates of each family for a choice; networks of a choice.
_FIRST: Final = 4
_CANDIDATES: Final = 5
_CHOSEN: Final = 16
# A fit comes after this many times as many networks as the last one had.
_GROWTH: Final = 1.5
LARGE_ERROR_PERCENT: Final = 20.0  # three times that of the build in README.md, of ten minutes


@final
@dataclass(frozen=True, kw_only=True)
class BuildSettings:
    """minutes: of measuring and choosing; the last fit comes after. target_error: median held-out error of networks at
    which to stop, in percent. threads: of one operator. warmup_s, window_s: of each network, with and without profiler.
    """

    minutes: float = 10.0
    target_error: float | None = None
    threads: int = 1
    warmup_s: float = 0.06
    window_s: float = 0.25
    min_runs: int = 10
    seed: int = 0

    @property
    def plan(self) -> Plan:
        """How long a network is run."""
        return Plan(self.warmup_s, self.window_s, self.min_runs, 3.0)


@final
@dataclass(frozen=True, kw_only=True)
class Progress:
    """networks: measured so far. seconds: spent in this run. error_percent: of the last fit, NaN before it."""

    networks: int
    seconds: float
    error_percent: float


class Builder:
    """One build in one folder."""

    def __init__(self, folder: Path, settings: BuildSettings, *, device: str) -> None:
        self.settings, self.device = settings, device
        self.runtime = OnnxRuntime(settings.threads)
        facts = {key: value for key, value in host_facts().items() if key in ("host", "cpu", "machine", "os")}
        self.setup: Mapping[str, Any] = {"host": facts, "runtime": self.runtime.facts(), "recipes": VERSION}
        self.folder = ProfileFolder(folder, self.setup)
        self.networks: dict[Recipe, MeasuredNetwork] = {}
        for profile in self.folder.read():
            self.networks[profile.recipe] = measured(profile, write(profile.recipe))

    def run(self, report: Callable[[Progress], None] = lambda _: None) -> Fit:
        """Measure until the time is over or the error is small enough, then fit. What is measured is kept at once."""
        start = time.monotonic()
        error, fitted_at, committee = float("nan"), 0, None
        seconds = 60 * self.settings.minutes
        for recipe in self._first():
            if time.monotonic() - start > seconds:
                break
            self._measure(recipe)
            report(Progress(networks=len(self.networks), seconds=time.monotonic() - start, error_percent=error))
        while time.monotonic() - start < seconds:
            if committee is None or len(self.networks) >= _GROWTH * fitted_at:
                fit, committee, fitted_at = *self._quick_fit(), len(self.networks)
                error = fit.error_percent
                if self.settings.target_error is not None and error <= self.settings.target_error:
                    break
            for recipe in self._next(committee):
                if time.monotonic() - start > seconds:
                    break
                self._measure(recipe)
                report(Progress(networks=len(self.networks), seconds=time.monotonic() - start, error_percent=error))
        return self.fit()

    def fit(self) -> Fit:
        """The model of all networks that were measured. Raises `HwnasError` for fewer than ten."""
        if len(self.networks) < 10:
            raise HwnasError(f"expected at least 10 measured networks, got {len(self.networks)}; give it more minutes")
        processor = self.setup["host"].get("cpu", self.device)
        runtime = f"onnxruntime {self.setup['runtime']['version']}, {self.settings.threads} thread(s)"
        summary = f"kernel model of {processor}, {runtime}, {len(self.networks)} networks measured"
        networks = list(self.networks.values())
        fit = fit_profiles(networks, device=self.device, runtime=RUNTIME, facts=self.setup, settings=FINAL)
        error = f"{fit.error_percent:.1f} % median error of those held out"
        if fit.error_percent > LARGE_ERROR_PERCENT:
            error += ", which is large: measure again with --replace when nothing else runs"
        facts = {**fit.model.facts, "summary": f"{summary}, {error}"}
        return replace(fit, model=replace(fit.model, facts=facts))

    def _first(self) -> Iterator[Recipe]:
        recipes = (Recipe(family=family, seed=self._seed(number)) for number in range(_FIRST) for family in FAMILIES)
        return (recipe for recipe in recipes if recipe not in self.networks)

    def _seed(self, number: int) -> int:
        return 1_000_003 * self.settings.seed + number

    def _measure(self, recipe: Recipe) -> None:
        content = write(recipe)
        with tempfile.TemporaryDirectory() as name:
            try:
                timed = self.runtime.profile(content, Path(name), self.settings.plan)
            except RunError as error:
                raise HwnasError(f"the network {recipe.name} could not be measured: {error}") from error
            nodes = optimised_nodes(Path(name) / "optimised.onnx")
        profile = Profile(recipe=recipe, nodes=nodes, nodes_ms=timed.nodes_ms, run_ms=timed.run_ms)
        self.folder.append([profile])
        self.networks[recipe] = measured(profile, content)

    def _quick_fit(self) -> tuple[Fit, Committee]:
        networks = list(self.networks.values())
        fit = fit_profiles(networks, device=self.device, runtime=RUNTIME, facts={}, settings=QUICK)
        committee = {}
        for kind, rows in fit.rows.items():
            folds = fold_of(rows.groups)
            parts = [rows.take(folds != number) for number in range(FOLDS)]
            committee[kind] = [fit_regressor(part, settings=QUICK, held_out=False) for part in parts if len(part)]
        return fit, committee

    def _next(self, committee: Committee) -> list[Recipe]:
        """What promises most for the time that it takes, of candidates drawn anew."""
        done: dict[str, int] = {}
        for recipe in self.networks:
            done[recipe.family] = max(done.get(recipe.family, 0), recipe.seed + 1)
        candidates = [
            Recipe(family=family, seed=done.get(family, self._seed(0)) + number)
            for family in FAMILIES
            for number in range(_CANDIDATES)
        ]
        scores = []
        for recipe in candidates:
            unknown, cost_ms = promise(committee, network_kernels(write(recipe)))
            runs = max(self.settings.min_runs, 1e3 * self.settings.window_s / max(cost_ms, 1e-3))
            scores.append(unknown / np.sqrt(2e-3 * runs * cost_ms + 0.2))
        chosen = choose(np.array(scores), [r.family for r in candidates], count=_CHOSEN, most=_CANDIDATES // 2)
        return [candidates[number] for number in chosen]


def network_kernels(content: bytes) -> tuple[Kernel, ...]:
    """The kernels of an ONNX file under onnxruntime."""
    return kernels_of(read_onnx(content), RUNTIME)


def measured(profile: Profile, content: bytes) -> MeasuredNetwork:
    """The times of a profile, by the kernels of the network that was profiled."""
    kernels = network_kernels(content)
    owners = assign(kernels, profile.nodes)
    times, nodes = np.zeros(len(kernels)), np.zeros(len(kernels))
    for node in profile.nodes:
        if node.name in profile.nodes_ms:
            times[owners[node.name]] += profile.nodes_ms[node.name]
            nodes[owners[node.name]] += 1
    return MeasuredNetwork(kernels=kernels, times_ms=times, nodes=nodes, run_ms=profile.run_ms)
