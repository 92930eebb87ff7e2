"""Everything that is needed to model a new device of a space, learned from known devices (kept by fewshot_files.py)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np

from hwnas.arrays import Array, Float, Integer
from hwnas.errors import UsageError
from hwnas.predictors.fewshot_features import (
    FeatureScale,
    executions,
    feature_groups,
    feature_scale,
    model_features,
)
from hwnas.predictors.fewshot_intervals import SIZES, Calibration, calibrate
from hwnas.predictors.fewshot_prior import Spreads, fit_device, summarise
from hwnas.predictors.fewshot_spreads import KnownCosts, held_out, learn_spreads
from hwnas.predictors.latent_prior import LatentPrior
from hwnas.spaces import Space

_LEARN_ON: Final = 1500  # networks of each device on which left-out devices are predicted
_FEWEST: Final = 2 * max(SIZES)  # measured networks of a device, so that it can be left out
_DRAWS: Final = 4
# Where learning starts: a new device has any constant share, and charges for operations as it likes, hardly for places.
_START: Final[Mapping[str, float]] = {"constant": 0.25, "counts": 0.1, "totals": 0.1}
_START_OF_OTHERS: Final = 0.02


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class KnownColumn:
    """Costs of one known device in one setting, in any unit; NaN where not measured.

    physical: name of the device itself, shared by its batch sizes, data sets and duplicate sources.
    """

    name: str
    physical: str
    costs: Float[Array, " n"]


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class FewShotModel:
    """What known devices of a space teach about a new one.

    facts: JSON values for people: names of the devices, how many networks of each, typical costs from the least to the
    largest, sources.
    """

    space: str
    scale: FeatureScale
    spreads: Spreads
    prior: LatentPrior
    calibration: Calibration
    facts: Mapping[str, Any]

    def features(self, space: Space, vectors: Integer[Array, "n v"]) -> Float[Array, "e n p"]:
        """Columns of the model for networks of its space. Raises `UsageError` for vectors that are not of it."""
        if space.name != self.space:
            raise UsageError(
                f"expected networks of {self.space!r}, for which this model was learned, got {space.name!r}"
            )
        return model_features(space, vectors, self.scale)


def learn(
    space: Space,
    vectors: Integer[Array, "n v"],
    columns: Sequence[KnownColumn],
    *,
    facts: Mapping[str, Any],
    seed: int = 0,
    like: FewShotModel | None = None,
) -> FewShotModel:
    """Learn from known devices that measured the same n networks; about a minute for 20 columns.

    facts: what to say of the sources. like: takes spreads and calibration from another model of the space, which saves
    nearly all of the time. Raises `UsageError` with fewer than two physical devices, as one has to predict the other,
    and without `like` for devices of which too few networks were measured.
    """
    physical = sorted({column.physical for column in columns})
    if len(physical) < 2:
        raise UsageError(
            f"expected at least 2 known devices of {space.name} to learn from, got {len(physical)}: {physical}"
        )
    scale = _scale(space, vectors)
    features = model_features(space, vectors, scale)
    devices = tuple(fit_device(column.name, column.physical, features, column.costs) for column in columns)
    if like is None:
        some = np.sort(np.random.default_rng(seed).permutation(len(vectors))[:_LEARN_ON])
        costs = np.stack([column.costs[some] for column in columns])
        known = KnownCosts(scale=scale, features=features[:, some], devices=devices, costs=costs)
        spreads, calibration = _learn_from(known, seed=seed)
    else:
        spreads, calibration = like.spreads, like.calibration
    typical = [float(np.nanmean(column.costs)) for column in columns]
    return FewShotModel(
        space=space.name,
        scale=scale,
        spreads=spreads,
        prior=summarise(devices, scale, spreads, executions=len(features)),
        calibration=calibration,
        facts={
            **facts,
            "devices": physical,
            "columns": [column.name for column in columns],
            "typical_cost": [min(typical), max(typical)],
        },
    )


def _scale(space: Space, vectors: Integer[Array, "n v"]) -> FeatureScale:
    written = feature_groups(space, vectors, "as written")
    return feature_scale(written, feature_groups(space, vectors, "pruned") if len(executions(space)) > 1 else None)


def _learn_from(known: KnownCosts, *, seed: int) -> tuple[Spreads, Calibration]:
    """Spreads and calibration from left-out devices; other draws of networks calibrate than those that chose."""
    measured = (~np.isnan(known.costs)).sum(axis=1)
    if measured.min() < _FEWEST:
        name = known.devices[int(measured.argmin())].name
        raise UsageError(
            f"expected at least {_FEWEST} measured networks of each known device, got {measured.min()} of {name!r}; "
            "leave it out or measure more"
        )
    start = Spreads(directions=0.7, groups={name: _START.get(name, _START_OF_OTHERS) for name in known.scale.names})
    spreads = learn_spreads(known, start, draws=_DRAWS, seed=seed)
    results = [r for size in SIZES for r in held_out(known, spreads, measured=size, draws=_DRAWS, seed=seed + 1)]
    return spreads, calibrate(results)
