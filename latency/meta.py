"""A cost model of a new device by a meta-learned graph network, beside the latent model of fewshot.py.

model = adapt_meta(space, observations, device="my-board")
model.predict(space.all_vectors())
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, final

import numpy as np

from hwnas.arrays import Array, Float, Integer
from hwnas.errors import DataError, MissingExtraError
from hwnas.estimates import CostModel, Estimate, Provenance, Target
from hwnas.folders import cache_folder
from hwnas.latency.fewshot import AdaptedModel, LeaveOneOut, Suspect, figures_of_left_out, suspects
from hwnas.latency.known_devices import few_shot_model, known_latencies
from hwnas.latency.observations import Observations, check_observations
from hwnas.predictors.shipped import SHIPPED_FOLDER
from hwnas.spaces import Space

if TYPE_CHECKING:
    from hwnas.predictors.meta_model import MetaModel
    from hwnas.predictors.meta_training import MetaPlan

_FILE: Final = "{}_meta.safetensors"
_OUTLIERS: Final = 0.05  # share of measurements that are wrong, before any is looked at
_OUTLIER_SPREAD: Final = 10.0  # deviations of a wrong one, in those of a right one


@final
class AdaptedMeta(CostModel):
    """The cost model of one measured device; see `adapt_meta`. It answers what `AdaptedModel` answers."""

    target: Target = "latency"

    def __init__(self, *, space: Space, device: str, observations: Observations, model: MetaModel) -> None:
        self.space, self.device = space.name, device
        self.observations, self.model = observations, model
        self._space = space
        self._adapted = model.adapt(observations.vectors, observations.costs)

    def predict(self, architectures: Integer[Array, "n v"], *, confidence: float = 0.9) -> Estimate:
        """Cost of each architecture with its calibrated interval.

        Raises `UsageError` for vectors that are not of the space and for a confidence that was not calibrated.
        """
        self._space.check(architectures)
        mean, spread = self.model.predict(self._adapted, architectures)
        low, high = self.model.calibration.ends(len(self.observations), confidence)
        known = len(self.model.facts["devices"])
        return Estimate(
            mean=mean,
            lower=mean * np.exp(low * spread),
            upper=mean * np.exp(high * spread),
            confidence=confidence,
            unit=self.unit,
            provenance=Provenance(
                kind="predicted",
                summary=f"predicted from {len(self.observations)} measurements of the device and {known} known devices",
                source=f"meta-learned graph network of {self.space}",
                trained_on=len(self.observations),
            ),
        )

    def left_out(self) -> tuple[Float[Array, " n"], Float[Array, " n"]]:
        """What all the others predict of each measurement: mean, and standard deviation of its logarithm."""
        return self.model.left_out(self.observations.vectors, self.observations.costs)

    def leave_one_out(self) -> LeaveOneOut:
        """Figures of predicting each measurement from all the others."""
        return figures_of_left_out(self.observations.costs, *self.left_out(), calibration=self.model.calibration)

    def suspect(self) -> list[Suspect]:
        """Measurements that are more probably outliers than not, the most suspicious first; measure them again.

        Two normal distributions of the error that the others leave: of a right measurement, and ten times as wide.
        """
        expected, spread = self.left_out()
        low, high = self.model.calibration.ends(len(self.observations) - 1, 0.68)
        error = np.log(self.observations.costs / expected) / spread
        z = error / np.where(error < 0, max(-low, 1e-6), max(high, 1e-6))
        # Of the logarithm: far outliers would overflow.
        log_odds = np.log(_OUTLIERS / (1 - _OUTLIERS) / _OUTLIER_SPREAD) + 0.5 * z**2 * (1 - _OUTLIER_SPREAD**-2)
        return suspects(self.observations, expected=expected, probability=np.exp(-np.logaddexp(0, -log_odds)))

    def next_nets(self, k: int = 3, *, seed: int = 0) -> Integer[Array, "k v"]:
        """The k networks whose measurement would reduce the uncertainty most, by the design of the latent model."""
        latent = AdaptedModel(
            space=self._space,
            device=self.device,
            target="latency",
            observations=self.observations,
            model=few_shot_model(self._space),
        )
        return latent.next_nets(k, seed=seed)


def adapt_meta(
    space: Space, observations: Observations, *, device: str = "new device", model: MetaModel | None = None
) -> AdaptedMeta:
    """Latency model of a new device from its checked measurements; a fraction of a second for ten.

    model: what known devices taught, by default the best there is for the space. Raises `DataError` where nothing was
    learned about the space, `MissingExtraError` without torch.
    """
    return AdaptedMeta(space=space, device=device, observations=observations, model=model or meta_model(space))


def adapt_meta_latency(
    space: Space,
    vectors: Integer[Array, "n v"],
    latency_ms: Float[Array, " n"],
    *,
    device: str,
    model: MetaModel | None = None,
    unit_is_right: bool = False,
) -> AdaptedMeta:
    """As `adapt` of fewshot.py, by the meta-learned network: the same arguments, checks and errors."""
    model = model or meta_model(space)
    known = None if unit_is_right else model.facts.get("typical_cost")
    return adapt_meta(space, check_observations(space, vectors, latency_ms, known=known), device=device, model=model)


def meta_model(space: Space) -> MetaModel:
    """The user's own meta-learned weights of a space, else the shipped ones. Raises `DataError` without any."""
    folders = (cache_folder() / "predictors", SHIPPED_FOLDER)
    paths = [folder / _FILE.format(space.name) for folder in folders]
    for path in paths:
        if path.exists():
            return open_meta(path, space)
    raise DataError(
        f"expected meta-learned weights of {space.name}, found none in {folders[0]} or among what is shipped; "
        f"train them with `hwnas train --meta --space {space.name}`"
    )


def open_meta(path: Path, space: Space) -> MetaModel:
    """The model in a file. Raises `DataError` for a damaged one, `MissingExtraError` without torch."""
    try:
        from hwnas.predictors.meta_model import load_meta
    except ModuleNotFoundError as error:
        raise MissingExtraError("the meta-learned latency model", "torch") from error
    return load_meta(path, space)


def train_meta(
    space: Space,
    *,
    out: Path | None = None,
    plan: MetaPlan | None = None,
    seed: int = 0,
    progress: Callable[[str, int, int], None] = lambda _what, _done, _total: None,
) -> Path:
    """Meta-learn the network of a space from all its known devices, and write `<space>_meta.safetensors` to `out`.

    out: by default the cache, where `meta_model` looks first. About seven minutes of one core; an interrupted training
    goes on where it was. Raises `DataError` where nothing is known of the space, `UsageError` for too few devices.
    """
    try:
        from hwnas.predictors.meta_learning import learn_meta
        from hwnas.predictors.meta_model import save_meta
    except ModuleNotFoundError as error:
        raise MissingExtraError("meta-learning", "torch") from error

    folder = out or cache_folder() / "predictors"
    known = known_latencies(space, seed=seed)
    typical = [float(np.nanmean(column.costs)) for column in known.columns]
    facts = {
        "learned_from": known.summary,
        "networks": len(known.vectors),
        "typical_cost": [min(typical), max(typical)],
        "command": f"hwnas train --meta --space {space.name} --seed {seed}",
    }
    kept = folder / "training"
    model = learn_meta(
        space, known.vectors, known.columns, plan=plan, seed=seed, facts=facts, folder=kept, progress=progress
    )
    path = folder / _FILE.format(space.name)
    save_meta(path, model)
    return path
