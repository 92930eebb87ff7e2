"""What every search keeps."""

from __future__ import annotations

import numpy as np

from hwnas.arrays import Array, Float, Integer
from hwnas.errors import UsageError
from hwnas.search import Search, SearchSettings
from hwnas.spaces import NASBench201, Space
from hwnas.testing.refusals import refused

_AT_ONCE = 10


class SearchContract:
    """What every `Search` keeps, tried on the counts of a space. A subclass sets `search`, the class, and may set
    `space`."""

    search: type[Search]
    space: Space = NASBench201()

    def _make(self, *, seed: int = 0, start: Integer[Array, "w v"] | None = None, raw: bool = False) -> Search:
        return self.search(
            self.space, SearchSettings(seed=seed, population=20, start=start, raw=raw, bounds=(1.0, None))
        )

    def _costs(self, vectors: Integer[Array, "n v"]) -> tuple[Float[Array, "n 2"], Float[Array, " n"]]:
        """Parameters, and choices of small number, against each other; some rows have no costs, some break a bound."""
        params = self.space.counts(vectors, dataset=self.space.datasets[0])["params"] / 1e6
        costs = np.stack([params, vectors.sum(axis=1) - params], axis=1)
        unknown = vectors[:, 0] + vectors[:, -1] == 0
        return np.where(unknown[:, None], np.nan, costs), np.where(unknown, np.inf, np.maximum(params - 1, 0))

    def _run(self, search: Search, *, rounds: int = 12, n: int = _AT_ONCE) -> Integer[Array, "k v"]:
        """Ask and tell; everything that was asked for."""
        asked = []
        for _ in range(rounds):
            vectors = search.ask(n)
            search.tell(vectors, *self._costs(vectors))
            asked.append(vectors)
        return np.concatenate(asked)

    def test_asks_for_valid_architectures_once(self) -> None:
        """As many as were wanted, all of the space, none twice, each in its canonical form."""
        asked = self._run(self._make())
        self.space.check(asked)
        assert len(asked) == min(12 * _AT_ONCE, self.space.size)
        assert len(np.unique(asked, axis=0)) == len(asked)
        assert np.array_equal(self.space.canonical(asked), asked)

    def test_raw_tells_architectures_apart(self) -> None:
        """With `raw` every architecture is one of its own."""
        asked = self._run(self._make(raw=True))
        assert len(np.unique(asked, axis=0)) == len(asked)
        if not np.array_equal(self.space.canonical(self.space.sample(50, seed=0)), self.space.sample(50, seed=0)):
            assert not np.array_equal(self.space.canonical(asked), asked)

    def test_same_seed_same_search(self) -> None:
        """What is asked is a function of the seed and of what was told: that is how a search is resumed."""
        asked = self._run(self._make())
        assert np.array_equal(asked, self._run(self._make()))
        assert not np.array_equal(asked, self._run(self._make(seed=1)))

    def test_leaves_the_global_random_state(self) -> None:
        """Draws come from the seed alone."""
        before = np.random.get_state()[1].copy()  # type: ignore[index]
        self._run(self._make(), rounds=4)
        assert np.array_equal(before, np.random.get_state()[1])  # type: ignore[index]

    def test_start_comes_first(self) -> None:
        """A warm start is asked for before anything else, in its order, equal networks once."""
        start = self.space.sample(15, seed=7)
        forms = self.space.canonical(start)
        expected = forms[np.sort(np.unique(forms, axis=0, return_index=True)[1])]
        asked = self._run(self._make(start=start), rounds=2)
        assert np.array_equal(asked[: len(expected)], expected)

    def test_what_was_told_is_not_asked_for(self) -> None:
        """Architectures that are known from elsewhere teach, and cost no evaluation."""
        search, known = self._make(), self.space.canonical(self.space.sample(40, seed=3))
        search.tell(known, *self._costs(known))
        asked = self._run(search, rounds=4)
        assert len(np.unique(np.concatenate([asked, known]), axis=0)) == len(asked) + len(np.unique(known, axis=0))
        assert len(search.vectors) == len(asked) + len(known)

    def test_survives_when_nothing_is_feasible(self) -> None:
        """Neither unknown costs alone nor broken bounds alone stop it."""
        for value, violation in ((np.nan, np.inf), (1.0, 3.0)):
            search = self._make()
            for _ in range(4):
                vectors = search.ask(_AT_ONCE)
                search.tell(vectors, np.full((len(vectors), 2), value), np.full(len(vectors), violation))
            assert len(search.ask(_AT_ONCE)) == _AT_ONCE

    def test_bad_input_is_refused(self) -> None:
        """Vectors of another space, rows that do not fit together, costs not known without a violation."""
        search, vectors = self._make(), self.space.sample(3, seed=0)
        costs, fine = np.ones((3, 2)), np.zeros(3)
        assert refused(lambda: search.ask(0), UsageError)
        assert refused(lambda: search.tell(vectors[:, :-1], costs, fine), UsageError)
        assert refused(lambda: search.tell(vectors, costs[:2], fine), UsageError)
        assert refused(lambda: search.tell(vectors, costs, fine - 1), UsageError)
        assert refused(lambda: search.tell(vectors, costs * np.nan, fine), UsageError)
        search.tell(vectors, costs, fine)
        assert refused(lambda: search.tell(vectors, costs[:, :1], fine), UsageError)
