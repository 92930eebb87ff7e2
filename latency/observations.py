"""What a user measured, checked before any model sees it: each message names the rows and says what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np

from hwnas.arrays import Array, Bool, Float, Integer
from hwnas.errors import UsageError
from hwnas.spaces import Space

FEWEST: Final = 3  # a line through two points leaves nothing to judge it by
CONTRADICTION: Final = 1.5  # largest ratio of two measurements of one network; phones differ by 1.2 between runs
_WRONG_UNIT: Final = 100.0  # how far from every known device a typical cost must be to look like another unit


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Observations:
    """Measured networks, each once, and their costs; `rows` are the numbers of the first row of each as given."""

    vectors: Integer[Array, "n v"]
    costs: Float[Array, " n"]
    rows: Integer[Array, " n"]

    def __len__(self) -> int:
        return len(self.costs)


def check_observations(
    space: Space,
    vectors: Integer[Array, "n v"],
    costs: Float[Array, " m"],
    *,
    what: str = "latency_ms",
    known: Sequence[float] | None = None,
) -> Observations:
    """Observations that a model can be made of; repeated measurements of a network become their geometric mean.

    what: name of the costs, for messages. known: least and largest typical cost of known devices in the same unit; a
    device beyond a hundred times of either is taken for a mistaken unit; None does not look.
    Raises `UsageError` for fewer than three networks, values that are missing, not positive or all the same,
    contradictory rows, networks that are not of the space, and what looks like seconds or microseconds.
    """
    if len(vectors) != len(costs):
        raise UsageError(f"expected one {what} for each architecture, got {len(costs)} for {len(vectors)}")
    space.check(vectors)
    costs = np.asarray(costs, dtype=np.float64)
    _refuse(~np.isfinite(costs), costs, f"a {what} for each row", "leave out what was not measured")
    _refuse(costs <= 0, costs, f"positive values of {what}", "a measurement is never 0 or less: measure again")
    merged = _merge(space, vectors, costs, what)
    if len(merged) < FEWEST:
        raise UsageError(
            f"expected at least {FEWEST} different networks, got {len(merged)}; measure more, best are ten"
        )
    if np.ptp(merged.costs) <= 1e-9 * merged.costs.max():
        raise UsageError(
            f"expected networks that differ in {what}, got {merged.costs[0]:g} for all {len(merged)}; "
            "the timer may be too coarse, or something else was timed"
        )
    if known is not None:
        _check_unit(float(np.median(merged.costs)), known, what)
    return merged


def _merge(space: Space, vectors: Integer[Array, "n v"], costs: Float[Array, " n"], what: str) -> Observations:
    _, first, group = np.unique(space.key(vectors), return_index=True, return_inverse=True)
    order = np.argsort(first)  # in the order in which they were given
    means = []
    for number in order:
        own = np.flatnonzero(group == number)
        if costs[own].max() > CONTRADICTION * costs[own].min():
            values = ", ".join(f"{costs[row]:g} in row {row}" for row in own)
            raise UsageError(
                f"expected about the same {what} wherever a network is repeated, got {values} for "
                f"{space.strings(vectors[own[:1]])[0]}; leave out the wrong rows"
            )
        means.append(np.exp(np.log(costs[own]).mean()))
    rows = first[order]
    return Observations(vectors=vectors[rows], costs=np.array(means), rows=rows)


def _check_unit(typical: float, known: Sequence[float], what: str) -> None:
    low, high = min(known), max(known)
    for factor, unit in ((1000.0, "a thousand times larger"), (0.001, "a thousand times smaller")):
        far = typical < low / _WRONG_UNIT if factor > 1 else typical > high * _WRONG_UNIT
        if far:
            raise UsageError(
                f"expected {what} near those of known devices ({low:g} to {high:g}), got a median of {typical:g}; "
                f"is the unit {unit} than that of {what}? Multiply by {factor:g}, or say that the unit is right"
            )


def _refuse(wrong: Bool[Array, " n"], costs: Float[Array, " n"], expected: str, what_to_do: str) -> None:
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise UsageError(f"expected {expected}, got {costs[row]} in row {row}; {what_to_do}")
