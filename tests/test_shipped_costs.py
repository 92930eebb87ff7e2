"""The files of shipped predictions: what is written is what is read, damage is noticed, intervals interpolate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jaxtyping import TypeCheckError

from hwnas.errors import DataError, UnknownNameError, UsageError
from hwnas.predictors.conformal import CostIntervals
from hwnas.predictors.shipped import (
    HeadRecord,
    as_stored,
    head_id,
    interval_factors,
    open_shipped_costs,
    write_shipped_costs,
)

LEVELS = np.array([0.01, 0.1, 0.5, 0.9, 0.99])  # one-sided
HEADS = (
    HeadRecord(
        device="jetson-tx2",
        dataset="cifar10",
        target="energy",
        trained_on=12500,
        model="GCN",
        figures={"spearman": 0.99, "median_ape": 1.8},
    ),
    HeadRecord(device="gtx-1080-ti@32", dataset="cifar10", target="latency", trained_on=900, model="MLP", figures={}),
)


def parts(nets: int = 40, folds: int = 3) -> dict[str, Any]:
    """Arguments of the writer for two heads whose means differ by a factor of a thousand."""
    rng = np.random.default_rng(0)
    return {
        "space": "toy",
        "heads": HEADS,
        "mean": np.exp(rng.normal(size=(2, nets))) * np.array([[1.0], [1000.0]]),
        "fold": np.arange(nets) % folds,
        "levels": LEVELS,
        "intervals": [
            CostIntervals(
                starts=np.tile([0.0, 0.5 * size, 2.0 * size], (folds, 1)),
                quantiles=0.8 + np.cumsum(rng.random((folds, 3, len(LEVELS))), axis=2) / 10,
            )
            for size in (1.0, 1000.0)
        ],
        "card": {"data": "made up", "seeds": [0, 1]},
    }


def test_what_is_written_is_read(tmp_path: Path) -> None:
    given_parts = parts()
    write_shipped_costs(tmp_path / "new", **given_parts)
    costs = open_shipped_costs(tmp_path / "new", "toy")
    assert costs is not None
    assert costs.heads == ("jetson-tx2/cifar10/energy", "gtx-1080-ti@32/cifar10/latency")
    assert costs.card == {"data": "made up", "seeds": [0, 1]}
    assert costs.heads[1] in costs and "gtx-1080-ti/cifar10/latency" not in costs
    for row, record in enumerate(HEADS):
        head = costs.head(head_id(record.device, record.dataset, record.target))
        assert head.record == record == costs.record(record.id)
        np.testing.assert_allclose(head.mean, given_parts["mean"][row], rtol=2**-11 * 1.01)  # half a step of float16
        np.testing.assert_array_equal(head.fold, given_parts["fold"])
        np.testing.assert_array_equal(head.levels, LEVELS)
        given = given_parts["intervals"][row]
        np.testing.assert_allclose(head.intervals.quantiles, given.quantiles, rtol=1e-7)
        np.testing.assert_array_equal(head.intervals.starts, given.starts)
        assert (as_stored(given_parts["mean"])[row] == head.mean).all()


def test_a_net_has_the_factors_of_its_fold_and_of_nets_of_its_cost(tmp_path: Path) -> None:
    """By the definition, one net after another."""
    write_shipped_costs(tmp_path, **parts())
    costs = open_shipped_costs(tmp_path, "toy")
    assert costs is not None
    head = costs.head(costs.heads[1])
    index = np.array([5, 0, 17, 5])
    low, high = head.factors(index, 0.8)
    for row, net in enumerate(index):
        fold, mean = head.fold[net], head.mean[net]
        group = max(number for number in range(3) if head.intervals.starts[fold, number] <= mean)
        expected = interval_factors(head.intervals.quantiles[fold, group][None], LEVELS, 0.8)
        assert (low[row], high[row]) == (expected[0][0], expected[1][0])
    assert len(set(low.tolist())) > 1


def test_the_same_arguments_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_shipped_costs(tmp_path / name, **parts())
    for file in ("toy_costs.npz", "toy_costs.json"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["toy_costs.json", "toy_costs.npz"]


def test_unknown_heads_and_spaces(tmp_path: Path) -> None:
    write_shipped_costs(tmp_path, **parts())
    assert open_shipped_costs(tmp_path, "other") is None
    costs = open_shipped_costs(tmp_path, "toy")
    assert costs is not None
    with pytest.raises(UnknownNameError, match="did you mean 'jetson-tx2/cifar10/energy'"):
        costs.head("jetson-tx2/cifar100/energy")


def _with(key: str, index: Any, value: float) -> dict[str, Any]:
    if key in ("starts", "quantiles"):
        first, *others = parts()["intervals"]
        array = getattr(first, key).copy()
        array[index] = value
        return {"intervals": [replace(first, **{key: array}), *others]}
    array = parts()[key].copy()
    array[index] = value
    return {key: array}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"heads": HEADS[:1]}, "a head of its own for each of 2 rows"),
        ({"heads": (HEADS[0], replace(HEADS[0], model="MLP"))}, "a head of its own for each of 2 rows"),
        (_with("mean", (0, 3), np.nan), "finite and positive"),
        (_with("mean", (1, 0), 0.0), "finite and positive"),
        (_with("mean", (1, 0), 1e-3), "within 1e-4 and 6e4 of its median"),
        (_with("fold", 0, 3), "folds 0 to 2"),
        (_with("fold", 0, -1), "folds 0 to 2"),
        ({"levels": LEVELS[::-1].copy()}, "levels that increase"),
        ({"levels": np.array([0.1, 0.5, 0.8, 0.9, 1.0])}, "levels that increase"),
        (_with("starts", (0, 0), 0.1), "begin at 0 and increase"),
        (_with("starts", (1, 2), 0.1), "begin at 0 and increase"),
        (_with("quantiles", (0, 0, 0), 0.0), "finite positive quantiles"),
        (_with("quantiles", (0, 0, 3), 0.5), "do not decrease"),
        (_with("quantiles", (0, 0, 3), np.inf), "finite positive quantiles"),
    ],
)
def test_arguments_that_make_no_sense(tmp_path: Path, change: Mapping[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        write_shipped_costs(tmp_path, **{**parts(), **change})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("change", [{"fold": np.zeros(7, dtype=np.int64)}, {"levels": LEVELS[:3]}])
def test_arrays_that_do_not_fit_together(tmp_path: Path, change: Mapping[str, Any]) -> None:
    with pytest.raises((TypeCheckError, UsageError)):  # whichever looks first: the annotations or the check
        write_shipped_costs(tmp_path, **{**parts(), **change})
    assert not list(tmp_path.iterdir())


def test_damaged_files(tmp_path: Path) -> None:
    write_shipped_costs(tmp_path, **parts())
    npz, text = tmp_path / "toy_costs.npz", tmp_path / "toy_costs.json"
    whole, facts = npz.read_bytes(), text.read_text(encoding="utf-8")
    middle = len(whole) // 3
    for damaged in (whole[: len(whole) // 2], b"", whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]):
        npz.write_bytes(damaged)
        _expect_data_error(tmp_path)
    npz.write_bytes(whole)
    for wrong in (facts[:50], "[]", facts.replace('"version": 2', '"version": 1'), facts.replace("0.99", "0.98")):
        assert wrong != facts
        text.write_text(wrong, encoding="utf-8")
        _expect_data_error(tmp_path)


def _expect_data_error(folder: Path) -> None:
    with pytest.raises(DataError, match=r"toy_costs\.(npz|json): expected .*hwnas train"):
        costs = open_shipped_costs(folder, "toy")
        assert costs is not None
        for name in costs.heads:
            costs.head(name)


def test_factors_at_and_between_levels() -> None:
    quantiles = np.array([[0.5, 0.8, 1.1, 1.21, 1.44], [0.25, 0.5, 1.0, 2.0, 8.0]])
    levels = np.array([0.05, 0.1, 0.5, 0.9, 0.95])
    low, high = interval_factors(quantiles, levels, 0.8)
    np.testing.assert_allclose((low, high), [[0.8, 0.5], [1.21, 2.0]])
    # Half-way between levels the factor is the geometric mean of its neighbours.
    low, high = interval_factors(quantiles, levels, 0.85)
    np.testing.assert_allclose(high, [np.sqrt(1.21 * 1.44), 4.0])
    np.testing.assert_allclose(low, [np.sqrt(0.5 * 0.8), np.sqrt(0.25 * 0.5)])


def test_the_interval_holds_the_mean_even_where_the_model_is_biased() -> None:
    low, high = interval_factors(np.array([[1.1, 1.2, 1.3], [0.7, 0.8, 0.9]]), np.array([0.05, 0.5, 0.95]), 0.9)
    np.testing.assert_allclose((low, high), [[1.0, 0.7], [1.3, 1.0]])


@given(confidence=st.floats(0, 0.98), step=st.floats(0, 0.2))
def test_intervals_grow_with_confidence(confidence: float, step: float) -> None:
    quantiles = parts()["intervals"][0].quantiles[:, 1]
    (low, high), (lower, higher) = (
        interval_factors(quantiles, LEVELS, value) for value in (confidence, min(confidence + step, 0.98))
    )
    assert (lower <= low * (1 + 1e-12)).all() and (high <= higher * (1 + 1e-12)).all()
    assert (low <= 1).all() and (high >= 1).all()


@pytest.mark.parametrize("confidence", [-0.1, 0.985])
def test_confidence_outside_of_what_was_calibrated(confidence: float) -> None:
    with pytest.raises(UsageError, match=r"expected 0 to 0\.98"):
        interval_factors(parts()["intervals"][0].quantiles[:, 1], LEVELS, confidence)
