"""Looking costs up: which source wins, what an answer says of itself, and what a refusal tells to do."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from jaxtyping import TypeCheckError

from hwnas import data
from hwnas.data.pulling import pull
from hwnas.devices import get_device, load_devices, user_cards, write_card
from hwnas.energy import energy_model
from hwnas.errors import DataError, HwnasError, UnknownNameError, UsageError
from hwnas.estimates import UNITS
from hwnas.latency import MeasuredCosts, ShippedPredictions, latency_model
from hwnas.latency import tables as latency_tables
from hwnas.latency.tables import cost_model
from hwnas.predictors.conformal import CostIntervals
from hwnas.predictors.shipped import HeadRecord, write_shipped_costs
from hwnas.spaces import get_space

SPACE = get_space("nasbench201")
INDEX = np.array([0, 7, 15624, 7])
TX2 = {"space": "nasbench201", "dataset": "cifar10"}


class FakeTable(dict[str, Any]):
    """What `open_table` gives: columns by name, and a source."""

    source = SimpleNamespace(title="Made-up bench", licence="MIT")


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No cards, tables or predictions of the machine."""
    monkeypatch.setenv("HWNAS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HWNAS_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(latency_tables, "SHIPPED_FOLDER", tmp_path / "shipped")


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    """The energy and latency table of CIFAR-10 is in the cache; returns the energies."""
    energies = np.random.default_rng(0).random(SPACE.size) + 1
    energies[7] = np.nan
    table = FakeTable(edgegpu_energy_mj=energies, edgegpu_latency_ms=2 * energies, fpga_latency_ms=energies[:5])
    monkeypatch.setattr(data, "open_table", {"hw-nas-bench-cifar10": table}.get)
    return energies


@pytest.fixture
def shipped(tmp_path: Path) -> np.ndarray:
    """Predictions of TX2 energy on CIFAR-10 by two folds are shipped; returns the means."""
    mean = np.random.default_rng(1).random((1, SPACE.size)) + 1
    write_shipped_costs(
        tmp_path / "shipped",
        space="nasbench201",
        heads=[
            HeadRecord(
                device="jetson-tx2",
                dataset="cifar10",
                target="energy",
                trained_on=12500,
                model="GCN",
                figures={"spearman": 0.99, "median_ape": 1.84, "within_10": 98.0},
            )
        ],
        mean=mean,
        fold=np.arange(SPACE.size) % 2,
        levels=np.array([0.01, 0.05, 0.95, 0.99]),
        intervals=[
            CostIntervals(starts=np.zeros((2, 1)), quantiles=np.array([[[0.8, 0.9, 1.2, 1.3]], [[0.4, 0.5, 1.5, 2.0]]]))
        ],
        card={},
    )
    return mean[0]


def test_measured_costs(measured: np.ndarray) -> None:
    model = energy_model("edgegpu", **TX2)
    assert isinstance(model, MeasuredCosts)
    assert (model.space, model.device, model.target, model.unit) == ("nasbench201", "jetson-tx2", "energy", "mJ")
    estimate = model.predict(SPACE.vector(INDEX), confidence=0.8)
    np.testing.assert_array_equal(estimate.mean, measured[INDEX])
    assert np.isnan(estimate.mean[1]), "not measured is NaN, never 0"
    assert estimate.lower is None and estimate.upper is None
    assert (estimate.confidence, estimate.unit) == (0.8, "mJ")
    assert estimate.provenance.kind == "measured"
    assert estimate.provenance.summary == "Made-up bench, measured"
    assert estimate.provenance.source == "hw-nas-bench-cifar10"


def test_latency_is_the_other_column(measured: np.ndarray) -> None:
    estimate = latency_model(get_device("tx2"), space="NB201", dataset="CIFAR10").predict(SPACE.vector(INDEX))
    np.testing.assert_array_equal(estimate.mean, 2 * measured[INDEX])
    assert estimate.unit == "ms"


def test_shipped_predictions(shipped: np.ndarray) -> None:
    model = energy_model("jetson-tx2", **TX2)
    assert isinstance(model, ShippedPredictions)
    estimate = model.predict(SPACE.vector(INDEX))
    np.testing.assert_allclose(estimate.mean, shipped[INDEX], rtol=1e-3)
    assert estimate.lower is not None and estimate.upper is not None
    # The folds of 0, 7, 15624, 7, at 0.9.
    np.testing.assert_allclose(estimate.upper / estimate.mean, [1.2, 1.5, 1.2, 1.5], rtol=1e-6)
    np.testing.assert_allclose(estimate.lower / estimate.mean, [0.9, 0.5, 0.9, 0.5], rtol=1e-6)
    provenance = estimate.provenance
    assert (provenance.kind, provenance.trained_on) == ("predicted", 12500)
    assert provenance.error == {"median_ape": 1.84, "within_10": 98.0}
    assert provenance.summary == "predicted by GCN, trained on 12500 nets, median error 1.8 %, out of fold"
    wider = model.predict(SPACE.vector(INDEX), confidence=0.95)
    assert wider.upper is not None and (wider.upper > estimate.upper).all()


def test_another_default_variant_is_no_other_prediction(tmp_path: Path) -> None:
    """Predictions are kept by the shipped card's names, of which a user's own card may make another variant's."""
    names = ("gtx-1080-ti", "gtx-1080-ti@256")
    about = {"dataset": "cifar10", "target": "latency", "trained_on": 1, "model": "GCN", "figures": {}}
    write_shipped_costs(
        tmp_path / "shipped",
        space="nasbench201",
        heads=[HeadRecord(device=name, **about) for name in names],  # type: ignore[arg-type]
        mean=np.full((2, SPACE.size), [[10.0], [20.0]]),
        fold=np.zeros(SPACE.size, dtype=np.int64),
        levels=np.array([0.05, 0.95]),
        intervals=[CostIntervals(starts=np.zeros((1, 1)), quantiles=np.array([[[0.9, 1.1]]]))] * 2,
        card={},
    )

    def means() -> list[float]:
        found = [latency_model(f"gtx-1080-ti@{batch}", **TX2, source="predicted") for batch in (1, 256)]
        return [float(model.predict(SPACE.vector(INDEX)).mean[0]) for model in found]

    assert means() == pytest.approx([10.0, 20.0], rel=1e-3)
    own = replace(get_device("gtx-1080-ti").card, default_variant="256")
    write_card(own, user_cards() / "gtx-1080-ti.toml")
    assert means() == pytest.approx([10.0, 20.0], rel=1e-3)
    device = get_device("gtx-1080-ti")
    assert (device.reference, device.variant.batch_size) == ("gtx-1080-ti", 256)
    model = latency_model(device, **TX2, source="predicted")
    assert model.device == "gtx-1080-ti" and model.predict(SPACE.vector(INDEX)).mean[0] == pytest.approx(20.0, rel=1e-3)


def test_a_measured_table_wins_and_each_source_can_be_asked_for(measured: np.ndarray, shipped: np.ndarray) -> None:
    assert isinstance(energy_model("jetson-tx2", **TX2), MeasuredCosts)
    assert isinstance(energy_model("jetson-tx2", **TX2, source="measured"), MeasuredCosts)
    assert isinstance(energy_model("jetson-tx2", **TX2, source="predicted"), ShippedPredictions)


@pytest.mark.parametrize("confidence", [0.0, 1.0, -0.1, float("nan")])
def test_confidence_is_a_probability(confidence: float, measured: np.ndarray, shipped: np.ndarray) -> None:
    for source in ("measured", "predicted"):
        model = energy_model("jetson-tx2", **TX2, source=source)
        with pytest.raises(UsageError, match="between 0 and 1"):
            model.predict(SPACE.vector(INDEX), confidence=confidence)


def test_vectors_of_another_space(measured: np.ndarray) -> None:
    with pytest.raises(UsageError, match="5 choices at position 0"):
        energy_model("jetson-tx2", **TX2).predict(np.full((1, 6), 5))


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: energy_model("raspi4", **TX2), UsageError, "raspi4 has no energy .*known for eyeriss, fpga, jetson"),
        (lambda: energy_model("jetson-tx2", **TX2), DataError, r"not in the cache; run `hwnas data pull hw-nas-bench`"),
        (lambda: energy_model("jetson-tx2", **TX2, source="predicted"), DataError, "no prediction is shipped"),
        (
            lambda: latency_model("titan-rtx", space="nasbench201", dataset="cifar100"),
            UsageError,
            r"was not measured; latency \(ms\) is known for titan-rtx on cifar10 \(nasbench201\), titan-rtx@32 on",
        ),
        (
            lambda: latency_model("gtx-1080-ti@64", **TX2),
            UsageError,
            "gtx-1080-ti on cifar10 .*gtx-1080-ti@256 on cifar10",
        ),
        (lambda: latency_model("jetsom-tx2", **TX2), UnknownNameError, "did you mean 'jetson-tx2'"),
        (lambda: latency_model("tx2", space="nb2001", dataset="cifar10"), UnknownNameError, "space 'nb2001'"),
        (lambda: latency_model("tx2", space="nb201", dataset="cifar"), UnknownNameError, "did you mean 'cifar10'"),
    ],
)
def test_refusals(call: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        call()


def test_a_source_that_is_none() -> None:
    with pytest.raises((TypeCheckError, UsageError), match="guess"):  # whichever looks first
        latency_model("tx2", **TX2, source="guess")  # type: ignore[arg-type]


@pytest.mark.data
def test_every_card_finds_its_columns_in_the_public_tables(mirror: Path) -> None:
    tables = {column.table for card in load_devices().values() for column in card.columns()}
    pull({data.TABLES[table][0] for table in tables}, mirror=mirror)
    net = "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|"
    first = SPACE.parse([net])
    assert energy_model("jetson-tx2", **TX2).predict(first).mean[0] == 24.226614330768584
    assert latency_model("jetson-tx2", **TX2).predict(first).mean[0] == 5.807418537139893
    everything = SPACE.all_vectors()
    for card in load_devices().values():
        for variant in card.variants:
            for column in variant.columns:
                table = data.open_table(column.table)
                assert table is not None and table.units[column.column] == UNITS[column.target]
                if column.space == SPACE.name:
                    device = card.device(variant.name)
                    model = cost_model(column.target, device, space=column.space, dataset=column.dataset)
                    values = model.predict(everything).mean
                    assert np.isnan(values).sum() == (4699 if card.name == "edgetpu" else 0)
                    assert np.nanmin(values) > 0
                else:
                    device, space = card.device(variant.name), get_space(column.space)
                    model = cost_model(column.target, device, space=space.name, dataset=column.dataset)
                    values = model.predict(space.from_table_rows(table["architectures"])).mean
                    np.testing.assert_array_equal(values, table[column.column])
                    assert len(values) == {"accel-nasbench": 5125}.get(space.name, 5000)
                    assert np.nanmin(values) > 0 and np.isnan(values).sum() <= 2


def test_a_table_that_does_not_cover_the_space(measured: np.ndarray) -> None:
    with pytest.raises(DataError, match=r"expected 15625 values.*hwnas data pull hw-nas-bench"):
        latency_model("fpga", **TX2)


def test_damaged_predictions_are_no_reason_to_go_on(tmp_path: Path, shipped: np.ndarray) -> None:
    (tmp_path / "shipped" / "nasbench201_costs.npz").write_bytes(b"PK")
    with pytest.raises(HwnasError, match="expected shipped predictions"):
        energy_model("jetson-tx2", **TX2)


def test_no_torch_and_no_large_library() -> None:
    code = (
        "import sys, hwnas.latency, hwnas.energy;"
        "print([name for name in ('torch', 'scipy', 'pandas', 'pydantic') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
