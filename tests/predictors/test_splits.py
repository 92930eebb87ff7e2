"""Splits keep equal networks on one side and every net in one test fold."""

from __future__ import annotations

import numpy as np
import pytest

from hwnas.errors import UsageError
from hwnas.predictors.splits import FOLDS, SETTINGS, assign_folds, make_split
from hwnas.spaces import NASBench201


@pytest.fixture(scope="module")
def groups(space: NASBench201) -> np.ndarray:
    return space.network_id(space.all_vectors())


def test_equal_networks_share_a_fold_and_folds_are_of_similar_size(groups: np.ndarray) -> None:
    fold = assign_folds(groups, seed=0)
    for network in np.unique(groups)[::97]:
        assert len(set(fold[groups == network].tolist())) == 1
    distinct = np.bincount([fold[groups == network][0] for network in np.unique(groups)[::50]], minlength=FOLDS)
    assert distinct.min() > 0
    assert (np.bincount(fold) > 0.15 * len(groups)).all()
    assert (fold == assign_folds(groups, seed=0)).all()
    assert (fold != assign_folds(groups, seed=1)).any()


@pytest.mark.parametrize("setting", SETTINGS)
def test_no_test_network_trains_or_validates(groups: np.ndarray, setting: str) -> None:
    fold = assign_folds(groups, seed=0)
    tested = []
    for number in range(FOLDS):
        split = make_split(groups, fold, number, setting=setting, seed=0)  # type: ignore[arg-type]
        test = set(groups[split.test].tolist())
        assert not test & set(groups[split.train].tolist())
        assert not test & set(groups[split.validation].tolist())
        assert not set(split.train.tolist()) & set(split.validation.tolist())
        tested.append(split.test)
    assert np.array_equal(np.sort(np.concatenate(tested)), np.arange(len(groups)))


def test_sizes_are_those_of_the_settings(groups: np.ndarray) -> None:
    fold = assign_folds(groups, seed=0)
    few = make_split(groups, fold, 0, setting="900", seed=0)
    assert (len(few.train), len(few.validation)) == (900, 100)
    many = make_split(groups, fold, 0, setting="80%", seed=0)
    assert len(many.train) + len(many.validation) + len(many.test) == len(groups)
    assert 0.68 * len(groups) < len(many.train) < 0.72 * len(groups)
    assert not set(groups[many.train].tolist()) & set(groups[many.validation].tolist())


def test_too_few_nets_are_refused() -> None:
    with pytest.raises(
        UsageError, match="at least 5 distinct networks, got 1|at least 5 distinct networks to split, got 1"
    ):
        assign_folds(np.zeros(10, dtype=np.int64), seed=0)
    groups = np.arange(100)
    with pytest.raises(UsageError, match="at least 1,000 nets"):
        make_split(groups, assign_folds(groups, seed=0), 0, setting="900", seed=0)
