"""Runs of a search: what they find, how they end, what is kept of them and how they go on."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from hwnas.errors import DataError, UsageError
from hwnas.search import KnownCosts, Limits, Problem, SearchSettings, make_search, run_search
from hwnas.search.problem import placed
from hwnas.spaces import FBNet, NASBench201, Space, get_space

SPACE = NASBench201()
BOUNDS = (0.6, None)


def _costs(vectors: np.ndarray) -> np.ndarray:
    """Two costs that pull apart: parameters, and a smooth function of the choices."""
    params = SPACE.counts(vectors, dataset="cifar10")["params"] / 1e6
    weights = np.array(
        [[0, 3, 7, 9, 2], [0, 2, 5, 9, 1], [0, 1, 8, 6, 3], [0, 4, 6, 8, 2], [0, 1, 9, 5, 3], [0, 2, 7, 8, 1]]
    )
    return np.stack([params, -weights[np.arange(6), vectors].sum(axis=1).astype(float)], axis=1)


def _problem(known: KnownCosts | None = None, calls: list[int] | None = None, stop_after: int | None = None) -> Problem:
    calls = [] if calls is None else calls

    def evaluate(vectors: np.ndarray) -> np.ndarray:
        if stop_after is not None and sum(calls) >= stop_after:
            raise KeyboardInterrupt
        calls.append(len(vectors))
        return _costs(vectors)

    return Problem(space=SPACE, bounds=BOUNDS, evaluate=evaluate, known=KnownCosts() if known is None else known)


def _search(name: str = "nsga2", seed: int = 0):
    return make_search(name, SPACE, SearchSettings(seed=seed, population=20, raw=True, bounds=BOUNDS))


def test_the_front_is_nearly_that_of_brute_force() -> None:
    """Of 15,625 networks 400: nearly the whole area between the feasible front and (bound, median of the space)."""
    run = run_search(_search(), _problem(), Limits(evaluations=400))
    every = _costs(SPACE.all_vectors())
    reference = np.array([0.6, np.median(every[:, 1])])

    def area(points: np.ndarray) -> float:
        """By strips along the first cost."""
        points = points[(points < reference).all(axis=1)]
        points = points[np.argsort(points[:, 0])]
        edges = np.append(points[:, 0], reference[0])
        return float((np.diff(edges) * (reference[1] - np.minimum.accumulate(points[:, 1]))).sum())

    assert area(run.costs) >= 0.995 * area(every)
    assert len(run.vectors) == len(np.unique(run.vectors, axis=0)) == 400


@pytest.mark.parametrize("name", ["nsga2", "random", "evolution"])
def test_a_run_is_its_own_record(name: str) -> None:
    run = run_search(_search(name), _problem(), Limits(evaluations=130))
    np.testing.assert_array_equal(run.costs, _costs(run.vectors))
    np.testing.assert_allclose(run.violations, np.maximum(run.costs[:, 0] / 0.6 - 1, 0))
    front = run.costs[run.front]
    assert (run.violations[run.front] == 0).all() and (np.diff(front[:, 0]) >= 0).all()
    volumes = [generation.hypervolume for generation in run.generations]
    assert volumes == sorted(volumes) and volumes[-1] > 0
    assert [g.evaluations for g in run.generations][-1] == 130 and run.ended == "evaluations"


def test_costs_are_asked_for_once_a_generation() -> None:
    calls: list[int] = []
    run = run_search(_search(), _problem(calls=calls), Limits(evaluations=150))
    assert len(calls) == len(run.generations) and sum(calls) == 150


@pytest.mark.parametrize("name", ["nsga2", "random", "evolution"])
def test_interrupted_and_resumed_it_ends_the_same(name: str, tmp_path: Path) -> None:
    whole = run_search(_search(name), _problem(), Limits(evaluations=160))
    path = tmp_path / "costs.npz"
    with pytest.raises(KeyboardInterrupt):
        run_search(_search(name), _problem(KnownCosts(path), stop_after=80), Limits(evaluations=160))
    assert len(KnownCosts(path)) == 80
    calls: list[int] = []
    again = run_search(_search(name), _problem(KnownCosts(path), calls), Limits(evaluations=160))
    assert sum(calls) == 80
    for part in ("vectors", "costs", "front"):
        np.testing.assert_array_equal(getattr(again, part), getattr(whole, part))


def test_it_ends_early_where_the_front_stands_still_and_where_nothing_is_left() -> None:
    flat = Problem(space=SPACE, bounds=(None,), evaluate=lambda vectors: np.ones((len(vectors), 1)))
    chance = make_search("random", SPACE, SearchSettings(population=20, raw=True))
    run = run_search(chance, flat, Limits(evaluations=1000, patience=3))
    assert (run.ended, len(run.generations)) == ("patience", 4)  # a front without a volume, which never changes
    assert run.generations[-1].hypervolume == 0
    run = run_search(_search("evolution"), _problem(), Limits(evaluations=5000, patience=10))
    assert run.ended == "patience" and len(run.vectors) < 5000
    small = run_search(_search("random"), _problem(), Limits(evaluations=20_000))
    assert small.ended == "exhausted" and len(small.vectors) == 15_625


def test_unknown_costs_are_never_feasible() -> None:
    def evaluate(vectors: np.ndarray) -> np.ndarray:
        costs = _costs(vectors)
        costs[vectors[:, 0] == 0, 0] = np.nan
        return costs

    problem = Problem(space=SPACE, bounds=BOUNDS, evaluate=evaluate)
    run = run_search(_search(), problem, Limits(evaluations=100))
    unknown = run.vectors[:, 0] == 0
    assert unknown.any() and np.isinf(run.violations[unknown]).all()
    assert not set(np.flatnonzero(unknown)) & set(run.front.tolist())


def test_violations_are_relative_excesses() -> None:
    problem = Problem(space=SPACE, bounds=(2.0, None, -4.0), evaluate=lambda vectors: vectors[:, :3].astype(float))
    costs = np.array([[2.0, 9.0, -4.0], [3.0, 9.0, -4.0], [3.0, 9.0, -2.0], [np.nan, 9.0, -4.0]])
    np.testing.assert_allclose(problem.violations(costs), [0, 0.5, 1.0, np.inf])


def test_wrong_costs_are_refused() -> None:
    vectors = SPACE.sample(3, seed=0)
    with pytest.raises(UsageError, match=r"shape \(3, 2\).*got \(3, 1\)"):
        Problem(space=SPACE, bounds=BOUNDS, evaluate=lambda rows: np.ones((len(rows), 1))).costs(vectors)
    with pytest.raises(UsageError, match="finite costs"):
        Problem(space=SPACE, bounds=BOUNDS, evaluate=lambda rows: np.full((len(rows), 2), np.inf)).costs(vectors)
    one_sided = Problem(space=SPACE, bounds=BOUNDS, evaluate=lambda rows: np.tile([0.5, np.inf], (len(rows), 1)))
    assert np.isposinf(one_sided.costs(vectors)[:, 1]).all()
    with pytest.raises(UsageError, match="at least 1 evaluation"):
        Limits(evaluations=0)


@pytest.mark.parametrize(("name", "evaluations"), [("nsga2", 300), ("evolution", 5000)])
def test_a_cost_that_all_share_changes_nothing(name: str, evaluations: int) -> None:
    """Neither what is looked at nor the volume, nor when patience ends the search."""
    limits, bounds = Limits(evaluations=evaluations, patience=10), (0.6, None, None)
    alone = run_search(_search(name), _problem(), limits)
    search = make_search(name, SPACE, SearchSettings(seed=0, population=20, raw=True, bounds=bounds))
    shared = Problem(space=SPACE, bounds=bounds, evaluate=lambda rows: np.insert(_costs(rows), 1, 327_680.0, axis=1))
    run = run_search(search, shared, limits)
    assert run.ended == alone.ended and (name != "evolution" or run.ended == "patience")
    np.testing.assert_array_equal(run.vectors, alone.vectors)
    assert 0 < run.generations[-1].hypervolume == pytest.approx(alone.generations[-1].hypervolume)


@pytest.mark.parametrize("name", ["nsga2", "random", "evolution"])
def test_where_nothing_is_feasible_the_least_violation_counts(name: str) -> None:
    bounds = (1e-9, None)
    search = make_search(name, SPACE, SearchSettings(population=20, bounds=bounds))
    run = run_search(search, Problem(space=SPACE, bounds=bounds, evaluate=_costs), Limits(evaluations=5000, patience=4))
    assert run.ended == "patience" and len(run.front) == 0
    least = [generation.violation for generation in run.generations]
    assert least == sorted(least, reverse=True) and least[-1] == run.violations.min()


@pytest.mark.parametrize("name", ["nsga2", "random", "evolution"])
def test_what_breaks_a_bound_needs_no_quality(name: str, tmp_path: Path) -> None:
    """Its violation is that of the costs that are known; a search finds its way, and goes on where it was cut off."""

    def problem(known: KnownCosts | None = None) -> Problem:
        def evaluate(vectors: np.ndarray) -> np.ndarray:
            costs = _costs(vectors)
            costs[costs[:, 0] > BOUNDS[0], 1] = np.nan
            return costs

        return Problem(space=SPACE, bounds=BOUNDS, evaluate=evaluate, known=KnownCosts() if known is None else known)

    whole = run_search(_search(name), problem(), Limits(evaluations=200))
    over = np.isnan(whole.costs[:, 1])
    assert over.any() and not over.all()
    np.testing.assert_allclose(whole.violations, np.maximum(whole.costs[:, 0] / BOUNDS[0] - 1, 0))
    run_search(_search(name), problem(KnownCosts(tmp_path / "costs.npz")), Limits(evaluations=100))
    resumed = run_search(_search(name), problem(KnownCosts(tmp_path / "costs.npz")), Limits(evaluations=200))
    np.testing.assert_array_equal(resumed.vectors, whole.vectors)
    if name == "nsga2":  # the model knows what breaks the bound, too
        assert over[100:].mean() < over[:20].mean() / 2


@pytest.mark.parametrize("name", ["nsga2", "evolution"])
def test_an_infinite_cost_is_worse_than_any_that_comes_later(name: str) -> None:
    """Of equal first costs none of infinite quality is in a front beside a finite one."""

    def evaluate(vectors: np.ndarray) -> np.ndarray:
        quality = _costs(vectors)[:, 1] + 50
        return np.stack([np.ones(len(vectors)), np.where(vectors[:, 0] == 3, np.inf, quality)], axis=1)

    bounds = (2.0, None)
    search = make_search(name, SPACE, SearchSettings(population=20, raw=True, bounds=bounds))
    run = run_search(search, Problem(space=SPACE, bounds=bounds, evaluate=evaluate), Limits(evaluations=200))
    assert np.isposinf(run.costs[:, 1]).any() and np.isfinite(run.costs[run.front]).all()
    assert run.costs[run.front, 1].min() == run.costs[:, 1].min()
    volumes = [generation.hypervolume for generation in run.generations]
    assert volumes == sorted(volumes)


def test_patience_sees_a_quality_of_which_one_network_alone_told_at_first() -> None:
    """One network is within the budget in each generation, of the same cost and better than all before."""
    calls = [0]

    def evaluate(vectors: np.ndarray) -> np.ndarray:
        calls[0] += 1
        costs = np.tile([2.0, np.nan], (len(vectors), 1))
        costs[0] = 0.5, -calls[0]
        return costs

    bounds = (1.0, None)
    search = make_search("random", SPACE, SearchSettings(bounds=bounds))
    problem = Problem(space=SPACE, bounds=bounds, evaluate=evaluate)
    run = run_search(search, problem, Limits(evaluations=200, patience=3))
    assert (run.ended, len(run.vectors)) == ("evaluations", 200)
    assert [generation.hypervolume for generation in run.generations] == [0.5 * max(n, 1) for n in range(10)]


def test_infinite_costs_have_their_place_beyond_the_others() -> None:
    costs = np.array([[1.0, np.inf], [3.0, np.inf], [np.inf, np.inf], [-np.inf, np.nan], [np.nan, -np.inf]])
    np.testing.assert_array_equal(placed(costs), [[1, 1], [3, 1], [5, 1], [-1, np.nan], [np.nan, -1]])
    assert placed(costs[:2, :1]) is not None and placed(costs[:2, :1]).tolist() == [[1], [3]]


def test_known_costs_are_those_that_were_written(tmp_path: Path) -> None:
    path, vectors = tmp_path / "costs.npz", FBNet().sample(30, seed=0)
    keys, costs = FBNet().key(vectors), np.random.default_rng(0).random((30, 3))
    known = KnownCosts(path, facts={"space": "fbnet"})
    known.add(keys, costs)
    known.save()
    again = KnownCosts(path, facts={"space": "fbnet"})
    np.testing.assert_array_equal(again.costs(keys[::-1]), costs[::-1])
    assert not again.lacks(keys).any()
    assert again.lacks(np.array([1, 1, keys[0], 2])).tolist() == [True, False, False, True]
    with pytest.raises(DataError, match=r"got those of .*fbnet.*; give another file"):
        KnownCosts(path, facts={"space": "ofa"})
    content = bytearray(path.read_bytes())
    path.write_bytes(bytes(content[: len(content) // 2]))
    with pytest.raises(DataError, match="delete it to start anew"):
        KnownCosts(path, facts={"space": "fbnet"})


def test_a_checkpoint_belongs_to_its_space_and_number_of_costs(tmp_path: Path) -> None:
    """Keys are bare numbers: those of another space would be taken for known."""
    path, settings = str(tmp_path / "costs.npz"), SearchSettings()

    def run(space: Space, width: int, known: KnownCosts) -> int:
        """How many architectures were evaluated."""
        seen: list[int] = []

        def evaluate(vectors: np.ndarray) -> np.ndarray:
            seen.append(len(vectors))
            return np.tile(vectors.sum(axis=1, keepdims=True).astype(float), width)

        problem = Problem(space=space, bounds=(None,) * width, evaluate=evaluate, known=known)
        run_search(make_search("random", space, settings), problem, Limits(evaluations=30))
        return sum(seen)

    assert run(SPACE, 1, KnownCosts(path)) == 30
    assert run(SPACE, 1, KnownCosts(path)) == 0
    macro = get_space("nas-bench-macro")
    with pytest.raises(
        DataError, match=r"1 of each of the 6,561 .*'nas-bench-macro', got 1 of each of the 15,625 .*'nasbench201'"
    ):
        run(macro, 1, KnownCosts(path))
    with pytest.raises(DataError, match=r"expected .* 2 of each .* got 1 of each .* delete it"):
        run(SPACE, 2, KnownCosts(path))
    memory = KnownCosts()
    assert run(SPACE, 1, memory) == 30
    with pytest.raises(UsageError, match="KnownCosts of its own"):
        run(macro, 1, memory)
    with pytest.raises(UsageError, match="expected 1 costs of each architecture, as of those known, got 2"):
        memory.add(np.array([1]), np.ones((1, 2)))


def test_a_file_of_an_earlier_version_is_read_where_its_facts_name_the_space(tmp_path: Path) -> None:
    """It has no entry for the space, and a digest of keys and costs alone."""
    keys, costs = SPACE.key(SPACE.sample(5, seed=0)), np.arange(5.0)[:, None]

    def written(name: str, facts: dict[str, str]) -> KnownCosts:
        arrays = {
            "facts": json.dumps(facts).encode(),
            "sha256": hashlib.sha256(keys.tobytes() + costs.tobytes()).digest(),
        }
        as_bytes = {key: np.frombuffer(value, dtype=np.uint8) for key, value in arrays.items()}
        np.savez_compressed(tmp_path / name, keys=keys, costs=costs, **as_bytes)
        return KnownCosts(tmp_path / name, facts=facts)

    known = written("named.npz", {"space": "nasbench201"})
    known.belong_to(SPACE, costs=1)
    np.testing.assert_array_equal(known.costs(keys), costs)
    known.add(np.array([15_000]), np.array([[7.0]]))
    known.save()
    again = KnownCosts(tmp_path / "named.npz", facts={"space": "nasbench201"})
    again.belong_to(SPACE, costs=1)
    assert len(again) == 6
    with pytest.raises(DataError, match="architectures of 'fbnet', got those of 'nasbench201'"):
        written("named.npz", {"space": "nasbench201"}).belong_to(FBNet(), costs=1)
    with pytest.raises(DataError, match="an earlier version, which does not say the space"):
        written("unnamed.npz", {}).belong_to(SPACE, costs=1)


def test_search_and_problem_are_of_one_space_and_the_same_bounds() -> None:
    with pytest.raises(UsageError, match=r"bounds of the problem, \(0\.6, None\), got \(0\.5, None\)"):
        run_search(make_search("random", SPACE, SearchSettings(bounds=(0.5, None))), _problem())
    with pytest.raises(UsageError, match="space of the problem, 'nasbench201', got one of 'fbnet'"):
        run_search(make_search("random", FBNet(), SearchSettings()), _problem())
    assert len(run_search(make_search("random", SPACE), _problem(), Limits(evaluations=30)).vectors) == 30  # not told
