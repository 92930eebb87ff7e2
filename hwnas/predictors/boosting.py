"""The baseline that the shipped predictors must beat: gradient boosting. The only file that imports scikit-learn."""

from __future__ import annotations

import numpy as np

from hwnas.arrays import Array, Float, Integer
from hwnas.errors import MissingExtraError


def boosting_predictions(
    features: Float[Array, "n g"], costs: Float[Array, " n"], rows: Integer[Array, " m"], *, seed: int
) -> Float[Array, " n"]:
    """Costs of all nets by HistGradientBoostingRegressor on log cost, fitted on `rows` that were measured.

    Raises `MissingExtraError` without scikit-learn.
    """
    try:
        from sklearn.ensemble import HistGradientBoostingRegressor
    except ModuleNotFoundError as error:
        raise MissingExtraError("comparing with gradient boosting", "dev") from error
    known = rows[~np.isnan(costs[rows])]
    model = HistGradientBoostingRegressor(max_iter=300, random_state=seed)
    return np.asarray(np.exp(model.fit(features[known], np.log(costs[known])).predict(features)))
