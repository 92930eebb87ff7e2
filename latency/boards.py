"""Latency of a user's own device, by the model that was adapted to it from a few measurements."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import final

from hwnas.arrays import Array, Integer
from hwnas.devices import Adapted, Device
from hwnas.devices.user_devices import models_folder
from hwnas.errors import DataError
from hwnas.estimates import CostModel, Estimate
from hwnas.latency.methods import get_method
from hwnas.spaces import Space


@final
class BoardModel(CostModel):
    """An adapted model that says of its numbers when and from how many measurements it was made, and how good it is."""

    def __init__(self, model: CostModel, known: Adapted, *, how: str, batch: str) -> None:
        self.space, self.device, self.target = model.space, model.device, model.target
        self.model, self.known, self._how, self._batch = model, known, how, batch

    def predict(self, architectures: Integer[Array, "n v"], *, confidence: float = 0.9) -> Estimate:
        """As the model predicts, with the provenance of the device's card."""
        estimate = self.model.predict(architectures, confidence=confidence)
        error = {} if self.known.error_percent is None else {"median_ape": self.known.error_percent}
        provenance = replace(estimate.provenance, summary=self._summary(), error=error)
        return replace(estimate, provenance=provenance)

    def _summary(self) -> str:
        if not self.known.nets:
            return f"predicted by {self._how}{self._batch}"
        made = f"adapted from {self.known.nets} measurements on {self.known.date}"
        error = self.known.error_percent
        left_out = "" if error is None else f", leave-one-out median error {error:.1f} %"
        return f"predicted by {self._how}, {made}{left_out}{self._batch}"


def board_latency(device: Device, *, space: Space, dataset: str, batch: str = "") -> BoardModel | None:
    """The adapted latency model of a device, None where it has none. Raises `DataError` for damaged files.

    batch: what to add to the source of the numbers about the size of a batch.
    """
    known = device.adapted(space=space.name, dataset=dataset, target="latency")
    if known is None:
        return None
    _, method = get_method(known.method)
    return BoardModel(load_latency(known, device), known, how=method.title, batch=batch)


def load_latency(known: Adapted, device: Device) -> CostModel:
    """The model behind a line of a card. Raises `DataError` for damaged files and files of something else."""
    folder = model_path(known)
    model: CostModel = get_method(known.method)[1].load(folder)
    if (model.space, model.target, model.device) != (known.space, known.target, device.reference):
        raise DataError(
            f"{folder}: expected {known.target} of {device.reference} on {known.space}, got {model.target} of "
            f"{model.device} on {model.space}; adapt the device again from its measurements"
        )
    return model


def model_path(known: Adapted) -> Path:
    """Folder with the files of a model. Raises `DataError` where it is gone."""
    folder = models_folder() / known.folder
    if not folder.is_dir():
        raise DataError(f"expected the model of a device in {folder}, got nothing; adapt the device again")
    return folder
