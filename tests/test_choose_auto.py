"""The choice of `auto`: what it tries, how it judges, and what it must not read."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import spearmanr

from hwnas import data
from hwnas.pareto import compare_scores, ground_truth
from hwnas.proxies import PROXIES
from hwnas.proxies.combinations import COMBINATIONS
from hwnas.proxies.combinations.aggregations import log_rank_sum, rank_sum
from hwnas.rankings import top
from hwnas.spaces import get_space

_FILE = Path(__file__).parent / "benchmarks" / "choose_auto.py"
_SPEC = importlib.util.spec_from_file_location("choose_auto", _FILE)
choose_auto = importlib.util.module_from_spec(_SPEC)
sys.modules["choose_auto"] = choose_auto
_SPEC.loader.exec_module(choose_auto)


def task(space: str, seed: int, n: int = 400):
    """`a` and `b` each tell half of the truth, `c` nothing."""
    rng = np.random.default_rng(seed)
    halves = rng.normal(size=(2, n))
    scores = {"a": halves[0], "b": halves[1], "c": rng.normal(size=n)}
    facts = {"flops": rng.uniform(1.0, 9.0, n), "network": np.arange(n)}
    return choose_auto.Task(space=space, dataset="d", scores=scores, truth=halves.sum(axis=0), **facts)


def test_candidates_are_all_sets_once() -> None:
    candidates = choose_auto.candidates_of(["a", "b", "c", "d"], most=3)
    assert len(candidates) == len(set(candidates)) == 4 + 2 * 6 + 2 * 4
    assert all(1 <= len(set(candidate.components)) <= 3 for candidate in candidates)


def test_figures_are_rank_correlations_and_what_lists_find() -> None:
    its_task = task("x", 0)
    candidates = choose_auto.candidates_of(["a", "b", "c"], most=3)
    figures = choose_auto.figures_of(its_task, candidates, percent=20.0)
    best = top(its_task.truth, 20.0)
    for place, candidate in enumerate(candidates):
        aggregate = {"rank_sum": rank_sum, "log_rank_sum": log_rank_sum}[candidate.aggregation]
        combined = aggregate(np.stack([its_task.scores[name] for name in candidate.components], axis=1))
        assert figures[0, place] == pytest.approx(spearmanr(combined, its_task.truth)[0])
        assert figures[1, place] == pytest.approx(spearmanr(combined[best], its_task.truth[best])[0])
        within = [
            compare_scores(combined, ground_truth(its_task.flops[:, None], its_task.truth, bounds=(float(bound),)))
            for bound in np.quantile(its_task.flops, [0.25, 0.5, 0.75])
        ]
        assert figures[2, place] == pytest.approx(np.mean([found.relative_hypervolume for found in within]))
    assert (figures[2] > 0).all() and (figures[2] <= 1).all()


def test_the_planted_combination_is_chosen(capsys: pytest.CaptureFixture[str]) -> None:
    tasks = [task("x", 1), task("x", 2), task("y", 3)]
    candidates = choose_auto.candidates_of(["a", "b", "c"], most=3)
    figures = [choose_auto.figures_of(each, candidates, percent=20.0) for each in tasks]
    choose_auto.report(tasks, candidates, figures)
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == f"chosen of {len(candidates)}: rank_sum of a, b"
    assert len(lines) == len(candidates) + 2


def test_each_space_weighs_the_same() -> None:
    """Two tasks of one space for the first candidate, one of another for the second: a draw."""
    tasks = [task("x", 1), task("x", 2), task("y", 3)]
    first, second = np.array([[0.9, 0.1], [0.9, 0.1]]), np.array([[0.1, 0.9], [0.1, 0.9]])
    assert choose_auto.mean_rank(tasks, [first, first, second]).tolist() == [1.5, 1.5]


def test_it_reads_no_accuracy_of_nasbench201() -> None:
    assert not {"nasbench201", "nats-size"} & set(choose_auto.SPACES)
    assert set(choose_auto.POOL) <= set(PROXIES)


def test_draws_tell_how_sure_a_choice_is() -> None:
    """Of four networks nothing can be told, of four hundred the planted pair is first whatever is drawn."""
    candidates = choose_auto.candidates_of(["a", "b", "c"], most=3)
    planted = next(i for i, one in enumerate(candidates) if one.components == ("a", "b"))
    for n, sure in ((400, True), (4, False)):
        places = choose_auto.places_of([task("x", 1, n)], candidates, planted, percent=100.0, resamples=20)
        assert len(places) == 20 and ((places < 2).all() == sure)


@pytest.mark.data
def test_auto_is_what_is_chosen(mirror: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HWNAS_DATA", str(tmp_path))
    data.pull(["nas-bench-macro", "transnas101", "autoprox-vit"], mirror=mirror)
    tasks = [each for name in choose_auto.SPACES for each in choose_auto.tasks_of(get_space(name), choose_auto.POOL)]
    assert {each.space for each in tasks} == set(choose_auto.SPACES)
    pool = [name for name in choose_auto.POOL if all(name in each.scores for each in tasks)]
    candidates = choose_auto.candidates_of(pool, most=4)
    figures = [choose_auto.figures_of(each, candidates, percent=20.0) for each in tasks]
    chosen = candidates[choose_auto.report(tasks, candidates, figures)]
    auto = COMBINATIONS["auto"]
    assert set(chosen.components) == set(auto.components)
    assert chosen.aggregation == auto.aggregate.__name__


def test_tasks_of_a_space(monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks once, with the mean accuracy of their twins and the counts of the network."""
    from hwnas.api.accuracy import Accuracy
    from hwnas.api.columns import ScoreColumn

    space = get_space("nas-bench-macro")
    vectors = space.all_vectors()[:900]
    percent = np.random.default_rng(0).uniform(50, 90, 900)
    canonical = space.canonical_id(space.network_id(vectors))
    monkeypatch.setattr(choose_auto, "true_accuracy", lambda *_: Accuracy(percent=percent, source="x", vectors=vectors))

    def made_up(_space, _dataset, _names, *, vectors):
        return [ScoreColumn(name="zen", role="proxy", scores=space.index(vectors).astype(float), source="")]

    monkeypatch.setattr(choose_auto, "scored_columns", made_up)
    (found,) = choose_auto.tasks_of(space, ["zen", "snip"])
    ids = np.unique(canonical)
    assert 50 < len(ids) < 900 and list(found.scores) == ["zen"]
    np.testing.assert_array_equal(found.scores["zen"], ids)
    np.testing.assert_array_equal(found.flops, space.counts(space.vector(ids), dataset="cifar10")["flops"])
    np.testing.assert_allclose(found.truth, [percent[canonical == each].mean() for each in ids])
