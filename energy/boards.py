"""Energy of a user's own device: its files, and the model of them that was adapted from a few measurements.

`energy.json` holds either a power that the latency is multiplied by, or, with `energy.npz`, a few-shot model.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, Final

import numpy as np

from hwnas.arrays import Array, Float
from hwnas.data.table_files import ARCHIVE_DAMAGE
from hwnas.devices import Device
from hwnas.energy.fewshot import ConstantPower
from hwnas.errors import DataError
from hwnas.estimates import CostModel
from hwnas.folders import write_whole
from hwnas.latency.adapted_files import load_adapted, save_adapted
from hwnas.latency.boards import BoardModel, load_latency, model_path
from hwnas.latency.fewshot import AdaptedModel
from hwnas.latency.methods import METHODS
from hwnas.latency.observations import FEWEST
from hwnas.spaces import Space

VERSION: Final = 1
_NAME: Final = "energy"
_FIGURES: Final = ("power_w", "power_spread")
_REPAIR: Final = "adapt the device again from its measurements"


def save_energy(folder: Path, model: ConstantPower | AdaptedModel, *, measured: int) -> None:
    """Write the files of an energy model; measured: networks whose energy is known, 0 for a power that was given."""
    if isinstance(model, AdaptedModel):
        save_adapted(folder, _NAME, model)
        return
    facts = {"version": VERSION, "kind": "constant power", "measured": measured}
    facts |= {name: getattr(model, name) for name in _FIGURES}
    write_whole(folder / f"{_NAME}.json", json.dumps(facts, indent=1, allow_nan=False).encode())


def load_energy(folder: Path, latency: CostModel) -> CostModel:
    """The model that `save_energy` wrote, on top of the latency model. Raises `DataError` for damaged files."""
    path = folder / f"{_NAME}.json"
    try:
        facts: dict[str, Any] = json.loads(path.read_bytes())
        if facts.get("kind") != "constant power":
            return load_adapted(folder, _NAME)
        if facts["version"] != VERSION:
            raise DataError(f"{path}: expected version {VERSION}, got {facts['version']!r}; {_REPAIR}")
        figures = {name: float(facts[name]) for name in _FIGURES}
        if not (np.isfinite(list(figures.values())).all() and figures["power_w"] > 0 and figures["power_spread"] >= 0):
            raise ValueError(f"figures {figures}")
        measured = int(facts["measured"])
        if measured != 0 and measured < FEWEST:
            raise ValueError(f"measured {measured}")
        return ConstantPower(latency, measured=measured, **figures)
    except (*ARCHIVE_DAMAGE, AttributeError) as error:
        raise DataError(f"{path}: expected an energy model, got {error!r}; {_REPAIR}") from error


def board_energy(device: Device, *, space: Space, dataset: str, batch: str = "") -> BoardModel | None:
    """The adapted energy model of a device, None where it has none. Raises `DataError` for damaged files.

    batch: what to add to the source of the numbers about the size of a batch.
    """
    where = {"space": space.name, "dataset": dataset}
    known = device.adapted(**where, target="energy")
    if known is None:
        return None
    beside = device.adapted(**where, target="latency")
    if beside is None:
        raise DataError(f"card of {device.name}: expected a latency model beside that of energy, got none; {_REPAIR}")
    model = load_energy(model_path(known), load_latency(beside, device))
    return BoardModel(model, known, how=title_of(model, measured=known.nets), batch=batch)


def title_of(model: CostModel, *, measured: int) -> str:
    """What an energy model is, for a person. measured: networks whose energy is known, 0 for a power that was given."""
    if not isinstance(model, ConstantPower):
        return f"{METHODS['latent'].title} of the energy"
    given = "a power of" if measured else "a power that was given,"
    return f"{given} {model.power_w:.3g} W (± {100 * math.expm1(model.power_spread):.0f} %) times the latency"


def left_out_energy(
    model: ConstantPower | AdaptedModel,
    latency_left_out: Float[Array, " n"],
    *,
    latency_ms: Float[Array, " n"],
    energy_mj: Float[Array, " n"],
) -> Float[Array, " n"]:
    """What the other networks predict of each one's energy (mJ).

    latency_left_out: what they predict of its latency. latency_ms, energy_mj: what was measured.
    """
    if isinstance(model, AdaptedModel):
        return model.left_out()[0]
    powers = energy_mj / latency_ms
    others = [np.median(np.delete(powers, row)) for row in range(len(powers))]
    return np.asarray(latency_left_out * np.array(others))
