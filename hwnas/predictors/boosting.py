"""Gradient boosting: the baseline of the shipped predictors, and what kernel models are made of.

The only file that imports scikit-learn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np

from hwnas.arrays import Array, Float, Integer
from hwnas.errors import HwnasError, MissingExtraError
from hwnas.predictors.trees import Tree, Trees, stack_trees


@final
@dataclass(frozen=True, kw_only=True)
class BoostingSettings:
    """How trees are grown. min_rows: in a leaf, at least. rate: of what a tree says, the share that is kept."""

    trees: int = 250
    leaves: int = 12
    min_rows: int = 4
    rate: float = 0.06
    penalty: float = 1.0


def boosting_predictions(
    features: Float[Array, "n g"], costs: Float[Array, " n"], rows: Integer[Array, " m"], *, seed: int
) -> Float[Array, " n"]:
    """Costs of all nets by HistGradientBoostingRegressor on log cost, fitted on `rows` that were measured.

    Raises `MissingExtraError` without scikit-learn.
    """
    known = rows[~np.isnan(costs[rows])]
    model = _regressor(max_iter=300, random_state=seed, feature="comparing with gradient boosting", extra="dev")
    return np.asarray(np.exp(model.fit(features[known], np.log(costs[known])).predict(features)))


def fit_trees(
    rows: Float[Array, "n f"],
    values: Float[Array, " n"],
    weights: Float[Array, " n"],
    *,
    settings: BoostingSettings | None = None,
) -> Trees:
    """Trees that approximate `values` in squares, by HistGradientBoostingRegressor, as arrays.

    Deterministic. Raises `MissingExtraError` without scikit-learn, `HwnasError` where its trees cannot be read.
    """
    grow = settings or BoostingSettings()
    model = _regressor(
        max_iter=grow.trees,
        max_leaf_nodes=grow.leaves,
        min_samples_leaf=grow.min_rows,
        learning_rate=grow.rate,
        l2_regularization=grow.penalty,
        early_stopping=False,
        random_state=0,
        feature="fitting kernel models",
        extra="kernels",
    )
    model.fit(rows, values, sample_weight=weights)
    # The arrays of its trees are not public: what is read of them must predict what the model predicts.
    trees = stack_trees(
        [_tree(step[0].nodes) for step in model._predictors], offset=float(model._baseline_prediction[0, 0])
    )
    sample = rows[:: max(1, len(rows) // 500)]
    if not np.allclose(trees.predict(sample), model.predict(sample), rtol=1e-6, atol=1e-6):
        raise HwnasError("the trees of this scikit-learn have a form that hwnas does not know; install scikit-learn<2")
    return trees


def positive_least_squares(terms: Float[Array, "n t"], values: Float[Array, " n"]) -> Float[Array, " t"]:
    """Coefficients of at least 0 of a sum of terms (scikit-learn's LinearRegression, positive). As `fit_trees`."""
    try:
        from sklearn.linear_model import LinearRegression
    except ModuleNotFoundError:
        raise MissingExtraError("fitting kernel models", "kernels") from None
    scale = np.maximum(np.abs(terms).max(axis=0), 1e-300)
    model = LinearRegression(fit_intercept=False, positive=True).fit(terms / scale, values)
    return np.asarray(model.coef_ / scale)


def _regressor(*, feature: str, extra: str, **options: Any) -> Any:
    try:
        from sklearn.ensemble import HistGradientBoostingRegressor
    except ModuleNotFoundError:
        raise MissingExtraError(feature, extra) from None
    return HistGradientBoostingRegressor(**options)


def _tree(nodes: Any) -> Tree:
    leaf, itself = nodes["is_leaf"].astype(bool), np.arange(len(nodes))
    return Tree(
        feature=np.where(leaf, -1, nodes["feature_idx"].astype(np.intp)),
        threshold=np.where(leaf, 0.0, nodes["num_threshold"]),
        left=np.where(leaf, itself, nodes["left"].astype(np.intp)),
        right=np.where(leaf, itself, nodes["right"].astype(np.intp)),
        value=nodes["value"].astype(np.float64),
    )
