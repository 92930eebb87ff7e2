"""The figures that public tables give: NAS-Bench-201 on CIFAR-100 with the energy measured on a Jetson TX2."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from hwnas.pareto import compare_scores, exhaustive_front, ground_truth
from hwnas.spaces import NASBench201

pytestmark = pytest.mark.data
SPACE = NASBench201()


@pytest.fixture(scope="module")
def table(mirror):
    """(vectors, energy in mJ as a column, accuracy in percent) of all 15,625 architectures."""
    with (mirror / "hw-nas-bench" / "hw_cifar100.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    vectors = SPACE.from_tuples(np.array([[int(code) for code in row["net"].strip("()").split(",")] for row in rows]))
    energy = np.array([float(row["edgegpu_energy"]) for row in rows])
    with (mirror / "nas-bench-201" / "nats_bench.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert SPACE.strings(vectors[:50]) == [row["ArchitectureString"] for row in rows[:50]]
    return vectors, energy[:, None], np.array([float(row["CIFAR100TestAccuracy200Epochs"]) for row in rows])


@pytest.mark.parametrize(("budget_mj", "best"), [(10.0, 67.97), (20.0, 71.02), (30.0, 73.16)])
def test_the_true_front_reaches_the_published_accuracy(table, budget_mj, best):
    _, energy, accuracy = table
    front = exhaustive_front(np.column_stack([energy, -accuracy]), bounds=(budget_mj, None))
    assert round(-front.costs[:, 1].min(), 2) == best
    assert front.costs[-1, 0] <= budget_mj


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (False, {15.0: 0.995, 20.0: 0.987, 30.0: 0.860, 40.0: 0.792}),
        (True, {15.0: 0.83, 20.0: 0.72, 30.0: 0.61, 40.0: 0.64}),
    ],
)
def test_params_finds_the_published_share(table, raw, expected):
    vectors, energy, accuracy = table
    scores = SPACE.counts(vectors, dataset="cifar100")["params"].astype(np.float64)
    groups = None if raw else SPACE.network_id(vectors)
    for budget_mj, share in expected.items():
        truth = ground_truth(energy, accuracy, bounds=(budget_mj,), groups=groups)
        assert compare_scores(scores, truth).relative_hypervolume == pytest.approx(share, abs=0.005)


@pytest.mark.parametrize("raw", [False, True])
def test_where_no_net_beats_the_median_the_share_is_null(table, raw):
    vectors, energy, accuracy = table
    groups = None if raw else SPACE.network_id(vectors)
    truth = ground_truth(energy, accuracy, bounds=(6.0,), groups=groups)
    result = compare_scores(accuracy, truth)
    assert result.relative_hypervolume is None
    assert "no feasible net beats the median accuracy" in result.reason_if_null
