"""A board in a space of which nothing is known, end to end: plan, measurements, adapt, pareto."""

from __future__ import annotations

import csv
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hwnas.spaces
from hwnas import metrics
from hwnas.api.adapt import AdaptSettings, adapt
from hwnas.api.pareto import pareto
from hwnas.api.plan import PlanSettings, plan
from hwnas.energy import energy_model
from hwnas.errors import DataError, UsageError
from hwnas.latency import latency_model
from hwnas.spaces import SPACES, Space, get_space, registry

README = Path(hwnas.spaces.__file__).with_name("README.md").read_text(encoding="utf-8")
EXAMPLE = next(text for text in re.findall(r"```python\n(.*?)```", README, re.S) if "class Plain" in text)
MACRO = get_space("nas-bench-macro")


def true_latency(space: Space, vectors: np.ndarray) -> np.ndarray:
    """A made-up board: 1 ms at no MACs, and 2 GMACs a second."""
    return np.asarray(1.0 + space.counts(vectors, dataset=space.datasets[0])["macs"] / 2e6)


def write_table(path: Path, space: Space, vectors: np.ndarray, *, power_w: float | None = None) -> Path:
    noise = np.random.default_rng(0).lognormal(0, 0.01, len(vectors))
    latency = true_latency(space, vectors) * noise
    energy = [""] * len(vectors) if power_w is None else (power_w * latency).tolist()
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["architecture", "latency_ms", "energy_mj"])
        writer.writerows(zip(space.strings(vectors), latency.tolist(), energy, strict=True))
    return path


@pytest.fixture
def plain(shipped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Space]:
    """The space of hwnas/spaces/README.md under its own name; nothing of it is known afterwards."""
    (tmp_path / "my_space.py").write_text(EXAMPLE, encoding="utf-8")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setenv(registry.VARIABLE, "my_space:Plain")
    before, named = dict(SPACES), dict(registry._named)
    yield get_space("plain-convs")
    for known, kept in ((SPACES, before), (registry._named, named)):
        known.clear()
        known.update(kept)
    sys.modules.pop("my_space", None)


def results_of(kit: Path, space: Space) -> dict[str, Any]:
    """What an agent writes of a kit on the made-up board: three rounds of each net, 1 % apart."""
    manifest = json.loads((kit / "manifest.json").read_text())
    nets = []
    for net in manifest["nets"]:
        ms = float(true_latency(space, space.parse([net["arch"]]))[0])
        measured = {"median": ms, "rounds": [ms, 0.99 * ms, 1.01 * ms]}
        nets.append(
            {
                **{name: net[name] for name in ("name", "arch", "role")},
                **{"latency_ms": measured, "latency_reason": None, "energy_mj": None, "energy_reason": "no meter"},
            }
        )
    return {
        "kind": "hwnas-results",
        "schema_version": 1,
        "kit": {name: manifest[name] for name in ("space", "dataset", "batch_size")},
        "device": {"cpu": "a made-up processor", "cores": 2, "governors": ["performance"]},
        "runtime": {"name": "onnxruntime", "version": "1.0", "threads": 2, "precision": "fp32"},
        "protocol": {"rounds": 3, "window_s": 0.5, "warmup_s": 0.5},
        "meter": {"name": None, "reason": "no meter"},
        "idle_power_w": None,
        "started": "2025-01-01T00:00:00Z",
        "round_levels": [1.0, 0.99, 1.01],
        "nets": nets,
    }


