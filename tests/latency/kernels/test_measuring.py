"""Generated networks run, their nodes find their kernels, and a build that was killed goes on."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest

from hwnas.devices.agent.onnx_runtime import OnnxRuntime, node_times
from hwnas.devices.agent.runs import Plan
from hwnas.devices.agent.timings import inner_mean
from hwnas.errors import DataError, HwnasError, UsageError
from hwnas.graphs.onnx_file import RuntimeNode, optimised_nodes
from hwnas.latency.kernels.assignment import assign
from hwnas.latency.kernels.builder import (
    LARGE_ERROR_PERCENT,
    Builder,
    BuildSettings,
    Progress,
    measured,
    network_kernels,
)
from hwnas.latency.kernels.choice import choose, promise
from hwnas.latency.kernels.families import FAMILIES
from hwnas.latency.kernels.fitting import MeasuredNetwork, profiler_costs
from hwnas.latency.kernels.model import KernelModel
from hwnas.latency.kernels.profiles import Profile, ProfileFolder
from hwnas.latency.kernels.recipes import LIMITS, Draw, Recipe, write

from .conftest import conv_kernel, linear_kernel

SHORT = Plan(0.0, 0.0, 3, 1.0)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_runs_and_its_nodes_find_their_kernels(family: str) -> None:
    pytest.importorskip("onnxruntime")
    content = write(Recipe(family=family, seed=3))
    assert content == write(Recipe(family=family, seed=3))
    kernels = network_kernels(content)
    assert sum(kernel.macs for kernel in kernels) < 1.2 * LIMITS[1]
    with tempfile.TemporaryDirectory() as name:
        timed = OnnxRuntime(1).profile(content, Path(name), SHORT)
        nodes = optimised_nodes(Path(name) / "optimised.onnx")
    owners = assign(kernels, nodes)
    assert set(timed.nodes_ms) <= set(owners)
    profile = Profile(recipe=Recipe(family=family, seed=3), nodes=nodes, nodes_ms=timed.nodes_ms, run_ms=timed.run_ms)
    network = measured(profile, content)
    assert network.times_ms.sum() == pytest.approx(sum(timed.nodes_ms.values()))
    # Kernels that multiply are those that the runtime has a node for.
    busy = [kernel.macs > 0 for kernel in kernels]
    assert (network.times_ms[busy] > 0).mean() > 0.9


def test_nodes_are_found_by_output_by_name_and_by_what_they_read() -> None:
    kernels = (conv_kernel(8, 8, 8), linear_kernel(8, 4))
    nodes = (
        RuntimeNode("conv_nchwc", "Conv", ("input", "w"), ("reorder_token_0",)),
        RuntimeNode("anything", "Gemm", ("reorder_token_0",), ("linear",)),
    )
    assert assign(kernels, nodes) == {"conv_nchwc": 0, "anything": 1}


def test_the_profile_is_read_without_its_outliers() -> None:
    events = [{"cat": "Node", "name": "a_kernel_time", "dur": dur} for dur in (900, 10, 11, 9)]
    events += [{"cat": "Node", "name": "a_fence_before", "dur": 5}, {"cat": "Session", "name": "model_run", "dur": 7}]
    assert node_times(events) == {"a": pytest.approx(0.0105)}
    assert inner_mean([5.0]) == 5


def test_what_the_profiler_takes_is_found() -> None:
    rng, networks = np.random.default_rng(0), []
    for _ in range(30):
        true = rng.uniform(0.01, 1, size=rng.integers(3, 30)) * rng.choice([0.1, 1, 10])
        kernels = tuple(conv_kernel(4, 4, 4) for _ in true)
        run = true.sum() + 0.04
        networks.append(MeasuredNetwork(kernels=kernels, times_ms=true + 0.003, nodes=np.ones(len(true)), run_ms=run))
    profiler, overhead = profiler_costs(networks)
    assert profiler == pytest.approx(0.003, abs=6e-4)
    assert overhead == pytest.approx(0.04, abs=0.011)


def test_profiles_survive_a_kill_and_are_not_mixed(tmp_path: Path) -> None:
    profile = Profile(
        recipe=Recipe(family="plain", seed=1), nodes=(RuntimeNode("a", "Conv", ("x",), ("y",)),),
        nodes_ms={"a": 0.25}, run_ms=0.5,
    )  # fmt: skip
    folder = ProfileFolder(tmp_path, {"threads": 1})
    folder.append([profile])
    with folder.path.open("ab") as file:
        file.write(b'{"recipe": {"fam')  # killed here
    again = ProfileFolder(tmp_path, {"threads": 1})
    assert again.read() == [profile]
    again.append([profile])
    assert again.read() == [profile, profile]
    with pytest.raises(UsageError, match="threads 1, now 2"):
        ProfileFolder(tmp_path, {"threads": 2})
    folder.path.write_bytes(b'{"recipe": 3}\n')
    with pytest.raises(DataError, match="line 1"):
        again.read()


def test_the_choice_goes_where_the_model_is_unsure(made_up_model: KernelModel) -> None:
    committee = {"conv": [made_up_model.regressors["conv"]]}
    inside = promise(committee, [conv_kernel(20, 32, 32)])
    outside = promise(committee, [conv_kernel(300, 32, 32)])
    unknown = promise(committee, [linear_kernel(8, 8)])
    assert inside[0] == 0 < outside[0]
    assert unknown[0] > 0 == unknown[1]
    assert choose(np.array([3.0, 2.0, 1.0]), ["a", "a", "b"], count=2, most=1) == [0, 2]


def test_sizes_are_drawn_within_their_limits() -> None:
    draw = Draw(1)
    values = [draw.log(16, 512, step=8) for _ in range(200)]
    assert min(values) >= 16 and max(values) <= 512 and all(value % 8 == 0 for value in values)
    assert Draw(5, 6).width() == Draw(5, 6).width()


def test_a_build_goes_on_where_it_was(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    settings = BuildSettings(minutes=5.0, window_s=0.0, warmup_s=0.0, min_runs=3)
    builder = Builder(tmp_path, settings, device="here")
    with pytest.raises(HwnasError, match="at least 10"):
        builder.fit()

    def stop(progress: Progress) -> None:
        if progress.networks == 11:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        builder.run(stop)
    again = Builder(tmp_path, BuildSettings(minutes=0.0, window_s=0.0, warmup_s=0.0, min_runs=3), device="here")
    assert list(again.networks) == list(builder.networks) and len(again.networks) == 11
    fit = again.run()
    assert {"conv", "linear"} <= set(fit.model.regressors)
    assert np.isfinite(fit.held_out_ms).all() and fit.error_percent > 0
    assert f"11 networks measured, {fit.error_percent:.1f} % median error of those held out" in fit.model.summary
    assert ("which is large" in fit.model.summary) == (fit.error_percent > LARGE_ERROR_PERCENT)
