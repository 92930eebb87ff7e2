"""Known devices in spaces that cannot be enumerated: a ridge regression for each, on the features of the space.

Shipped as one file for each space, `<space>_regressions.npz`: weights, quantiles of the errors, what is said of each.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

import numpy as np

from hwnas import metrics
from hwnas.arrays import Array, Float, Integer
from hwnas.data.table_files import ARCHIVE_DAMAGE
from hwnas.errors import DataError
from hwnas.estimates import CostModel, Estimate, Provenance, Target, check_confidence
from hwnas.folders import write_whole
from hwnas.predictors.conformal import LEVELS, residual_quantiles
from hwnas.predictors.ridge import fit_ridge, predict_ridge
from hwnas.predictors.shipped import interval_factors
from hwnas.spaces import Space

VERSION: Final = 1
_HELD_OUT: Final = 0.1  # share of the nets that calibrates intervals, and another that reports
_FLOOR: Final = 0.1  # predictions are at least this share of the smallest cost that was measured
_PERCENTAGES: Final = ("median_ape", "mape", "within_10", "coverage")
_REPAIR: Final = "install hwnas again, or make it again with hwnas.latency.known_regressions"


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Regression:
    """One column: a device, data set and target.

    weights: of the features of the space, then the intercept. floor: the smallest prediction, in ms or mJ.
    quantiles: of cost / prediction at `LEVELS`, from nets that were not fitted. trained_on: nets that were.
    figures: on further nets, in percent but for "spearman": "median_ape", "mape", "within_10", "coverage",
        "relative_width"; "nets", how many.
    """

    weights: Float[Array, " w"]
    floor: float
    quantiles: Float[Array, " l"]
    trained_on: int
    figures: dict[str, float]

    def mean(self, features: Float[Array, "n f"]) -> Float[Array, " n"]:
        """Predicted costs."""
        return np.asarray(np.maximum(predict_ridge(features, self.weights.astype(np.float64)), self.floor))

    def factors(self, confidence: float) -> tuple[float, float]:
        """What the mean is multiplied by at either end of a central interval. Raises `UsageError`."""
        low, high = interval_factors(self.quantiles[None].astype(np.float64), np.array(LEVELS), confidence)
        return float(low[0]), float(high[0])


@final
class RegressionCosts(CostModel):
    """Costs of any architecture of a space on a device whose nets were measured by the thousand."""

    def __init__(self, *, space: Space, device: str, target: Target, regression: Regression, batch: str) -> None:
        self.space, self.device, self.target = space.name, device, target
        self._space, self._regression, self._batch = space, regression, batch

    def predict(self, architectures: Integer[Array, "n v"], *, confidence: float = 0.9) -> Estimate:
        """Predicted costs with their calibrated intervals.

        Raises `UsageError` for vectors that are not of the space, and for a confidence that was not calibrated.
        """
        check_confidence(confidence)
        low, high = self._regression.factors(confidence)
        mean = self._regression.mean(self._space.features(architectures))
        figures = self._regression.figures
        return Estimate(
            mean=mean,
            lower=mean * low,
            upper=mean * high,
            confidence=confidence,
            unit=self.unit,
            provenance=Provenance(
                kind="predicted",
                summary=f"predicted by ridge regression, trained on {self._regression.trained_on:,} nets, median error "
                f"{figures['median_ape']:.1f} % on {figures['nets']:.0f} others{self._batch}",
                source=f"regression of {self._space.name}",
                trained_on=self._regression.trained_on,
                error={name: value for name, value in figures.items() if name in _PERCENTAGES},
            ),
        )


def fit_regression(features: Float[Array, "n f"], costs: Float[Array, " n"], *, seed: int) -> Regression:
    """Fit on four fifths of the nets, calibrate on a tenth, report on the last tenth, split at random by the seed.

    Features are standardised while they are fitted. Raises `UsageError` for costs that are not positive.
    """
    mixed = np.random.default_rng(seed).permutation(len(costs))
    held = round(_HELD_OUT * len(costs))
    calibration, test, train = mixed[:held], mixed[held : 2 * held], mixed[2 * held :]
    center, scale = features[train].mean(axis=0), features[train].std(axis=0)
    scale = np.where(scale > 1e-6, scale, 1.0)
    fitted = fit_ridge((features[train] - center) / scale, costs[train])
    weights = np.append(fitted[:-1] / scale, fitted[-1] - (fitted[:-1] / scale) @ center).astype(np.float32)
    floor = _FLOOR * float(costs[train].min())
    found = Regression(weights=weights, floor=floor, quantiles=np.ones(len(LEVELS)), trained_on=len(train), figures={})
    residuals = np.log(costs[calibration] / found.mean(features[calibration]))
    quantiles = np.exp(residual_quantiles(residuals, np.array(LEVELS))).astype(np.float32)
    mean = found.mean(features[test])
    calibrated = Regression(weights=weights, floor=floor, quantiles=quantiles, trained_on=len(train), figures={})
    low, high = calibrated.factors(0.9)
    figures = {
        "spearman": metrics.spearman(costs[test], mean),
        "median_ape": metrics.median_ape(costs[test], mean),
        "mape": metrics.mape(costs[test], mean),
        "within_10": metrics.within(costs[test], mean),
        "coverage": metrics.coverage(costs[test], low * mean, high * mean),
        "relative_width": metrics.relative_width(costs[test], low * mean, high * mean),
        "nets": float(len(test)),
    }
    return Regression(weights=weights, floor=floor, quantiles=quantiles, trained_on=len(train), figures=figures)


def regressions_path(folder: Path, space: str) -> Path:
    """`<space>_regressions.npz`."""
    return folder / f"{space}_regressions.npz"


def save_regressions(folder: Path, space: str, regressions: dict[str, Regression]) -> Path:
    """Write the file of a space, by names of heads such as `pixel3/cifar100/latency`; the same bytes for the same."""
    header = {
        "version": VERSION,
        "space": space,
        "heads": {
            name: {"floor": found.floor, "trained_on": found.trained_on, "figures": found.figures}
            for name, found in regressions.items()
        },
    }
    file = io.BytesIO()
    np.savez(
        file,
        header=np.frombuffer(json.dumps(header, allow_nan=False).encode(), dtype=np.uint8),
        weights=np.stack([found.weights for found in regressions.values()]),
        quantiles=np.stack([found.quantiles for found in regressions.values()]),
    )
    path = regressions_path(folder, space)
    write_whole(path, file.getvalue())
    return path


def open_regressions(folder: Path, space: str) -> dict[str, Regression]:
    """The regressions of a space by name of the head; none where `folder` has no file. Raises `DataError`."""
    path = regressions_path(folder, space)
    if not path.is_file():
        return {}
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
            header: dict[str, Any] = json.loads(bytes(file["header"]))
            weights, quantiles = file["weights"], file["quantiles"]
        if header["version"] != VERSION:
            raise DataError(f"{path}: expected version {VERSION}, got {header['version']!r}; {_REPAIR}")
        rows = zip(header["heads"].items(), weights, quantiles, strict=True)
        return {name: Regression(weights=row, quantiles=levels, **facts) for (name, facts), row, levels in rows}
    except (*ARCHIVE_DAMAGE, TypeError) as error:
        raise DataError(f"{path}: expected regressions of {space}, got {error!r}; {_REPAIR}") from error
