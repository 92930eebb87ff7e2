"""Costs of whole spaces by kernel models: the same as network by network, and nothing left out in silence."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from hwnas.devices import get_device
from hwnas.energy import energy_model
from hwnas.errors import DataError, UsageError
from hwnas.graphs import Kernel, kernels_of
from hwnas.latency import latency_model
from hwnas.latency.kernels import KernelModel, fit_regressor, rows_by_kind, save_kernel_model, space_costs
from hwnas.latency.kernels.cards import kernel_device, kernel_targets
from hwnas.latency.kernels.censuses import Census
from hwnas.latency.kernels.regressor import MIN_TREE_ROWS
from hwnas.latency.kernels.space_costs import KernelCosts, network_totals, space_kernel_costs
from hwnas.latency.kernels.store import kernel_model_path
from hwnas.predictors.boosting import BoostingSettings
from hwnas.predictors.conformal import LEVELS
from hwnas.spaces import Space, get_space

FEW = BoostingSettings(trees=4, rate=0.5)
SPACES = ("darts", "nas-bench-macro", "nasbench201", "fbnet")


def _kernels(space: Space, vectors: np.ndarray) -> list[tuple[Kernel, ...]]:
    return [kernels_of(space.graph(v, dataset=space.datasets[0]), "tensorrt") for v in vectors]


def _model(*kinds: str) -> KernelModel:
    """Of these kinds, or of all: a microsecond, 0.1 for 1,000 multiply-accumulates and 1 for 1,000 bytes."""
    spaces = [get_space(name) for name in ("darts", "nas-bench-macro")]
    seen = [kernel for space in spaces for kernels in _kernels(space, space.sample(4, seed=5)) for kernel in kernels]
    costs = [1e-3 + 1e-7 * kernel.macs + 1e-6 * (kernel.bytes_read + kernel.bytes_written) for kernel in seen]
    rows = rows_by_kind(seen, costs, range(len(seen)))
    if kinds:
        regressors = {kind: fit_regressor(rows[kind], settings=FEW) for kind in kinds}
    else:  # too few rows for trees, which take their time
        few = {kind: its.take(np.arange(min(len(its), MIN_TREE_ROWS - 1))) for kind, its in rows.items()}
        regressors = {kind: fit_regressor(its) for kind, its in few.items()}
    return KernelModel(
        device="my-board", runtime="tensorrt", target="latency", regressors=regressors, overhead=0.25,
        facts={"summary": "made up"},
    )  # fmt: skip


@pytest.fixture(scope="module")
def convolutions() -> KernelModel:
    return _model("conv", "linear")


@pytest.fixture(scope="module")
def whole() -> KernelModel:
    return _model()


@pytest.mark.parametrize(
    ("name", "quantiles"),
    [*((name, None) for name in SPACES), ("nas-bench-macro", np.linspace(-0.2, 0.4, len(LEVELS)))],
)
def test_totals_are_those_of_each_network_alone(
    name: str, quantiles: np.ndarray | None, convolutions: KernelModel
) -> None:
    model = dataclasses.replace(convolutions, network_quantiles=quantiles)
    space = get_space(name)
    vectors = space.sample(3, seed=1)
    networks = Census(space, dataset=space.datasets[0], runtime="tensorrt").networks(vectors)
    totals = network_totals(model, networks, confidence=0.8)
    alone = [model.predict(kernels, confidence=0.8) for kernels in _kernels(space, vectors)]
    np.testing.assert_allclose(totals.mean, [cost.total for cost in alone], rtol=1e-9)
    np.testing.assert_allclose(totals.lower, [cost.total_lower for cost in alone], rtol=1e-9)
    np.testing.assert_allclose(totals.upper, [cost.total_upper for cost in alone], rtol=1e-9)


def test_what_has_no_model_is_said_with_its_share(convolutions: KernelModel) -> None:
    space = get_space("darts")
    vectors = space.sample(3, seed=2)
    estimate = KernelCosts(space=space, device="my-board", dataset="cifar10", model=convolutions).predict(vectors)
    assert not estimate.covered
    assert estimate.provenance.kind == "predicted" and "made up" in estimate.provenance.summary
    networks = _kernels(space, vectors)
    shares = [
        100 * sum(k.macs for k in kernels if k.kind == "depthwise_conv") / sum(k.macs for k in kernels)
        for kernels in networks
    ]
    assert f"depthwise_conv ({min(shares):.1f} to {max(shares):.1f} % of MACs" in estimate.notes[0]
    there = {k.kind for kernels in networks for k in kernels} - {"conv", "linear"}
    assert all(f"{kind} (" in estimate.notes[0] for kind in there)
    assert "totals are lower bounds" in estimate.notes[1] and "look cheaper" in estimate.notes[2]


def test_a_model_of_all_kinds_covers_everything(whole: KernelModel) -> None:
    space = get_space("nas-bench-macro")
    estimate = KernelCosts(space=space, device="my-board", dataset="cifar10", model=whole).predict(
        space.sample(40, seed=3)
    )
    assert estimate.covered
    assert estimate.lower is not None and estimate.upper is not None
    assert (estimate.lower < estimate.mean).all() and (estimate.mean < estimate.upper).all()


def test_where_most_of_the_work_has_no_model_there_is_no_number(
    convolutions: KernelModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A total of what is left would look like a fast network: all of them are refused, some have none."""
    space = get_space("nas-bench-macro")
    model = dataclasses.replace(convolutions, regressors={})
    costs = KernelCosts(space=space, device="my-board", dataset="cifar10", model=model)
    with pytest.raises(DataError, match=r"expected a model of most kernels of nas-bench-macro, .* lacks conv \("):
        costs.predict(space.sample(2, seed=0))
    vectors = space.parse(["00000000", "22222222"])  # without and with depthwise convolutions
    model = dataclasses.replace(
        convolutions, regressors={name: its for name, its in convolutions.regressors.items() if name == "conv"}
    )
    costs = KernelCosts(space=space, device="my-board", dataset="cifar10", model=model)
    monkeypatch.setattr(space_costs, "_MOST", 1.0)
    assert np.isnan(costs.predict(vectors).mean).tolist() == [False, True]


