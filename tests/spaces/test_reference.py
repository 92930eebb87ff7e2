"""Networks to rank others among: from the smallest to the largest of a space."""

from __future__ import annotations

import numpy as np
import pytest

from hwnas.errors import UsageError
from hwnas.spaces import SPACES, Space, get_space
from hwnas.spaces.reference import reference_networks


def _flops(space: Space, vectors: np.ndarray) -> np.ndarray:
    return space.counts(vectors, dataset=space.datasets[0])["flops"]


@pytest.mark.parametrize("name", [name for name in SPACES if not get_space(name).enumerable])
def test_they_reach_further_than_networks_drawn_by_chance(name: str) -> None:
    space = get_space(name)
    vectors = reference_networks(space, dataset=space.datasets[0], n=100)
    space.check(vectors)
    assert len(np.unique(space.canonical_id(space.network_id(vectors)))) == len(vectors) <= 100
    np.testing.assert_array_equal(space.canonical(vectors), vectors)
    found, drawn = _flops(space, vectors), _flops(space, space.canonical(space.sample(100, seed=1)))
    assert found.min() <= drawn.min() and found.max() >= drawn.max()


def test_the_ends_are_the_ends_of_the_space() -> None:
    space = get_space("nas-bench-macro")
    every, found = (
        _flops(space, vectors)
        for vectors in (space.all_vectors(), reference_networks(space, dataset="cifar10", n=20, seed=3))
    )
    assert (found.min(), found.max()) == (every.min(), every.max())


def test_in_a_large_space_none_is_lost_and_the_seed_decides() -> None:
    space = get_space("fbnet")
    first, again, other = (reference_networks(space, dataset="cifar100", n=64, seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert len(first) >= 60 and not np.array_equal(first[: len(other)], other[: len(first)])


def test_a_few_reach_from_end_to_end_and_fewer_do_not() -> None:
    space = get_space("nas-bench-macro")
    few, every = _flops(space, reference_networks(space, dataset="cifar10", n=4)), _flops(space, space.all_vectors())
    assert (few.min(), few.max()) == (every.min(), every.max())
    with pytest.raises(UsageError, match="at least 4 reference networks, got 3"):
        reference_networks(space, dataset="cifar10", n=3)
