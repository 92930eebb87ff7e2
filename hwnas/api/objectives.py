"""From words such as `energy_mj`, `latency_ms.pixel3=30` or `params` to columns of costs with their sources."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, final

import numpy as np

from hwnas.api.found_devices import find_device
from hwnas.arrays import Array, Float, Integer
from hwnas.devices import Device
from hwnas.energy import energy_model
from hwnas.errors import UnknownNameError, UsageError
from hwnas.estimates import UNITS, CostModel, Estimate, Provenance, Target
from hwnas.latency import latency_model
from hwnas.latency.tables import CostSource
from hwnas.pareto import Objective
from hwnas.spaces import Space

DEVICE_COSTS: Final[Mapping[str, tuple[Target, str]]] = {
    f"{target}_{UNITS[target].lower()}": (target, UNITS[target]) for target in ("energy", "latency")
}
COUNTS: Final[Mapping[str, str]] = {
    "params": "parameters",
    "macs": "MACs",
    "flops": "FLOPs",
    "peak_memory_bytes": "B",
}
INTERVAL_LEVEL: Final = 0.9
_WORD: Final = re.compile(r"(?P<name>[^.=]+)(?:\.(?P<device>[^=]+))?(?:=(?P<bound>.*))?")


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class CostAxis:
    """One cost of every architecture of a space.

    device: reference, None for counts. estimate: mean and interval at `INTERVAL_LEVEL`, in the objective's unit.
    selection: the cost that budgets and dominance look at: the mean, or the one-sided quantile at a confidence.
    """

    objective: Objective
    device: str | None
    estimate: Estimate
    selection: Float[Array, " n"]

    @property
    def measured(self) -> bool:
        """Whether the values are measured or counted, as against predicted."""
        return self.estimate.provenance.kind != "predicted"


@final
@dataclass(frozen=True, kw_only=True)
class Word:
    """A parsed objective: its name, the device where one is given, and the bound."""

    name: str
    device: str | None
    bound: float | None


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class AxisMaker:
    """Makes axes over the same architectures.

    device: the one that is meant by words without a device. confidence: of the one-sided quantile; None for the mean.
    named: whether ids carry the device, because several take part.
    """

    device: Device
    space: Space
    vectors: Integer[Array, "n v"]
    dataset: str
    source: CostSource
    confidence: float | None
    named: bool

    def axis(self, word: Word) -> CostAxis:
        """The cost that a word names. Raises `UnknownNameError`, `UsageError` and `DataError` as `cost_model` does."""
        return self._count(word) if word.name in COUNTS else self._device_cost(word)

    def best_known(self, axis: CostAxis, word: Word) -> CostAxis:
        """The same cost from the measured table, where that was passed over and is in the cache; else the axis."""
        if axis.measured or self.source == "auto":  # "auto" has taken the table already, where there is one
            return axis
        other = replace(self, source="auto", confidence=None).axis(word)
        return other if other.measured else axis

    def _device_cost(self, word: Word) -> CostAxis:
        device = find_device(word.device) if word.device else self.device
        target, unit = DEVICE_COSTS[word.name]
        model_of = {"latency": latency_model, "energy": energy_model}[target]
        model = model_of(device, space=self.space.name, dataset=self.dataset, source=self.source)
        estimate = model.predict(self.vectors, confidence=INTERVAL_LEVEL)
        selection = estimate.mean
        if self.confidence is not None and self.confidence > 0.5:
            upper = self._one_sided(model, self.confidence)
            selection = estimate.mean if upper is None else upper
        suffix = f".{device.reference}" if self.named else ""
        objective = Objective(id=word.name + suffix, name=target, unit=unit, bound=word.bound)
        return CostAxis(objective=objective, device=device.reference, estimate=estimate, selection=selection)

    def _one_sided(self, model: CostModel, confidence: float) -> Float[Array, " n"] | None:
        """The quantile of each cost: the upper end of the central interval of mass 2c - 1."""
        mass = 2 * confidence - 1
        try:
            return model.predict(self.vectors, confidence=mass).upper
        except UsageError as error:
            message = f"a budget at confidence {confidence:g} needs central intervals of {mass:g}: {error}"
            raise UsageError(message) from None

    def _count(self, word: Word) -> CostAxis:
        if word.name == "peak_memory_bytes":
            from hwnas.api.activation_peaks import activation_peaks  # other costs do not wait for it

            values = activation_peaks(self.space, self.vectors, self.dataset).astype(np.float64)
            summary = "activations alive at once, one image in float32, from the graph of the architecture as written"
        else:
            values = self.space.counts(self.vectors, dataset=self.dataset)[word.name].astype(np.float64)
            summary = "counted from the architecture as written"
        estimate = Estimate(
            mean=values,
            lower=None,
            upper=None,
            confidence=INTERVAL_LEVEL,
            unit=COUNTS[word.name],
            provenance=Provenance(kind="computed", summary=summary, source=self.space.name),
        )
        objective = Objective(id=word.name, name=word.name, unit=COUNTS[word.name], bound=word.bound)
        return CostAxis(objective=objective, device=None, estimate=estimate, selection=values)


def parse_word(text: str) -> Word:
    """Read `name[.device][=bound]`. Raises `UsageError` or `UnknownNameError`."""
    match = _WORD.fullmatch(text.strip())
    name = match["name"].strip().lower() if match else text
    if match is None or name not in {**DEVICE_COSTS, **COUNTS}:
        raise UnknownNameError("objective", name, {**DEVICE_COSTS, **COUNTS})
    if match["device"] and name in COUNTS:
        raise UsageError(f"objective {name!r} is a count of the network and has no device, got {text!r}")
    bound = None if match["bound"] is None else _bound(text, match["bound"])
    return Word(name=name, device=match["device"], bound=bound)


def _bound(text: str, number: str) -> float:
    try:
        value = float(number)
    except ValueError:
        raise UsageError(f"expected a number after '=' in objective {text!r}, got {number!r}") from None
    return positive(f"the bound in {text!r}", value)


def positive(what: str, value: float) -> float:
    """The value, if it is a positive finite number. Raises `UsageError`."""
    if not (math.isfinite(value) and value > 0):
        raise UsageError(f"expected {what} to be a positive number, got {value:g}")
    return value


def several_devices(words: list[Word], device: Device) -> bool:
    """Whether costs of more than one device are among the words. Raises `UnknownNameError` for unknown ones."""
    its_own = {device.reference}
    return len({find_device(w.device).reference for w in words if w.device} | its_own) > 1
