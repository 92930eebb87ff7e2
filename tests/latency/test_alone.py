"""A device from its own measurements alone: known laws of cost, intervals, outliers, files; no table is read."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hwnas import metrics
from hwnas.errors import DataError, UsageError
from hwnas.latency.alone import adapt_alone
from hwnas.latency.alone_files import load_alone, save_alone
from hwnas.latency.alone_regression import _outlier, fit, most_telling, predict, student_reach
from hwnas.latency.methods import AdaptedLatency, Taught, get_method, method_for
from hwnas.spaces import Space, get_space

DARTS = get_space("darts")
Law = Callable[[Space, np.ndarray], np.ndarray]


def by_macs(space: Space, vectors: np.ndarray) -> np.ndarray:
    """A power law: 7 ms at 100 million MACs."""
    macs = space.counts(vectors, dataset=space.datasets[0])["macs"]
    return np.asarray(7.0 * (macs / 1e8) ** 0.8)


def by_composition(space: Space, vectors: np.ndarray) -> np.ndarray:
    """By what a network is made of: the logarithm is linear in its composition."""
    parts = space.composition(vectors).astype(np.float64)
    weights = np.linspace(-0.1, 0.1, parts.shape[1])
    return np.asarray(3.0 * np.exp((parts - parts.mean(axis=0)) @ weights))


@pytest.mark.parametrize("name", ["darts", "nats-size", "nas-bench-macro", "accel-nasbench", "autoformer"])
def test_a_power_law_is_found_from_ten_measurements(name: str) -> None:
    space = get_space(name)
    measured, others = space.sample(10, seed=0), space.sample(500, seed=1)
    estimate = adapt_alone(space, measured, by_macs(space, measured), device="board").predict(others)
    truth = by_macs(space, others)
    assert metrics.median_ape(truth, estimate.mean) < 1.0 and metrics.spearman(truth, estimate.mean) > 0.97
    assert estimate.unit == "ms" and "10 measurements of the device alone" in estimate.provenance.summary


@pytest.mark.parametrize("seed", range(3))
def test_small_networks_are_not_predicted_as_if_a_run_cost_only_its_work(seed: int) -> None:
    """Half a millisecond for each run and 20 GMACs a second; the networks are among the cheapest 3 %."""
    space = get_space("nats-size")
    pool = space.sample(2000, seed=1)
    macs = space.counts(pool, dataset="cifar10")["macs"]
    measured, small = space.sample(10, seed=seed), pool[np.argsort(macs)[:50]]

    def law(vectors: np.ndarray) -> np.ndarray:
        return np.asarray(0.5 + space.counts(vectors, dataset="cifar10")["macs"] / 2e7)

    noisy = law(measured) * np.random.default_rng(seed).lognormal(0, 0.02, 10)
    model, truth = adapt_alone(space, measured, noisy, device="board"), law(small)
    estimate = model.predict(small)
    assert metrics.coverage(truth, estimate.lower, estimate.upper) > 98
    assert abs(np.median(estimate.mean / truth) - 1) < 0.1
    usual = model.predict(space.sample(50, seed=9))
    widths = [np.median(np.log(one.upper / one.lower)) for one in (estimate, usual)]
    assert widths[0] > 1.3 * widths[1]


def test_views_are_averaged_by_what_the_measurements_say() -> None:
    """Costs of 0.2 + x: a straight line in log(0.2 + x), and not in log x."""
    x = np.geomspace(0.02, 20, 12)
    views = [[np.log(x + floor)[:, None]] for floor in (0.0, 0.2)]
    regression = fit(views, np.log(0.2 + x), ((1e3,),))
    assert sum(part.share for part in regression.parts if part.view == 1) > 0.99
    mean, _ = predict(regression, [[np.array([[np.log(0.001 + floor)]])] for floor in (1e-9, 0.2)])
    assert np.exp(mean[0]) == pytest.approx(0.201, rel=0.02)


def test_more_measurements_come_nearer() -> None:
    others = DARTS.sample(500, seed=1)
    truth, errors = by_composition(DARTS, others), []
    for count in (5, 20, 80):
        measured = others[-count:]
        model = adapt_alone(DARTS, measured, truth[-count:], device="board")
        errors.append(metrics.mape(truth[:400], model.predict(others[:400]).mean))
    assert errors[2] < errors[1] < errors[0] and errors[2] < 1.5


def test_intervals_cover_on_average_over_boards() -> None:
    """25 made-up boards with 10 % of noise, which is twice what the prior expects, and 500 nets of each."""
    others, covered = DARTS.sample(500, seed=1), {0.5: [], 0.9: []}
    for board in range(25):
        rng = np.random.default_rng(board)
        measured = DARTS.sample(10, seed=100 + board)
        noisy = by_macs(DARTS, measured) * rng.lognormal(0, 0.1, 10)
        again = by_macs(DARTS, others) * rng.lognormal(0, 0.1, 500)
        model = adapt_alone(DARTS, measured, noisy, device="board")
        for confidence, shares in covered.items():
            estimate = model.predict(others, confidence=confidence)
            shares.append(metrics.coverage(again, estimate.lower, estimate.upper))
    assert 44 < np.mean(covered[0.5]) < 62 and 86 < np.mean(covered[0.9]) < 96


def test_intervals_widen_away_from_the_measurements_and_with_confidence() -> None:
    space = get_space("nas-bench-macro")
    nets = space.all_vectors()
    macs = space.counts(nets, dataset="cifar10")["macs"]
    near = nets[np.argsort(np.abs(macs - np.median(macs)), kind="stable")]
    noise = np.random.default_rng(0).lognormal(0, 0.03, 10)
    model = adapt_alone(space, near[:10], by_macs(space, near[:10]) * noise, device="board")

    def width(vectors: np.ndarray, confidence: float = 0.9) -> float:
        estimate = model.predict(vectors, confidence=confidence)
        return float(np.median(np.log(estimate.upper / estimate.lower)))

    assert width(near[-10:]) > 1.2 * width(near[10:20])
    assert width(near[10:20], 0.5) < width(near[10:20], 0.9) < width(near[10:20], 0.98)
    for confidence in (0.0, 0.99, 1.5):
        with pytest.raises(UsageError, match=f"above 0 and at most 0.98, .* got {confidence}"):
            model.predict(near[:1], confidence=confidence)


def test_the_further_off_the_surer_an_outlier() -> None:
    errors = np.array([0.0, 3.0, 10.0, 100.0, 500.0])
    with np.errstate(over="raise", invalid="raise"):
        probability = _outlier(errors, 350.0)
    assert (np.diff(probability) >= 0).all() and probability[0] < 0.05 and probability[-1] == 1


def test_leaving_one_out_is_fitting_the_others() -> None:
    """The closed form against a fit without the row; outliers are looked for in all rows, so there is none here."""
    rng = np.random.default_rng(0)
    groups = [rng.normal(size=(12, 2)), rng.normal(size=(12, 9)) / 3]
    costs = groups[0] @ np.array([0.2, -0.1]) + rng.normal(0, 0.05, 12)
    grid = ((1.0, 100.0), (0.1, 10.0))
    full = fit([groups], costs, grid)
    assert full.left_out.outlier.max() < 0.2
    for row in range(12):
        others = np.arange(12) != row
        part = fit([[group[others] for group in groups]], costs[others], grid)
        mean, _ = predict(part, [[group[[row]] for group in groups]])
        assert mean[0] == pytest.approx(full.left_out.mean[row], abs=0.01)


def test_it_is_a_straight_line_where_only_one_is_possible() -> None:
    """With one wide group of one feature and 40 rows: least squares (NumPy) and its leverage."""
    rng = np.random.default_rng(1)
    x, new = rng.normal(size=(40, 1)), np.array([[3.0]])
    y = 1 + 0.5 * x[:, 0] + rng.normal(0, 0.05, 40)
    mean, deviation = predict(fit([[x]], y, ((1e6,),)), [[new]])
    (slope, start), covariance = np.polyfit(x[:, 0], y, 1, cov="unscaled")
    assert mean[0] == pytest.approx(start + 3 * slope, rel=1e-3)
    noise = (y - start - slope * x[:, 0]).std()
    lever = np.array([3.0, 1.0]) @ covariance @ np.array([3.0, 1.0])
    wide = noise * np.sqrt(1 + lever)
    assert wide < deviation[0] < 1.2 * wide  # a new measurement may be an outlier, as each of these may a little


@pytest.mark.parametrize(
    ("share", "degrees", "t"), [(0.9, 1.0, 6.314), (0.9, 10.0, 1.812), (0.95, 5.0, 2.571), (0.98, 30.0, 2.457)]
)
def test_quantiles_are_those_of_the_published_table(share: float, degrees: float, t: float) -> None:
    """Abramowitz & Stegun 1964, table 26.10."""
    assert student_reach(share, degrees) == pytest.approx(t, abs=6e-4)
    assert student_reach(share, degrees + 1) < student_reach(share, degrees + 0.5) < student_reach(share, degrees)


def test_a_wrong_measurement_is_suspected_and_does_little_harm() -> None:
    measured, others = DARTS.sample(12, seed=3), DARTS.sample(300, seed=4)
    costs = by_macs(DARTS, measured) * np.random.default_rng(0).lognormal(0, 0.02, 12)
    assert adapt_alone(DARTS, measured, costs, device="board").suspect() == []
    costs[7] *= 3
    model = adapt_alone(DARTS, measured, costs, device="board")
    (found,) = model.suspect()
    assert found.row == 7 and found.cost == costs[7] and found.probability > 0.9
    assert found.expected == pytest.approx(costs[7] / 3, rel=0.15)
    assert metrics.median_ape(by_macs(DARTS, others), model.predict(others).mean) < 6
    assert model.leave_one_out().median_ape < 6


def test_next_nets_were_not_measured_and_differ() -> None:
    space = get_space("nas-bench-macro")
    measured = space.sample(10, seed=0)
    model = adapt_alone(space, measured, by_macs(space, measured), device="board")
    chosen = space.key(model.next_nets(5))
    assert len(set(chosen.tolist())) == 5 and not np.isin(chosen, space.key(measured)).any()
    assert (model.next_nets(5) == model.next_nets(5)).all()


def test_the_most_telling_is_the_farthest() -> None:
    groups = [np.array([[-0.1], [0.0], [0.1], [0.2]])]
    regression = fit([groups], np.array([0.0, 0.01, 0.03, 0.04]), ((10.0,),))
    assert most_telling(regression, [[np.array([[0.0], [0.3], [4.0]])]], count=2)[0] == 2


@pytest.mark.parametrize("count", [3, 4, 40])
def test_few_and_many_measurements(count: int) -> None:
    measured = DARTS.sample(count, seed=2)
    model = adapt_alone(DARTS, measured, by_macs(DARTS, measured), device="board")
    estimate = model.predict(DARTS.sample(9, seed=5))
    assert np.isfinite(estimate.upper).all() and (estimate.lower < estimate.mean).all()
    assert model.leave_one_out().measured == count
    assert model.predict(DARTS.sample(1, seed=0)[:0]).mean.shape == (0,)
    with pytest.raises(UsageError, match="at least 3 different networks"):
        adapt_alone(DARTS, measured[:2], np.array([1.0, 2.0]), device="board")


def test_it_is_what_methods_promise() -> None:
    name, method = method_for(DARTS, "auto")
    assert name == "alone" and method_for(DARTS, "latent")[0] == get_method("auto")[0] == "latent"
    measured = DARTS.sample(5, seed=0)
    model = method.adapt(DARTS, measured, by_macs(DARTS, measured), device="board", unit_is_right=True)
    assert isinstance(model, AdaptedLatency) and isinstance(model.model, Taught)
    assert model.model.facts["devices"] == []
    for other in ("latent", "meta"):
        with pytest.raises(DataError, match=r"expected .* of darts, found none .* the method 'alone' needs no known"):
            get_method(other)[1].adapt(DARTS, measured, by_macs(DARTS, measured), device="board")


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A folder with a model of twelve noisy measurements."""
    measured = DARTS.sample(12, seed=3)
    costs = by_macs(DARTS, measured) * np.random.default_rng(0).lognormal(0, 0.05, 12)
    save_alone(tmp_path, "latency", adapt_alone(DARTS, measured, costs, device="my-board"))
    return tmp_path


