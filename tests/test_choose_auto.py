"""The choice of `auto`: what it tries, how it judges, and what it must not read."""

from __future__ import annotations

import importlib
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import norm, spearmanr

from hwnas import data
from hwnas.pareto import compare_scores, ground_truth
from hwnas.proxies import PROXIES
from hwnas.proxies.combinations import COMBINATIONS
from hwnas.proxies.combinations.aggregations import log_rank_sum, rank_sum, relative_ranks
from hwnas.rankings import top
from hwnas.spaces import get_space

_BENCHMARKS = str(Path(__file__).parent / "benchmarks")
sys.path.append(_BENCHMARKS)
choose_auto, combining = (importlib.import_module(name) for name in ("choose_auto", "combining"))
sys.path.remove(_BENCHMARKS)


def task(space: str, seed: int, n: int = 400):
    """`a` and `b` each tell half of the truth, `c` nothing."""
    rng = np.random.default_rng(seed)
    halves = rng.normal(size=(2, n))
    scores = {"a": halves[0], "b": halves[1], "c": rng.normal(size=n)}
    facts = {"flops": rng.uniform(1.0, 9.0, n), "network": np.arange(n)}
    return combining.Task(space=space, dataset="d", scores=scores, truth=halves.sum(axis=0), **facts)


def test_candidates_are_all_sets_once() -> None:
    candidates = combining.candidates_of(["a", "b", "c", "d"], most=3)
    assert len(candidates) == len({str(each) for each in candidates}) == 4 + 2 * 6 + 2 * 4
    assert all(1 <= len(each.weights) <= 3 and set(each.weights.values()) == {1.0} for each in candidates)


def test_figures_are_rank_correlations_and_what_lists_find() -> None:
    its_task = task("x", 0)
    candidates = combining.candidates_of(["a", "b", "c"], most=3)
    figures = combining.figures_of(its_task, candidates, percent=20.0)
    best = top(its_task.truth, 20.0)
    for place, candidate in enumerate(candidates):
        aggregate = {"rank_sum": rank_sum, "log_rank_sum": log_rank_sum}[candidate.aggregation]
        combined = aggregate(np.stack([its_task.scores[name] for name in candidate.weights], axis=1)).round(12)
        assert figures[0, place] == pytest.approx(spearmanr(combined, its_task.truth)[0])
        assert figures[1, place] == pytest.approx(spearmanr(combined[best], its_task.truth[best])[0])
        within = [
            compare_scores(combined, ground_truth(its_task.flops[:, None], its_task.truth, bounds=(float(bound),)))
            for bound in np.quantile(its_task.flops, np.linspace(0.1, 0.9, 9))
        ]
        assert figures[2, place] == pytest.approx(np.mean([found.relative_hypervolume for found in within]))
    assert (figures[2] > 0).all() and (figures[2] <= 1).all()


def test_aggregations_of_all_at_once() -> None:
    """Each on three networks that can be told by hand, of which the last column disagrees with two others."""
    its = replace(task("x", 0, 3), scores={name: np.array([1.0, 2.0, 3.0]) for name in "ab"})
    its.scores["c"] = np.array([3.0, 2.0, 1.0])
    ranks = relative_ranks(np.stack(list(its.scores.values()), axis=1))
    by_hand = {
        "rank_sum": [5 / 3, 2, 7 / 3],
        "log_rank_sum": np.log([1 / 9, 8 / 27, 1 / 3]),
        "normal_score_sum": np.array([-1, 0, 1]) * norm.ppf(5 / 6),
        "top_heavy_sum": -np.log([1 / 3, 8 / 27, 1 / 9]),
        "median_rank": [1 / 3, 2 / 3, 1],
        "best_rank": np.array([1, 2 / 3, 1]) + 1e-6 * np.array([5 / 3, 2, 7 / 3]),
        "alike_share": [0, 0, 0],  # a and b share a vote, and c says the opposite
        # c tells the same backwards, and is turned round: three times the common factor, which explains 2.995 of 3.
        "one_factor": np.array([-3, 0, 3]) * norm.ppf(5 / 6) * np.sqrt(2.995 / 3),
        "majority": [-2, 0, 2],
    }
    assert set(by_hand) == set(combining.AGGREGATIONS)
    for name, expected in by_hand.items():
        combined = combining.AGGREGATIONS[name](ranks, np.ones(3))
        np.testing.assert_allclose(combined, expected, atol=1e-12)


def test_weights() -> None:
    """They weigh what is summed; where nothing is, unequal ones are refused."""
    ranks = np.array([[0.5, 1.0], [1.0, 0.5]])
    weights = np.array([3.0, 1.0])
    np.testing.assert_allclose(combining.AGGREGATIONS["rank_sum"](ranks, weights), [2.5, 3.5])
    np.testing.assert_allclose(combining.AGGREGATIONS["log_rank_sum"](ranks, weights), np.log([0.125, 0.5]))
    for name in ("median_rank", "best_rank", "majority", "alike_share", "one_factor"):
        with pytest.raises(ValueError, match="expected equal weights"):
            combining.AGGREGATIONS[name](ranks, weights)


