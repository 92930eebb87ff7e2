"""Which nets fit, which choose and calibrate, which report. Networks that are the same are never on two sides."""

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


def assign_folds(groups: Integer[Array, " n"], *, seed: int) -> Integer[Array, " n"]:
    """A fold 0 .. 4 for each net, nearly equal in size; equal groups share a fold. uint8."""
    distinct, inverse = np.unique(groups, return_inverse=True)
    if len(distinct) < FOLDS:
        raise UsageError(f"expected at least {FOLDS} distinct networks to split, got {len(distinct)}")
    order = np.random.default_rng(seed).permutation(len(distinct))
    fold = np.empty(len(distinct), dtype=np.uint8)
    fold[order] = np.arange(len(distinct)) % FOLDS
    return fold[inverse]


def make_split(
    groups: Integer[Array, " n"], fold: Integer[Array, " n"], number: int, *, setting: Setting, seed: int
) -> Split:
    """The split that tests on fold `number`.

    "80%": an eighth of the remaining networks validate, the others train. "900": 900 nets drawn from the remaining
    ones train and 100 validate, as in BRP-NAS (Dudziak 2020, section 3.1).
    """
    rest = np.flatnonzero(fold != number)
    rng = np.random.default_rng([seed, number])
    if setting == "900":
        if len(rest) < 1000:
            raise UsageError(f"expected at least 1,000 nets outside the test fold, got {len(rest)}")
        drawn = rng.choice(rest, size=1000, replace=False)
        train, validation = np.sort(drawn[:900]), np.sort(drawn[900:])
    else:
        networks = rng.permutation(np.unique(groups[rest]))
        held = np.isin(groups[rest], networks[: len(networks) // 8])
        train, validation = rest[~held], rest[held]
    return Split(train=train, validation=validation, test=np.flatnonzero(fold == number))
