"""Splits: every net is tested once, and no net is on two sides."""

from __future__ import annotations

import numpy as np
import pytest

from hwnas.errors import UsageError
from hwnas.predictors.splits import FOLDS, SETTINGS, Setting, assign_folds, make_split

NETS = 15625


def test_folds_are_random_repeatable_and_of_equal_size() -> None:
    fold = assign_folds(NETS, seed=0)
    assert np.bincount(fold).tolist() == [NETS // FOLDS] * FOLDS
    assert (fold == assign_folds(NETS, seed=0)).all()
    assert 0.75 < (fold != assign_folds(NETS, seed=1)).mean() < 0.85
    assert abs(np.corrcoef(fold[:-1], fold[1:])[0, 1]) < 0.03


@pytest.mark.parametrize("setting", SETTINGS)
def test_no_net_is_on_two_sides_and_each_is_tested_once(setting: Setting) -> None:
    fold = assign_folds(NETS, seed=0)
    splits = [make_split(fold, number, setting=setting, seed=0) for number in range(FOLDS)]
    for split in splits:
        sides = np.concatenate([split.train, split.validation, split.test])
        assert len(np.unique(sides)) == len(sides)
    assert np.array_equal(np.sort(np.concatenate([split.test for split in splits])), np.arange(NETS))


@pytest.mark.parametrize(("setting", "sizes"), [("900", (900, 100, 3125)), ("80%", (10938, 1562, 3125))])
def test_sizes_are_those_of_the_settings(setting: Setting, sizes: tuple[int, int, int]) -> None:
    split = make_split(assign_folds(NETS, seed=0), 0, setting=setting, seed=0)
    assert (len(split.train), len(split.validation), len(split.test)) == sizes


def test_too_few_nets_are_refused() -> None:
    with pytest.raises(UsageError, match="at least 50 nets"):
        assign_folds(49, seed=0)
    with pytest.raises(UsageError, match="at least 1,000 nets"):
        make_split(assign_folds(100, seed=0), 0, setting="900", seed=0)
