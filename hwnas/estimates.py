"""What a cost model answers: a value, its interval, its unit and where it comes from.

A `CostModel` is the one contract that tables, graph networks, few-shot models and kernel models share.
"""

from __future__ import annotations

import abc
from dataclasses import dataclass
from typing import Literal

from hwnas.arrays import Array, Float, Integer
from hwnas.errors import UsageError

Target = Literal["latency", "energy"]
UNITS: dict[str, str] = {"latency": "ms", "energy": "mJ"}


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """Where a column of numbers comes from.

    kind: "measured" on the device, "predicted" by a model, "computed" from the architecture or by this project.
    summary: one line for a person, for example "HW-NAS-Bench, measured, one run each".
    source: the name of the table or of the predictor.
    trained_on: number of nets that a model saw; None where nothing was trained.
    error: figures that users get, in percent: "median_ape", "mape", "within_10"; empty where none apply.
    """

    kind: Literal["measured", "predicted", "computed"]
    summary: str
    source: str
    trained_on: int | None = None
    error: dict[str, float] | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Estimate:
    """Costs of n architectures on one device.

    mean: best estimate, in `unit`; NaN where the device has no value ("not measured"), never 0.
    lower, upper: ends of the central interval at `confidence`; None for single measurements, which have no interval.
    covered: whether all of each architecture is in its cost; where it is not, `notes` say what is missing and how much.
    lower_bound: whether what is missing may be more than a little, so that costs are at least these.
    """

    mean: Float[Array, " n"]
    lower: Float[Array, " n"] | None
    upper: Float[Array, " n"] | None
    confidence: float
    unit: str
    provenance: Provenance
    covered: bool = True
    lower_bound: bool = False
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.mean)


class CostModel(abc.ABC):
    """A cost (latency or energy) of architectures of one space on one device.

    Attributes that an implementation sets: `space`, `device`, `target` and `unit` ("ms" or "mJ").
    """

    space: str
    device: str
    target: Target

    @property
    def unit(self) -> str:
        """Unit of every value this model returns: "ms" for latency, "mJ" for energy."""
        return UNITS[self.target]

    @abc.abstractmethod
    def predict(self, architectures: Integer[Array, "n v"], *, confidence: float = 0.9) -> Estimate:
        """Cost of each architecture.

        architectures: rows are vectors of the space.
        confidence: probability mass of the central interval, in (0, 1).
        Returns an `Estimate` of length n. Raises `UsageError` for vectors that are not of the space.
        """


def check_confidence(confidence: float) -> None:
    """Raise `UsageError` unless it is the probability mass of an interval: between 0 and 1, NaN being neither."""
    try:
        inside = 0 < confidence < 1
    except TypeError:
        inside = False
    if not inside:
        raise UsageError(f"confidence is the probability mass of an interval, between 0 and 1; got {confidence!r}")
