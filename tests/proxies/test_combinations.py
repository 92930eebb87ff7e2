"""Combinations of ranks: small tables by hand, brute force, and what they must not see."""

from __future__ import annotations

import math
import tracemalloc
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import norm, rankdata

from hwnas.errors import UnknownNameError, UsageError
from hwnas.proxies import PROXIES, get_proxy
from hwnas.proxies.combinations import COMBINATIONS, Combination, get_scorer
from hwnas.proxies.combinations import copeland as copeland_file
from hwnas.proxies.combinations.aggregations import log_rank_sum, normal_score_sum, rank_sum, relative_ranks
from hwnas.proxies.combinations.copeland import copeland
from hwnas.proxies.combinations.rank_sums import rank_sum_of

EVERY = [*COMBINATIONS.values(), rank_sum_of(["zen", "synflow", "flops"])]


def tables(columns: int, values: st.SearchStrategy[float] | None = None) -> st.SearchStrategy[np.ndarray]:
    """Few distinct values make many ties; infinities are scores."""
    few = st.sampled_from([-math.inf, -1.0, 0.0, 0.5, 2.0, math.inf]) if values is None else values
    return st.integers(1, 80).flatmap(lambda n: arrays(np.float64, (n, columns), elements=few))


def random_scores(combination: Combination, n: int = 40, *, seed: int = 0, ties: bool = True) -> np.ndarray:
    rng = np.random.default_rng(seed)
    shape = (n, len(combination.components))
    return rng.integers(0, 15, shape).astype(np.float64) if ties else rng.normal(size=shape)


@pytest.mark.parametrize("combination", EVERY, ids=lambda c: c.name)
def test_among_others_each_network_is_one_more_of_them(combination: Combination) -> None:
    """Asked for together or alone, a network has the score that it has as the last of the set."""
    reference, asked = random_scores(combination, 30), random_scores(combination, 12, seed=1)
    found = combination.score_among(asked, reference)
    for row, score in zip(asked, found, strict=True):
        assert score == combination.score(np.vstack([reference, row]))[-1]
        assert score == combination.score_among(row[None], reference)[0]
    better = np.where(np.isfinite(asked), asked + 1, asked)
    assert (combination.score_among(better, reference) >= found).all()
    lacking = asked.copy()
    lacking[0, 0] = math.nan
    np.testing.assert_array_equal(combination.score_among(lacking, reference), [math.nan, *found[1:]])
    assert len(combination.score_among(asked[:0], reference)) == 0


def test_ranks_by_hand() -> None:
    scores = np.array([[3.0, -math.inf], [1.0, 7.0], [3.0, 7.0], [2.0, math.inf]])
    expected = np.array([[3.5, 1], [1, 2.5], [3.5, 2.5], [2, 4]]) / 4
    np.testing.assert_array_equal(relative_ranks(scores), expected)
    np.testing.assert_array_equal(rank_sum(scores), [4.5 / 4, 3.5 / 4, 6 / 4, 6 / 4])
    np.testing.assert_allclose(log_rank_sum(scores), np.log([3.5 / 16, 2.5 / 16, 8.75 / 16, 8 / 16]), rtol=1e-15)


@settings(max_examples=50)
@given(tables(2))
def test_ranks_are_those_of_scipy(scores: np.ndarray) -> None:
    np.testing.assert_array_equal(relative_ranks(scores), rankdata(scores, axis=0) / len(scores))


@settings(max_examples=50)
@given(tables(3))
def test_normal_scores_are_those_of_scipy(scores: np.ndarray) -> None:
    """Symmetric: turned upside down, every network has the opposite score."""
    expected = norm.ppf((rankdata(scores, axis=0) - 0.5) / len(scores)).sum(axis=1)
    np.testing.assert_allclose(normal_score_sum(scores), expected, atol=1e-9)
    np.testing.assert_allclose(normal_score_sum(-scores), -normal_score_sum(scores), atol=1e-9)


def test_normal_scores_prefer_the_ends() -> None:
    """The best by one and middling by the other beats the second by both, which a plain sum cannot tell from it."""
    scores = np.array([[5.0, 3.0], [4.0, 4.0], [3.0, 5.0], [2.0, 2.0], [1.0, 1.0]])
    assert len(set(rank_sum(scores)[:3])) == 1
    assert normal_score_sum(scores)[0] == normal_score_sum(scores)[2] > normal_score_sum(scores)[1]


@pytest.mark.parametrize("aggregate", [rank_sum, log_rank_sum, normal_score_sum])
def test_of_none_and_of_one(aggregate) -> None:
    assert aggregate(np.zeros((0, 3))).shape == (0,)
    assert np.isfinite(aggregate(np.zeros((1, 3)))).all()


def test_the_logarithm_prefers_networks_without_a_bad_rank() -> None:
    """Two middling ranks beat the best beside the worst, which a plain sum cannot tell apart (Lee & Ham 2024)."""
    scores = np.array([[1.0, 3.0], [2.0, 2.0], [3.0, 1.0]])
    assert len(set(rank_sum(scores).tolist())) == 1
    assert log_rank_sum(scores)[1] > log_rank_sum(scores)[0] == pytest.approx(log_rank_sum(scores)[2])


def test_vote_by_hand() -> None:
    """The first beats the second by 2 to 0 and the third by 1 to 0; these two draw by 1 to 1."""
    scores = np.array([[3.0, 3.0, 1.0], [2.0, 1.0, 1.0], [1.0, 3.0, 1.0]])
    assert copeland(scores).tolist() == [2.0, 0.5, 0.5]
    cycle = np.array([[1.0, 2.0, 3.0], [2.0, 3.0, 1.0], [3.0, 1.0, 2.0]])
    assert copeland(cycle).tolist() == [1.0, 1.0, 1.0]
    assert copeland(np.zeros((4, 3))).tolist() == [1.5] * 4


