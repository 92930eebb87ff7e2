"""What is traded off: a named quantity with a unit, a direction and perhaps a bound, and its column of costs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from hwnas.arrays import Array, Float
from hwnas.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class Objective:
    """One axis of a front, in the units of people; `cost_column` and `bounds_of` turn it into those of this package.

    id: what results call the axis: "energy_mj", or "energy_mj.jetson-tx2" where several devices take part.
    name: for people: "energy"; unit: "mJ".
    direction: "min" if less is better, "max" if more is.
    bound: the largest ("min") or smallest ("max") value that is still feasible, in `unit`; None for no bound.
    """

    id: str
    name: str
    unit: str
    direction: Literal["min", "max"] = "min"
    bound: float | None = None

    def __post_init__(self) -> None:
        if self.direction not in ("min", "max"):
            raise UsageError(f"objective {self.id!r}: expected direction 'min' or 'max', got {self.direction!r}")
        if self.bound is not None and not math.isfinite(self.bound):
            raise UsageError(
                f"objective {self.id!r}: expected a finite bound in {self.unit}, got {self.bound}; "
                "leave the bound out for none"
            )

    @property
    def sign(self) -> float:
        """What a value is multiplied by to become a cost, and a cost to become a value."""
        return 1.0 if self.direction == "min" else -1.0


def cost_column(objective: Objective, values: Float[Array, " n"]) -> Float[Array, " n"]:
    """Values in the objective's unit as float64 costs to minimise; NaN (no value) stays NaN."""
    return objective.sign * np.asarray(values, dtype=np.float64)


def cost_matrix(objectives: Sequence[Objective], values: Mapping[str, Float[Array, " n"]]) -> Float[Array, "n m"]:
    """One column of costs per objective, from values by objective id.

    Raises `UsageError` where an objective has no column.
    """
    absent = [objective.id for objective in objectives if objective.id not in values]
    if absent or not objectives:
        raise UsageError(
            f"expected a column of values for each objective, got none for {absent or 'no objective'}; "
            f"columns given: {', '.join(values) or 'none'}"
        )
    return np.stack([cost_column(objective, values[objective.id]) for objective in objectives], axis=1)


def bounds_of(objectives: Sequence[Objective]) -> tuple[float | None, ...]:
    """The bound of each objective as a cost: the largest feasible entry of its column, None without a bound."""
    return tuple(None if o.bound is None else o.sign * o.bound for o in objectives)
