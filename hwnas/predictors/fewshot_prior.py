"""What known devices teach about a new one: their weights, their mean and deviations, and how far a device may stray.

First each known device gets its weights from many measured networks (`fit_device`). A prior is then a summary of these
weights (`summarise`), with one number for each group of features that says how freely a new device may differ there.
Those numbers are learned by leaving out one physical device after the other and predicting it from ten of its networks
(`fewshot_spreads.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np

from hwnas.arrays import Array, Float
from hwnas.predictors.fewshot_features import UNUSED, FeatureScale
from hwnas.predictors.latent_prior import LatentPrior

_NOISES: Final = np.array([0.005, 0.01, 0.02, 0.03, 0.05, 0.08, 0.12, 0.2, 0.3, 0.5])
_STRETCHES: Final = (0.1, 0.3, 1.0)


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class KnownDevice:
    """Weights of one column of measurements, relative to its mean cost.

    physical: name of the physical device, which several columns (batch sizes, data sets) may share.
    execution: number of the execution that explains it best. noise: relative error of single networks beside it.
    """

    name: str
    physical: str
    execution: int
    weights: Float[Array, " p"]
    noise: float


@final
@dataclass(frozen=True, kw_only=True)
class Spreads:
    """How freely a new device may differ from the average one, in shares of its typical cost.

    directions: factor on the deviations of the known devices. groups: by name of the group of features, the standard
    deviation that it alone gives the relative cost of an average network.
    """

    directions: float
    groups: Mapping[str, float]


def fit_device(name: str, physical: str, features: Float[Array, "e n p"], costs: Float[Array, " n"]) -> KnownDevice:
    """Ridge regression of relative costs; execution, noise and ridge by their evidence.

    costs: in any unit, NaN where not measured. Evidence: Bishop 2006, eq. 3.86, from one eigendecomposition.
    """
    measured = ~np.isnan(costs)
    relative = costs[measured] / costs[measured].mean()
    best: tuple[float, KnownDevice] | None = None
    for execution, rows in enumerate(features[:, measured]):
        for stretch in _STRETCHES:
            stretches = np.full(rows.shape[1], stretch)
            stretches[0] = 1.0
            evidence, weights, noise = _best_ridge(rows * stretches, relative)
            if best is None or evidence > best[0]:
                device = KnownDevice(
                    name=name, physical=physical, execution=execution, weights=stretches * weights, noise=noise
                )
                best = evidence, device
    assert best is not None
    return best[1]


def _best_ridge(rows: Float[Array, "n p"], values: Float[Array, " n"]) -> tuple[float, Float[Array, " p"], float]:
    """(log evidence, weights, noise) of y = rows w + e with w ~ N(0, 1), at the most probable noise of the grid."""
    eigenvalues, vectors = np.linalg.eigh(rows.T @ rows)
    eigenvalues = np.maximum(eigenvalues, 0.0)
    along, total = vectors.T @ (rows.T @ values), values @ values
    precisions = 1 / _NOISES[:, None] ** 2
    posterior = 1 + precisions * eigenvalues
    residual = total - (along**2 * precisions / posterior).sum(axis=1)
    evidence = -0.5 * (precisions[:, 0] * residual + np.log(posterior).sum(axis=1)) - len(values) * np.log(_NOISES)
    best = int(evidence.argmax())
    weights = vectors @ (along * precisions[best] / posterior[best])
    return float(evidence[best]), weights, float(_NOISES[best])


def summarise(devices: Sequence[KnownDevice], scale: FeatureScale, spreads: Spreads, *, executions: int) -> LatentPrior:
    """Prior of a device that is none of these: each physical device counts the same, however many columns it has.

    What a pruning runtime spends on unused operators is known from devices that prune alone, where there are any.
    """
    names = [device.physical for device in devices]
    physical = len(set(names))
    share = np.array([1 / names.count(name) for name in names]) / physical
    weights = np.stack([device.weights for device in devices])
    pruning = np.array([device.execution for device in devices]) > 0
    unused = scale.group == scale.names.index(UNUSED) if UNUSED in scale.names else np.zeros(len(scale.group), bool)
    mean = share @ weights
    if pruning.any():
        mean[unused] = (share * pruning) @ weights[:, unused] / (share * pruning).sum()
    deviations = weights - mean
    deviations[np.ix_(~pruning, unused)] = 0.0
    degrees = max(physical - 1, 1)
    per_column = np.array([spreads.groups[name] for name in scale.names])[scale.group]
    prunes = (physical * float(share @ pruning) + 0.5) / (physical + 1)  # Krichevsky-Trofimov: never 0 or 1
    return LatentPrior(
        mean=np.tile(mean, (executions, 1)),
        execution=np.array([1 - prunes, prunes] if executions == 2 else [1.0]),
        directions=spreads.directions * deviations * np.sqrt(share * physical / degrees)[:, None],
        scales=per_column,
    )