@pytest.mark.parametrize("at_once", [64, 1024])
@settings(max_examples=50)
@given(scores=tables(3))
def test_vote_by_brute_force(at_once: int, scores: np.ndarray) -> None:
    wins = [
        sum(
            {1: 1.0, 0: 0.5, -1: 0.0}[int(np.sign((mine > other).sum() - (mine < other).sum()))]
            for row, other in enumerate(scores)
            if row != place
        )
        for place, mine in enumerate(scores)
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(copeland_file, "_ROWS_AT_ONCE", at_once)
        assert copeland(scores).tolist() == wins


def test_vote_without_the_bit_counts_of_numpy_2(monkeypatch: pytest.MonkeyPatch) -> None:
    scores = random_scores(COMBINATIONS["vote"], 300)
    expected = copeland(scores)
    monkeypatch.delattr(np, "bitwise_count", raising=False)
    np.testing.assert_array_equal(copeland(scores), expected)


@pytest.mark.parametrize("combination", EVERY, ids=lambda combination: combination.name)
class TestEveryCombination:
    def test_facts(self, combination: Combination) -> None:
        assert combination.title and combination.source and combination.fails and combination.aggregation
        assert len(set(combination.components)) == len(combination.components) > 1
        assert all(name in PROXIES for name in combination.components)
        assert combination.name not in PROXIES
        with pytest.raises(FrozenInstanceError):
            combination.name = "other"  # type: ignore[misc]

    def test_order_of_the_networks_does_not_matter(self, combination: Combination) -> None:
        scores = random_scores(combination)
        order = np.random.default_rng(1).permutation(len(scores))
        np.testing.assert_array_equal(combination.score(scores[order]), combination.score(scores)[order])

    def test_monotone_transformations_do_not_matter(self, combination: Combination) -> None:
        scores = random_scores(combination)
        changed = np.stack([np.exp(column / 3) * 7 - 2 for column in scores.T], axis=1)
        changed[:, 0] = np.where(scores[:, 0] == scores[:, 0].min(), -np.inf, changed[:, 0])
        np.testing.assert_array_equal(combination.score(changed), combination.score(scores))

    def test_better_in_everything_is_better(self, combination: Combination) -> None:
        scores = random_scores(combination, ties=False)
        scores[3], scores[9] = scores.max(axis=0) + 1, scores.min(axis=0) - 1
        combined = combination.score(scores)
        assert combined.argmax() == 3 and combined.argmin() == 9
        assert (combined < combined[3]).sum() == len(scores) - 1

    def test_equal_networks_have_equal_scores(self, combination: Combination) -> None:
        scores = random_scores(combination)
        scores[5] = scores[17]
        combined = combination.score(scores)
        assert combined[5] == combined[17]

    def test_a_network_with_nan_counts_for_no_other(self, combination: Combination) -> None:
        scores = random_scores(combination)
        with_nan = np.insert(scores, 4, np.nan, axis=0)
        with_nan[4, 0] = 1000.0
        combined = combination.score(with_nan)
        assert math.isnan(combined[4])
        np.testing.assert_array_equal(np.delete(combined, 4), combination.score(scores))
        assert np.isnan(combination.score(np.full_like(scores, np.nan))).all()

    def test_one_network_and_none(self, combination: Combination) -> None:
        assert np.isfinite(combination.score(random_scores(combination, 1))).all()
        assert combination.score(random_scores(combination, 0)).shape == (0,)

    def test_wrong_columns_are_refused(self, combination: Combination) -> None:
        with pytest.raises(UsageError, match=f"{combination.name.split('+')[0]}.* expected a column for each of"):
            combination.score(np.zeros((3, 9)))


def test_definitions() -> None:
    """What the papers combine."""
    assert set(COMBINATIONS["vote"].components) == {"synflow", "jacob_cov", "snip"}
    assert set(COMBINATIONS["te_nas"].components) == {"ntk_cond", "linear_regions"}
    expected = {"az_expressivity", "az_progressivity", "az_trainability", "flops"}
    assert set(COMBINATIONS["az_nas"].components) == expected
    scores = random_scores(COMBINATIONS["az_nas"])
    published = sum(np.log(rankdata(column) / len(column)) for column in scores.T)
    np.testing.assert_allclose(COMBINATIONS["az_nas"].score(scores), published, rtol=1e-12)


def test_names() -> None:
    assert get_scorer("Grad-Norm") is get_proxy("grad_norm")
    assert get_scorer("AZ-NAS") is COMBINATIONS["az_nas"]
    both = get_scorer("Zen + FLOPs")
    assert both.name == "zen+flops" and both == get_scorer("zen+flops")
    for wrong, near in (("sinflow", "synflow"), ("az_nass", "az_nas"), ("vots", "vote")):
        with pytest.raises(UnknownNameError, match=f"proxy '{wrong}' is not known; did you mean .*'{near}'"):
            get_scorer(wrong)
    for wrong in ("zen+zen", "zen+"):
        with pytest.raises(UsageError):
            get_scorer(wrong)
    with pytest.raises(UnknownNameError, match="'vote' is not known"):
        get_scorer("zen+vote")


def test_a_whole_space_by_majority() -> None:
    """15,625 networks: all 122 million pairs, though no array of pairs is made (244 MB of bytes)."""
    scores = np.random.default_rng(0).normal(size=(15_625, 3))
    tracemalloc.start()
    wins = copeland(scores)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert wins.sum() == pytest.approx(15_625 * 15_624 / 2) and peak < 60e6
