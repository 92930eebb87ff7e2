"""Kernel models of networks that were measured whole: latency, and the energy that predicts better."""

from __future__ import annotations

import numpy as np
import pytest

from hwnas.api.kernel_fits import SOURCES, fit
from hwnas.api.kernel_totals import totals_models
from hwnas.errors import UnknownNameError
from hwnas.graphs import GraphBuilder, Kernel, kernels_of
from hwnas.latency.kernels.networks import count_kernels
from hwnas.latency.kernels.totals import TotalsSettings


def _network(rng: np.random.Generator) -> tuple[Kernel, ...]:
    builder = GraphBuilder()
    source = builder.image(int(rng.integers(8, 40)))
    for number in range(int(rng.integers(1, 4))):
        source = builder.conv(f"conv{number}", source, int(rng.integers(4, 40)), kernel=3)
    return kernels_of(builder.graph(), "none")


def test_latency_and_the_better_energy_are_fitted() -> None:
    rng = np.random.default_rng(0)
    kernels = [_network(rng) for _ in range(80)]
    latency = np.array([0.2 + sum(kernel.macs for kernel in network) / 1e6 for network in kernels])
    energy = 4 * latency
    energy[3] = np.nan  # was not measured
    models = {
        model.target: model
        for model in totals_models(
            count_kernels(kernels), {"latency": latency, "energy": energy},
            device="d", runtime="none", source="made up",
            settings=TotalsSettings(rounds=2),
        )
    }  # fmt: skip
    assert models["latency"].facts["held_out"]["median_ape"] < 10
    assert "79 networks of made up" in models["latency"].summary
    assert "power times latency" in models["energy"].summary or "sum of kernel energies" in models["energy"].summary
    answers = {target: model.predict(kernels[0]) for target, model in models.items()}
    assert answers["latency"].total == pytest.approx(latency[0], rel=0.15)
    assert answers["energy"].total == pytest.approx(4 * latency[0], rel=0.15)
    assert answers["energy"].total_lower <= answers["energy"].total <= answers["energy"].total_upper


def test_sources_are_known_by_name() -> None:
    assert set(SOURCES) == {"gpu-kernels", "phone-kernels", "jetson-nano-cnn", "hw-nas-bench", "help-fbnet"}
    with pytest.raises(UnknownNameError, match="jetson-nano-cnn"):
        fit("jetson-nano")
