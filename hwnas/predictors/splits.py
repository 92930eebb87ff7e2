"""Which nets fit, which choose and calibrate, which report.

The unit is the architecture as written: a cost belongs to it, dead operations included, and two architectures that are
the same network differ in cost by up to a quarter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from hwnas.arrays import Array, Integer
from hwnas.errors import UsageError

FOLDS: Final = 5
Setting = Literal["900", "80%"]
SETTINGS: Final[tuple[Setting, ...]] = ("900", "80%")


@dataclass(frozen=True, kw_only=True, eq=False)
class Split:
    """Row numbers: `train` fits, `validation` chooses the model and calibrates intervals, `test` only reports."""

    train: Integer[Array, " a"]
    validation: Integer[Array, " b"]
    test: Integer[Array, " c"]


def assign_folds(nets: int, *, seed: int) -> Integer[Array, " n"]:
    """A fold 0 .. 4 for each net, at random, equal in size but for one. uint8."""
    if nets < 10 * FOLDS:
        raise UsageError(f"expected at least {10 * FOLDS} nets to split into {FOLDS} folds, got {nets}")
    return np.random.default_rng(seed).permutation(np.arange(nets) % FOLDS).astype(np.uint8)


def make_split(fold: Integer[Array, " n"], number: int, *, setting: Setting, seed: int) -> Split:
    """The split that tests on fold `number`.

    "80%": an eighth of the remaining nets validate, the others train. "900": 900 nets drawn from the remaining ones
    train and 100 validate, as in BRP-NAS (Dudziak 2020, section 3.1).
    """
    rest = np.random.default_rng([seed, number]).permutation(np.flatnonzero(fold != number))
    if setting == "900":
        if len(rest) < 1000:
            raise UsageError(f"expected at least 1,000 nets outside the test fold, got {len(rest)}")
        rest, held = rest[:1000], 100
    else:
        held = len(rest) // 8
    return Split(train=np.sort(rest[held:]), validation=np.sort(rest[:held]), test=np.flatnonzero(fold == number))
