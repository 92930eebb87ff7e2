"""`hwnas train` on a small made-up space of measurements: files, figures, and what it says without data."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from hwnas.api import train as api
from hwnas.cli import main, render_train
from hwnas.errors import DataError
from hwnas.predictors import training
from hwnas.predictors.heads import HeadData
from hwnas.predictors.shipped import open_shipped_costs
from hwnas.spaces import NASBench201


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two heads of made-up costs, and a training plan of seconds."""
    pytest.importorskip("torch_geometric")
    space, rng = NASBench201(), np.random.default_rng(0)
    latency = 1 + np.array([0, 0.05, 0.8, 2.0, 0.3])[space.all_vectors()].sum(axis=1)
    latency = latency * np.exp(rng.normal(scale=0.02, size=space.size))
    heads = [
        HeadData(device="jetson-tx2", dataset="cifar10", target="energy", costs=4.5 * latency),
        HeadData(device="jetson-tx2", dataset="cifar10", target="latency", costs=latency),
    ]
    monkeypatch.setattr(api, "training_heads", lambda space: heads)
    plan = training.TrainingPlan(steps=30, batch_size=64, learning_rate=5e-3)
    monkeypatch.setattr("hwnas.predictors.regressor.plan_for", lambda kind, nets: plan)


@pytest.mark.usefixtures("quick")
def test_train_writes_what_the_reader_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        "sys.argv", ["hwnas", "train", "--device", "tx2", "--target", "energy", "--out", str(tmp_path), "--json"]
    )
    with pytest.raises(SystemExit) as done:
        main()
    assert not done.value.code
    printed = capsys.readouterr()
    answer = json.loads(printed.out)
    assert list(answer["figures"]) == ["jetson-tx2/cifar10/energy"]
    assert "training 80-4-gcn" in printed.err
    costs = open_shipped_costs(tmp_path, "nasbench201")
    assert costs is not None
    assert costs.heads == ("jetson-tx2/cifar10/energy", "jetson-tx2/cifar10/latency")
    head = costs.head("jetson-tx2/cifar10/energy")
    assert head.record.figures == answer["figures"]["jetson-tx2/cifar10/energy"]
    assert head.record.figures["spearman"] > 0.9
    assert head.record.trained_on == 10938
    assert (tmp_path / "nasbench201_predictors.safetensors").exists()
    assert "hwnas train --space nasbench201 --seed 0" in costs.card["command"]


def test_json_has_the_wanted_heads_alone(capsys: pytest.CaptureFixture[str]) -> None:
    figures = dict.fromkeys(("spearman", "median_ape", "within_10", "coverage", "relative_width"), 1.0)
    heads = ("jetson-tx2/cifar10/energy", "raspi4/cifar10/latency")
    result = api.TrainResult(folder=Path("out"), figures=dict.fromkeys(heads, figures))
    compared = {"900": {head: {"gcn": {name: [1.0, 3.0] for name in figures}} for head in heads}}
    wanted = render_train.wanted("tx2", None)
    render_train.print_result(result, compared, wanted=wanted, as_json=True)
    answer = json.loads(capsys.readouterr().out)
    assert list(answer["figures"]) == list(answer["compared"]["900"]) == [heads[0]]
    render_train.print_result(result, compared, wanted=wanted, as_json=False)
    shown = capsys.readouterr().out
    assert "900 training nets" in shown and "raspi4" not in shown
    render_train.print_result(result, None, wanted=wanted, as_json=True)
    assert json.loads(capsys.readouterr().out)["compared"] is None


def test_without_tables_it_names_the_command_that_brings_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    monkeypatch.setenv("HWNAS_DATA", str(tmp_path))
    with pytest.raises(DataError, match="hwnas data pull"):
        api.train(out=tmp_path)