def test_files_give_the_same_model(kept: Path) -> None:
    measured, wanted = DARTS.sample(12, seed=3), DARTS.sample(50, seed=6)
    costs = by_macs(DARTS, measured) * np.random.default_rng(0).lognormal(0, 0.05, 12)
    before, after = adapt_alone(DARTS, measured, costs, device="my-board"), load_alone(kept, "latency")
    for one, other in zip(before.left_out(), after.left_out(), strict=True):
        assert (one == other).all()
    one, other = before.predict(wanted), after.predict(wanted)
    assert (one.mean == other.mean).all() and (one.upper == other.upper).all() and after.device == "my-board"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"version": 2}, "version 1, got latency by 'alone' of version 2; adapt the device again"),
        ({"model": "meta"}, "by model 'alone' of version 1, got latency by 'meta'"),
        ({"target": "energy"}, "expected latency by model"),
        ({"costs": [1.0]}, "expected an adapted model, .*adapt the device again"),
        ({"costs": [-1.0] * 12}, "expected an adapted model"),
        ({"rows": []}, "0 rows of 12 costs"),
        ({"space": "no-such-space"}, "expected an adapted model"),
        ({"architectures": ["x"] * 12}, "expected an adapted model"),
        ({"macs": [1] * 12}, "the space has changed since: measure its networks again"),
    ],
)
def test_files_that_are_damaged(kept: Path, change: dict[str, object], says: str) -> None:
    path = kept / "latency.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(DataError, match=says):
        load_alone(kept, "latency")


def test_files_that_are_cut_off_or_gone(kept: Path) -> None:
    path = kept / "latency.json"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(DataError, match="adapt the device again"):
        load_alone(kept, "latency")
    path.unlink()
    with pytest.raises(DataError, match="adapt the device again"):
        load_alone(kept, "latency")
