"""Objectives: orientation, bounds, and what is refused."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from hwnas.errors import UsageError
from hwnas.pareto import Objective, bounds_of, cost_column, cost_matrix, feasible

ENERGY = Objective(id="energy_mj.jetson-tx2", name="energy", unit="mJ", bound=20.0)
ACCURACY = Objective(id="accuracy_percent", name="accuracy", unit="%", direction="max", bound=70.0)
VALUES = {"accuracy_percent": np.array([71.0, 69.0, 72.0]), "energy_mj.jetson-tx2": np.array([10.0, 15.0, 25.0])}


def test_columns_become_costs_in_the_order_of_the_objectives():
    costs = cost_matrix([ENERGY, ACCURACY], VALUES)
    assert costs.tolist() == [[10, -71], [15, -69], [25, -72]]
    assert costs.dtype == np.float64
    assert bounds_of([ENERGY, ACCURACY]) == (20.0, -70.0)


def test_a_bound_means_the_same_in_either_direction():
    assert feasible(cost_matrix([ACCURACY], VALUES), bounds_of([ACCURACY])).tolist() == [True, False, True]
    assert feasible(cost_matrix([ENERGY, ACCURACY], VALUES), bounds_of([ENERGY, ACCURACY])).tolist() == [True, 0, 0]


def test_no_bound_and_no_value_stay_so():
    assert bounds_of([dataclasses.replace(ENERGY, bound=None)]) == (None,)
    column = cost_column(ACCURACY, np.array([np.nan, 50.0], dtype=np.float32))
    assert np.isnan(column[0])
    assert column[1] == -50.0


@pytest.mark.parametrize(
    ("change", "message"),
    [({"direction": "up"}, "'min' or 'max', got 'up'"), ({"bound": float("nan")}, "finite bound in mJ, got nan")],
)
def test_wrong_objectives_are_refused(change, message):
    with pytest.raises(UsageError, match=message):
        unchecked(**{"id": "energy_mj", "name": "energy", "unit": "mJ", **change})


def unchecked(**fields):
    """An Objective whose field types the test run does not check before the class does."""
    objective = object.__new__(Objective)
    for name, value in {"direction": "min", "bound": None, **fields}.items():
        object.__setattr__(objective, name, value)
    objective.__post_init__()


def test_a_missing_column_is_named():
    with pytest.raises(UsageError, match=r"none for \['energy_mj.jetson-tx2'\].*accuracy_percent"):
        cost_matrix([ENERGY, ACCURACY], {"accuracy_percent": VALUES["accuracy_percent"]})
    with pytest.raises(UsageError, match="no objective"):
        cost_matrix([], VALUES)
