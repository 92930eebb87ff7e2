"""Trees as arrays give what scikit-learn gives, and a damaged file is refused."""

from __future__ import annotations

import numpy as np
import pytest

from hwnas.errors import DataError
from hwnas.predictors.boosting import BoostingSettings, fit_trees, positive_least_squares
from hwnas.predictors.trees import Tree, stack_trees, trees_from_arrays

sklearn = pytest.importorskip("sklearn.ensemble")


def test_trees_predict_what_scikit_learn_predicts() -> None:
    rng = np.random.default_rng(0)
    rows, weights = rng.normal(size=(300, 5)), rng.uniform(0.5, 2, 300)
    values = rows[:, 0] ** 2 + np.sin(3 * rows[:, 1])
    settings = BoostingSettings(trees=20, leaves=7, min_rows=3, rate=0.2, penalty=0.5)
    reference = sklearn.HistGradientBoostingRegressor(
        max_iter=20, max_leaf_nodes=7, min_samples_leaf=3, learning_rate=0.2, l2_regularization=0.5,
        early_stopping=False, random_state=0,
    ).fit(rows, values, sample_weight=weights)  # fmt: skip
    trees = fit_trees(rows, values, weights, settings=settings)
    fresh = rng.normal(size=(200, 5))
    np.testing.assert_allclose(trees.predict(fresh), reference.predict(fresh), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(trees_from_arrays(trees.arrays()).predict(fresh), reference.predict(fresh), atol=1e-4)


def test_trees_of_different_sizes_add_up() -> None:
    stump = Tree(
        feature=np.array([0, -1, -1]), threshold=np.array([0.5, 0, 0]), left=np.array([1, 1, 2]),
        right=np.array([2, 1, 2]), value=np.array([0, -1.0, 1.0]),
    )  # fmt: skip
    leaf = Tree(
        feature=np.array([-1]),
        threshold=np.zeros(1),
        left=np.zeros(1, int),
        right=np.zeros(1, int),
        value=np.array([10.0]),
    )
    trees = stack_trees([stump, leaf], offset=100.0)
    np.testing.assert_array_equal(trees.predict(np.array([[0.0], [0.5], [0.6], [np.nan]])), [109, 109, 111, 111])
    assert stack_trees([], offset=3.0).predict(np.zeros((2, 1))).tolist() == [3, 3]


def test_trees_that_go_round_in_circles_are_refused() -> None:
    trees = fit_trees(np.arange(40.0)[:, None], np.arange(40.0), np.ones(40), settings=BoostingSettings(trees=2))
    arrays = trees.arrays()
    with pytest.raises(DataError, match="left children come after"):
        trees_from_arrays(arrays | {"left": np.zeros_like(arrays["left"])})
    with pytest.raises(DataError, match="expected the arrays of boosted trees"):
        trees_from_arrays({name: values for name, values in arrays.items() if name != "value"})
    with pytest.raises(DataError, match="of one shape"):
        trees_from_arrays(arrays | {"value": arrays["value"][:, :1]})


def test_coefficients_are_not_negative() -> None:
    optimize = pytest.importorskip("scipy.optimize")
    rng = np.random.default_rng(1)
    terms = rng.uniform(size=(50, 4)) * [1, 1e6, 1e-6, 1]
    values = terms @ [2, 3e-6, 1e6, 0] - 0.3 * terms[:, 3] + rng.normal(size=50) * 0.01
    scale = terms.max(axis=0)
    expected = optimize.nnls(terms / scale, values)[0] / scale
    np.testing.assert_allclose(positive_least_squares(terms, values), expected, rtol=1e-6)
