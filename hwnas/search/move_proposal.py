"""Zero-cost move proposal (Abdelfattah et al. 2021, section 5.2): of all neighbours the one that a proxy likes best."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hwnas.arrays import Array, Float, Integer
from hwnas.spaces import Space

RANDOM_MOVES = 0.25  # share of moves to any neighbour: Abdelfattah et al.'s published example has it so


def propose_move(
    space: Space,
    vector: Integer[Array, " v"],
    scores: Callable[[Integer[Array, "n v"]], Float[Array, " n"]],
    *,
    rng: np.random.Generator,
    random_moves: float = RANDOM_MOVES,
) -> Integer[Array, " v"]:
    """A neighbour of an architecture: with the best score, of equal ones by chance, or with `random_moves` any.

    scores: of architectures by a proxy, higher is better; NaN is never the best where another has a score.
    """
    around = rng.permutation(space.neighbours(vector))
    if rng.random() < random_moves:
        return np.asarray(around[0])
    found = np.nan_to_num(scores(around), nan=-np.inf, posinf=np.inf, neginf=-np.inf)
    return np.asarray(around[int(found.argmax())])