def test_tables_come_first_and_other_batches_are_refused(
    shipped, convolutions: KernelModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    for device in ("raspi4", "gtx-1080-ti"):
        save_kernel_model(kernel_model_path(device, "latency"), convolutions)
    assert not isinstance(latency_model("raspi4", space="nasbench201", dataset="cifar10"), KernelCosts)
    assert isinstance(latency_model("raspi4", space="darts", dataset="imagenet"), KernelCosts)
    assert isinstance(latency_model("gtx-1080-ti", space="darts", dataset="cifar10"), KernelCosts)
    with pytest.raises(UsageError, match="of one image"):
        latency_model("gtx-1080-ti@32", space="darts", dataset="cifar10")
    with pytest.raises(UsageError, match="was not measured"):
        latency_model("gtx-1080-ti", space="darts", dataset="cifar10", source="measured")
    assert space_kernel_costs(get_device("raspi4"), "energy", space=get_space("darts"), dataset="cifar10") is None


def test_energy_is_that_of_the_energy_model(shipped, convolutions: KernelModel) -> None:
    space = get_space("nas-bench-macro")
    vectors = space.sample(2, seed=0)
    with pytest.raises(UsageError, match="energy"):
        energy_model("raspi4", space=space.name, dataset="cifar10")
    for target, overhead in (("latency", 0.0), ("energy", 7.0)):
        model = dataclasses.replace(convolutions, target=target, overhead=overhead)
        save_kernel_model(kernel_model_path("raspi4", model.target), model)
    energy = energy_model("raspi4", space=space.name, dataset="cifar10").predict(vectors)
    latency = latency_model("raspi4", space=space.name, dataset="cifar10").predict(vectors)
    assert (energy.unit, latency.unit) == ("mJ", "ms")
    np.testing.assert_allclose(energy.mean, latency.mean + 7)


def test_confidences_that_were_not_calibrated_are_refused(convolutions: KernelModel) -> None:
    space = get_space("darts")
    costs = KernelCosts(space=space, device="my-board", dataset="cifar10", model=convolutions)
    with pytest.raises(UsageError, match=r"up to 0\.98"):
        costs.predict(space.sample(1, seed=0), confidence=0.999)
    with pytest.raises(UsageError, match="expects vectors"):
        costs.predict(np.zeros((1, 3), dtype=np.int8))


def test_a_machine_without_a_card_is_a_device(shipped, convolutions: KernelModel) -> None:
    save_kernel_model(kernel_model_path("this-host", "latency"), convolutions)
    device = kernel_device("This_Host")
    assert device is not None and device.reference == "this-host"
    assert kernel_targets(device) == ("latency",)
    assert kernel_device("raspi4") is None and kernel_device("this-hst") is None
    with pytest.raises(UsageError, match="variant"):
        kernel_device("this-host@8")


def test_a_model_that_was_built_anew_is_read_anew(shipped, convolutions: KernelModel) -> None:
    path = kernel_model_path("this-host", "latency")
    save_kernel_model(path, convolutions)
    device, space = kernel_device("this-host"), get_space("nas-bench-macro")
    assert device is not None
    vectors = space.sample(1, seed=0)

    def cost() -> float:
        model = space_kernel_costs(device, "latency", space=space, dataset="cifar10")
        assert model is not None
        return float(model.predict(vectors).mean[0])

    before = cost()
    save_kernel_model(path, dataclasses.replace(convolutions, overhead=10.25))
    assert cost() == pytest.approx(before + 10)