def test_a_space_of_ones_own_from_plan_to_pareto(plain: Space, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    made = plan(tmp_path / "kit", space="plain-convs", nets=10, settings=PlanSettings(check=8))
    assert made.facts.method == "spread" and "rest on these measurements alone, and ten or more" in made.notes[0]
    path = tmp_path / "results.json"
    path.write_text(json.dumps(results_of(tmp_path / "kit", plain)))
    answer = adapt(path, name="my-board")
    assert (answer.space, answer.method, answer.nets, answer.known_devices) == ("plain-convs", "alone", 10, 0)
    assert answer.checked is not None and answer.checked.median_error_percent < 8
    assert answer.left_out.median_error_percent < 8 and answer.width_percent < 100
    assert len(answer.next_nets) == 3 and not set(answer.next_nets) & {net.arch for net in made.nets[:10]}
    model = latency_model("my-board", space="plain-convs", dataset="cifar10")
    nets = plain.all_vectors()
    estimate = model.predict(nets)
    assert metrics.spearman(true_latency(plain, nets), estimate.mean) > 0.95
    assert "own measurements alone, adapted from 10 measurements" in estimate.provenance.summary
    budget = float(np.median(true_latency(plain, nets)))
    front = pareto("my-board", space="plain-convs", budget_ms=budget).to_dict()
    assert "own measurements alone" in json.dumps(front)


def test_a_space_of_hwnas_from_a_table_to_pareto(shipped: Path, tmp_path: Path) -> None:
    nets = MACRO.sample(12, seed=1)
    answer = adapt(write_table(tmp_path / "a.csv", MACRO, nets, power_w=4.0), name="b", space="nas-bench-macro")
    assert answer.method == "alone" and answer.left_out.median_error_percent < 10
    where = {"space": "nas-bench-macro", "dataset": "cifar10"}
    others = MACRO.sample(300, seed=2)
    truth = true_latency(MACRO, others)
    assert metrics.spearman(truth, latency_model("b", **where).predict(others).mean) > 0.97
    assert answer.energy.source == "measured" and answer.energy.power_w == pytest.approx(4.0)
    assert answer.energy.left_out is not None and answer.energy.left_out.nets == 12
    energy = energy_model("b", **where).predict(others)
    assert np.allclose(energy.mean, 4.0 * latency_model("b", **where).predict(others).mean)
    front = pareto("b", space="nas-bench-macro", budget_ms=float(np.median(truth)), proxies=["params"])
    assert "own measurements alone" in json.dumps(front.to_dict())


def test_measurements_join_and_a_power_is_taken(shipped: Path, tmp_path: Path) -> None:
    nets = MACRO.sample(16, seed=1)
    first = write_table(tmp_path / "a.csv", MACRO, nets[:10])
    second = write_table(tmp_path / "b.csv", MACRO, nets[10:])
    told = AdaptSettings(power_w=3.0)
    answer = adapt(first, name="b", space="nas-bench-macro", settings=told)
    assert answer.energy.source == "given power" and answer.energy.power_w == 3.0
    assert answer.energy.reason == "the table has no energy for it"
    joined = adapt(second, name="b", space="nas-bench-macro", settings=AdaptSettings(add=True))
    assert (joined.nets, joined.method, joined.replaced, joined.energy.power_w) == (16, "alone", True, 3.0)
    both = write_table(tmp_path / "c.csv", MACRO, nets, power_w=2.0)
    with pytest.raises(UsageError, match="measured energies or a power, got both"):
        adapt(both, name="c", space="nas-bench-macro", settings=told)
    assert adapt(first, name="d", space="nas-bench-macro").energy.source == "not measured"


def test_methods_that_need_known_devices_name_the_one_that_does_not(shipped: Path, tmp_path: Path) -> None:
    path = write_table(tmp_path / "a.csv", MACRO, MACRO.sample(5, seed=1))
    with pytest.raises(DataError, match=r"few-shot model of nas-bench-macro, found none .* the method 'alone'"):
        adapt(path, name="b", space="nas-bench-macro", settings=AdaptSettings(method="latent"))


def test_it_can_be_asked_for_where_devices_are_known(taught: Path, tmp_path: Path) -> None:
    cells = get_space("nasbench201")
    path = write_table(tmp_path / "a.csv", cells, cells.sample(10, seed=3))
    assert adapt(path, name="a").method == "latent"
    assert adapt(path, name="b", settings=AdaptSettings(method="alone")).method == "alone"