def known(ranks, draws=()):
    """Of the rank sums of a, b, c and the logarithmic sum of a and b."""
    candidates = [combining.Candidate(weights={name: 1.0}) for name in "abc"]
    candidates.append(combining.Candidate(weights={"a": 1.0, "b": 1.0}, aggregation="log_rank_sum"))
    ranks = np.array(ranks, dtype=float)
    return choose_auto.Known(candidates=candidates, ranks=ranks, draws=np.array(draws, float).reshape(-1, *ranks.shape))


def test_rules() -> None:
    its = known(
        [[2, 1, 3, 0], [2, 5, 3, 0]], draws=[[[0, 1, 2, -1], [0, 1, 2, -1]]] * 3 + [[[1, 0, 2, -1], [1, 0, 2, -1]]]
    )
    assert choose_auto.first(its) is its.candidates[3]
    assert choose_auto.first(its.without(1)) is its.candidates[3]
    assert choose_auto.best_tenth(its).weights == {"a": 1.0}  # one of three rank sums
    assert choose_auto.best_tenth(its.without(1)).weights == {"b": 1.0}
    for spaces in (False, True):  # both spaces agree in every draw
        assert choose_auto.bagged(its, spaces=spaces).weights == {"a": 0.75, "b": 0.25}
    everything = choose_auto.everything(its, aggregation="median_rank")
    assert everything == combining.Candidate(weights={"a": 1.0, "b": 1.0, "c": 1.0}, aggregation="median_rank")


def test_bags_of_spaces_draw_them() -> None:
    """Where two spaces disagree, the one with the larger differences wins only where it was drawn."""
    one = [[0, 1, 2, 9], [4, 0, 2, 9]]
    weights = choose_auto.bagged(known(one, draws=[one] * 50), spaces=True).weights
    assert choose_auto.bagged(known(one, draws=[one] * 50), spaces=False).weights == {"b": pytest.approx(1.0)}
    assert set(weights) == {"a", "b"} and 0.1 < weights["a"] < 0.5


def test_means_of_candidates_weigh_each_alike() -> None:
    pair = combining.Candidate(weights={"a": 1.0, "b": 1.0})
    assert choose_auto.mean_of([pair, combining.Candidate(weights={"a": 1.0})]).weights == {"a": 0.75, "b": 0.25}


def test_equal_ranks_go_to_the_fewest_proxies() -> None:
    assert choose_auto.first(known([[1, 2, 3, 0], [0, 2, 3, 1]])).weights == {"a": 1.0}


def test_share_of_the_candidates_that_are_better() -> None:
    """Of `a` alone among `a`, `b`, `c`, where `a` is the truth: only its equals are not worse."""
    its = task("x", 0)
    its = replace(its, scores={"a": its.truth, "b": -its.truth, "c": its.scores["c"]})
    candidates = combining.candidates_of(["a", "b", "c"], most=1)
    judged = [(its, combining.figures_of(its, candidates, percent=20.0))] * 2
    best, worst = (choose_auto.share_on(candidates[i], judged, percent=20.0) for i in (0, 1))
    np.testing.assert_allclose(best, 100 / 6)
    np.testing.assert_allclose(worst[0], 100 * 5 / 6)


def test_the_rule_with_the_smallest_mean_share() -> None:
    shares = {"one": np.array([[10.0, 90, 10], [40, 40, 40]]), "two": np.array([[60.0, 60, 60], [10, 10, 10]])}
    assert choose_auto.best_of(shares) == "two"
    # Left out the first space, "two" is the better on the second, and the other way about.
    np.testing.assert_array_equal(choose_auto.nested(shares), [[60, 60, 60], [40, 40, 40]])


def test_sets_drawn_by_chance_have_as_many_proxies_as_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr(choose_auto, "share_on", lambda made, *_, **__: seen.append(made) or np.zeros(3))
    assert choose_auto.of_drawn(2, known([[2, 1, 3, 0]]), [[], []], percent=20.0).shape == (2, 3)
    assert len(seen) == 2 * 12 and {len(made.weights) for made in seen} == {2}
    assert {name for made in seen for name in made.weights} == {"a", "b", "c"}


def chosen_of(tasks, capsys, draws: int = 0):
    candidates = combining.candidates_of(["a", "b", "c"], most=3)
    figures = [combining.figures_of(each, candidates, percent=20.0) for each in tasks]
    drawn = list(combining.draws_of(tasks, candidates, percent=20.0, resamples=draws))
    made = choose_auto.report_rules(tasks, candidates, figures, drawn, percent=20.0)
    return made, capsys.readouterr().out.splitlines()


