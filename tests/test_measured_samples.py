"""Measured tables of spaces that are too large to measure: what is in the table is answered, the rest is NaN."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from hwnas import data
from hwnas.api.predict import predict
from hwnas.cli import main
from hwnas.devices import get_device
from hwnas.errors import DataError, UsageError
from hwnas.estimates import Provenance
from hwnas.latency import MeasuredSample, latency_model
from hwnas.latency import tables as latency_tables
from hwnas.latency.tables import SHIPPED_FOLDER
from hwnas.spaces import get_space
from hwnas.testing import CostModelContract

FBNET, OFA = get_space("fbnet"), get_space("ofa")
NETS = FBNET.sample(60, seed=0)
LATENCY_MS = np.random.default_rng(0).random(60) + 1


class TestContract(CostModelContract):
    space = FBNET
    model = MeasuredSample(
        space=FBNET,
        device=get_device("raspi4"),
        target="latency",
        vectors=NETS,
        values=LATENCY_MS,
        provenance=Provenance(kind="measured", summary="made up", source="test"),
    )


class FakeTable(dict[str, Any]):
    """What `open_table` gives: columns by name, and a source."""

    source = SimpleNamespace(title="Made-up bench", licence="MIT")


@pytest.fixture(autouse=True)
def tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small tables of both spaces in the place of HELP's; nothing else of the machine."""
    monkeypatch.setenv("HWNAS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HWNAS_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(latency_tables, "SHIPPED_FOLDER", tmp_path / "shipped")
    values = OFA.to_values(OFA.sample(3, seed=0)).astype(np.int16)
    known = {
        "help-fbnet": FakeTable(architectures=NETS, raspi4=LATENCY_MS, titanx_32=2 * LATENCY_MS),
        "help-ofa": FakeTable(architectures=values, **{"2080ti_64": np.array([1.0, 2.0, np.nan])}),
    }
    monkeypatch.setattr(data, "open_table", known.get)


def test_known_networks_in_any_order_and_unknown_ones() -> None:
    model = latency_model("raspi4", space="fbnet", dataset="cifar100")
    assert isinstance(model, MeasuredSample)
    others = FBNET.sample(20, seed=1)
    order = np.random.default_rng(1).permutation(80)
    estimate = model.predict(np.concatenate([NETS, others])[order])
    np.testing.assert_array_equal(estimate.mean, np.concatenate([LATENCY_MS, np.full(20, np.nan)])[order])
    assert estimate.lower is None and estimate.upper is None and estimate.unit == "ms"
    provenance = estimate.provenance
    assert (provenance.kind, provenance.source) == ("measured", "help-fbnet")
    assert provenance.summary == "Made-up bench, measured, 60 networks; nothing is known of others"


def test_a_network_counts_as_known_only_as_it_was_measured() -> None:
    """The same network with the identity elsewhere is another architecture: a device may treat it otherwise."""
    moved = FBNET.canonical(NETS)
    differs = (moved != NETS).any(axis=1)
    mean = latency_model("raspi4", space="fbnet", dataset="cifar100").predict(moved).mean
    assert differs.any() and np.isnan(mean[differs]).all()


def test_rows_of_values_and_batches() -> None:
    model = latency_model("rtx-2080-ti@64", space="ofa", dataset="imagenet")
    estimate = model.predict(OFA.sample(3, seed=0))
    np.testing.assert_array_equal(estimate.mean, [1.0, 2.0, np.nan])
    assert "of a batch of 64 images, 3 networks" in estimate.provenance.summary


def test_what_a_table_lacks_is_predicted_with_all_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the shipped regression, so that costs compare; what is measured alone is looked up."""
    monkeypatch.setattr(latency_tables, "SHIPPED_FOLDER", SHIPPED_FOLDER)
    known, unknown = FBNET.strings(np.concatenate([NETS[:1], FBNET.sample(1, seed=1)]))
    both = predict([known, unknown], device="raspi4", space="fbnet")
    assert both.sources["latency_ms"].startswith("predicted by ridge regression")
    assert [net.costs for net in both.nets] == [
        net.costs for net in predict([known, unknown], device="raspi4", space="fbnet", source="predicted").nets
    ]
    assert any("1 of 2 measured, so all are predicted" in note for note in both.notes)
    assert predict([known], device="raspi4", space="fbnet").nets[0].costs["latency_ms"].mean == LATENCY_MS[0]
    looked_up = predict([known, unknown], device="raspi4", space="fbnet", source="measured")
    assert [net.costs["latency_ms"].mean for net in looked_up.nets] == [LATENCY_MS[0], None]


def test_predicting_needs_no_index(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    known, unknown = FBNET.strings(np.concatenate([NETS[:1], FBNET.sample(1, seed=1)]))
    answer = predict([known, unknown], device="raspi4", space="fbnet")
    assert [net.index for net in answer.nets] == [None, None]
    assert [net.costs["latency_ms"].mean for net in answer.nets] == [LATENCY_MS[0], None]
    monkeypatch.setattr("sys.argv", ["hwnas", "predict", unknown, "--space", "fbnet", "--device", "raspi4"])
    with pytest.raises(SystemExit) as done:
        main()
    shown = " ".join(capsys.readouterr().out.split())
    assert not done.value.code and "not measured" in shown and "60 networks; nothing is known of others" in shown
    monkeypatch.setattr("sys.argv", ["hwnas", "predict", known, "--space", "fbnet", "--device", "raspi4", "--json"])
    with pytest.raises(SystemExit):
        main()
    (net,) = json.loads(capsys.readouterr().out)["nets"]
    assert net["index"] is None and net["costs"]["latency_ms"]["mean"] == LATENCY_MS[0]


def test_what_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="jetson-tx2 has neither latency nor energy for fbnet on cifar100"):
        predict(FBNET.strings(NETS[:1]), device="jetson-tx2", space="fbnet")
    with pytest.raises(DataError, match="no prediction is shipped"):
        predict(FBNET.strings(NETS[:1]), device="raspi4", space="fbnet", source="predicted")
    monkeypatch.setattr(data, "open_table", {}.get)
    with pytest.raises(DataError, match="'help-fbnet' is not in the cache; run `hwnas data pull help-fbnet`"):
        predict(FBNET.strings(NETS[:1]), device="raspi4", space="fbnet")


def test_large_spaces_are_listed_with_two_digits(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["hwnas", "spaces"])
    with pytest.raises(SystemExit):
        main()
    shown = capsys.readouterr().out
    assert "9.8e+20" in shown and "7.4e+22" in shown and "15,625" in shown
