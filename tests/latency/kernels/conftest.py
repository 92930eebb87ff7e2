"""Kernels of made-up networks, and a made-up device whose true costs are known."""

from __future__ import annotations

import numpy as np
import pytest

from hwnas.graphs import GraphBuilder, Kernel, kernels_of
from hwnas.latency.kernels import KernelModel, fit_regressor, rows_by_kind
from hwnas.predictors.boosting import BoostingSettings

FEW = BoostingSettings(trees=60, rate=0.15)


def conv_kernel(size: int, incoming: int, channels: int, kernel: int = 3) -> Kernel:
    """One convolution of stride 1."""
    builder = GraphBuilder()
    builder.add("input", "input", [], (1, incoming, size, size))
    builder.conv("conv", "input", channels, kernel=kernel)
    return kernels_of(builder.graph(), "none")[0]


def linear_kernel(inner: int, width: int) -> Kernel:
    """One linear layer of one row."""
    builder = GraphBuilder()
    builder.add("input", "input", [], (1, inner))
    builder.add("linear", "linear", ["input"], (1, width), in_features=inner, bias=1)
    return kernels_of(builder.graph(), "none")[0]


def true_cost(kernel: Kernel) -> float:
    """A roofline that is not quite a sum, in milliseconds."""
    moved = kernel.bytes_read + kernel.bytes_written
    return 0.01 + kernel.macs / 2e7 + moved / 1e7 * (1.3 if kernel.shape[1] % 8 else 1.0)


def random_kernels(count: int, seed: int) -> list[Kernel]:
    """Convolutions of random sizes."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers([4, 3, 4], [64, 128, 128], size=(count, 3))
    return [conv_kernel(*row, kernel=int(rng.choice([1, 3, 5]))) for row in sizes.tolist()]


@pytest.fixture(scope="session")
def made_up_model() -> KernelModel:
    """Fitted to 240 convolutions with 3 % of noise."""
    kernels = random_kernels(240, seed=0)
    noise = np.random.default_rng(1).lognormal(0, 0.03, len(kernels))
    rows = rows_by_kind(kernels, [true_cost(kernel) for kernel in kernels] * noise, range(len(kernels)))
    regressors = {kind: fit_regressor(measured, settings=FEW) for kind, measured in rows.items()}
    return KernelModel(
        device="my-board", runtime="none", target="latency", regressors=regressors, overhead=0.5,
        facts={"summary": "made up"},
    )  # fmt: skip