def test_what_carries_over_is_chosen(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """`a` and `b` tell half of the truth each on every space, so that the first elsewhere is the first here."""
    monkeypatch.syspath_prepend(_BENCHMARKS)  # processes of the draws import it
    made, lines = chosen_of([task("x", 1), task("x", 2), task("y", 3)], capsys, draws=3)
    assert made == combining.Candidate(weights={"a": 1.0, "b": 1.0})
    assert lines[-1] == "chosen: first, of all spaces rank_sum: a, b"
    # A heading, thirteen rules and four lines beside them, and the choice.
    assert len(lines) == 1 + 13 + 4 + 1


def test_where_nothing_carries_over_all_are_summed(capsys: pytest.CaptureFixture[str]) -> None:
    """`a` is the truth on x, `b` on y, each misleads a little on the other."""

    def of(space: str, name: str, other: str):
        its = task(space, 1)
        rng = np.random.default_rng(5)
        scores = {name: its.truth, other: rng.normal(size=400) - 0.3 * its.truth, "c": rng.normal(size=400)}
        return replace(its, scores={key: scores[key] for key in "abc"})

    made, lines = chosen_of([of("x", "a", "b"), of("y", "b", "a")], capsys)
    assert made.weights == {"a": 1.0, "b": 1.0, "c": 1.0} and lines[-1].startswith("chosen: all, ")


def test_further_proxies_join_where_they_help(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`b` is the other half of the truth, on x alone, where it has scores; `c` tells nothing."""
    monkeypatch.setattr(choose_auto, "FURTHER", ("c", "b"))
    other = task("y", 2)
    tasks = [task("x", 1), replace(other, scores={name: other.scores[name] for name in "ac"})]
    candidates = combining.candidates_of(["a"], most=1)
    chosen = combining.Candidate(weights={"a": 1.0}, aggregation="normal_score_sum")
    made = choose_auto.report_further(tasks, candidates, chosen, percent=20.0)
    assert made == replace(chosen, weights={"a": 1.0, "b": 1.0})
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines[2:]] == ["and c", "and b", "b joins", "and c", "with all that join"]
    assert made.on(tasks[0]) == made and made.on(tasks[1]).weights == {"a": 1.0}


def test_each_space_weighs_the_same() -> None:
    """Two tasks of one space for the first candidate, one of another for the second: a draw."""
    tasks = [task("x", 1), task("x", 2), task("y", 3)]
    first, second = np.array([[0.9, 0.1], [0.9, 0.1]]), np.array([[0.1, 0.9], [0.1, 0.9]])
    ranks = combining.ranks_on_spaces(tasks, [first, first, second])
    assert ranks.tolist() == [[1, 2], [2, 1]]


def test_it_reads_no_accuracy_of_nasbench201(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def absent(space, _dataset):
        from hwnas.api.accuracy import Accuracy

        asked.append(space.name)
        return Accuracy(percent=None, source="")

    monkeypatch.setattr(combining, "true_accuracy", absent)
    for name in choose_auto.SPACES:
        assert not list(combining.tasks_of(get_space(name), choose_auto.POOL))
    assert set(asked) == set(choose_auto.SPACES) and not {"nasbench201", "nats-size"} & set(asked)
    assert set(choose_auto.POOL) <= set(PROXIES)


@pytest.mark.data
def test_auto_is_what_is_chosen_beside_pairs(mirror: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HWNAS_DATA", str(tmp_path))
    data.pull(["nas-bench-macro", "transnas101", "accel-nasbench", "autoprox-vit"], mirror=mirror)
    tasks = [each for name in choose_auto.SPACES for each in combining.tasks_of(get_space(name), choose_auto.POOL)]
    assert {each.space for each in tasks} == set(choose_auto.SPACES)
    pool = [name for name in choose_auto.POOL if all(name in each.scores for each in tasks)]
    candidates = combining.candidates_of(pool, most=2)  # four, as in the script, take a minute
    figures = [combining.figures_of(each, candidates, percent=20.0) for each in tasks]
    made = choose_auto.report_rules(tasks, candidates, figures, [], percent=20.0)
    auto = COMBINATIONS["auto"]
    assert set(made.weights) == set(auto.components) and set(made.weights.values()) == {1.0}
    assert made.aggregation == auto.aggregate.__name__


def test_tasks_of_a_space(monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks once, with the mean accuracy of their twins and the counts of the network."""
    from hwnas.api.accuracy import Accuracy
    from hwnas.api.columns import ScoreColumn

    space = get_space("nas-bench-macro")
    vectors = space.all_vectors()[:900]
    percent = np.random.default_rng(0).uniform(50, 90, 900)
    canonical = space.canonical_id(space.network_id(vectors))
    monkeypatch.setattr(combining, "true_accuracy", lambda *_: Accuracy(percent=percent, source="x", vectors=vectors))

    def made_up(_space, _dataset, _names, *, vectors):
        return [ScoreColumn(name="zen", role="proxy", scores=space.index(vectors).astype(float), source="")]

    monkeypatch.setattr(combining, "scored_columns", made_up)
    (found,) = combining.tasks_of(space, ["zen", "snip"])
    ids = np.unique(canonical)
    assert 50 < len(ids) < 900 and list(found.scores) == ["zen"]
    np.testing.assert_array_equal(found.scores["zen"], ids)
    np.testing.assert_array_equal(found.flops, space.counts(space.vector(ids), dataset="cifar10")["flops"])
    np.testing.assert_allclose(found.truth, [percent[canonical == each].mean() for each in ids])
