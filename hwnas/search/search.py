"""The contract of a search: it is asked for architectures and told what they cost."""

from __future__ import annotations

import abc
from dataclasses import dataclass
from typing import Final, final

import numpy as np

from hwnas.arrays import Array, Bool, Float, Integer
from hwnas.errors import UsageError
from hwnas.pareto.feasibility import check_bounds
from hwnas.search.checks import architectures, numbers, require_flag, whole_number
from hwnas.spaces import Space

_ATTEMPTS: Final = 20  # proposals that repeat what is known, one after the other, before chance takes their place


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class SearchSettings:
    """What every search takes beside its space.

    seed: of every draw. population: architectures that a search keeps to make others of.
    generation: how many are looked at together.
    start: architectures to ask for first, best first (a warm start); None for none.
    raw: whether architectures that are the same network are searched one by one; else each by its canonical form.
    bounds: of each cost, None for no bound; what a search with a model expects to be feasible. None: not told.
    quality: whether the last cost is an accuracy or score, negative: only what beats the median of the first
        `population` counts there. Without, every cost counts up to the worst that was seen.
    model: whether a search that can guess costs from those it was told does so.

    Raises `UsageError` for values that cannot be.
    """

    seed: int = 0
    population: int = 50
    generation: int = 20
    start: Integer[Array, "w v"] | None = None
    raw: bool = False
    bounds: tuple[float | None, ...] | None = None
    quality: bool = True
    model: bool = True

    def __post_init__(self) -> None:
        for name in ("seed", "population", "generation"):
            object.__setattr__(self, name, whole_number(f"the {name} of a search", getattr(self, name)))
        for name in ("raw", "quality", "model"):
            require_flag(f"{name} of a search", getattr(self, name))
        if self.bounds is not None:
            check_bounds(self.bounds)
        if self.seed < 0:
            raise UsageError(f"expected a seed of at least 0, got {self.seed}")
        if self.population < 4:
            raise UsageError(f"expected a population of at least 4 architectures, got {self.population}")
        if self.generation < 1:
            raise UsageError(f"expected a generation of at least 1 architecture, got {self.generation}")


class Search(abc.ABC):
    """Proposes architectures of a space, each at most once, and learns from what they cost.

    A search is a function of its settings and of what it was asked and told: the same again gives the same again. That
    is how a search is resumed. An implementation sets `name` and writes `propose` and `learn`.

    name: how commands call it.
    vectors, costs, violations: all that it was told, in that order.
    """

    name: str

    def __init__(self, space: Space, settings: SearchSettings | None = None) -> None:
        self.space, self.settings = space, settings or SearchSettings()
        self.rng = np.random.default_rng(self.settings.seed)
        self.vectors = np.zeros((0, len(space.choices)), dtype=np.int8)
        self.costs: Float[Array, "n m"] | None = None
        self.violations = np.zeros(0)
        self._asked: set[int] = set()
        start = self.vectors if self.settings.start is None else architectures(self.settings.start)
        space.check(start)
        self._start = self.canonical(start)

    @property
    def known_costs(self) -> Float[Array, "n m"]:
        """All costs that it was told. Raises `UsageError` before the first."""
        if self.costs is None:
            raise UsageError(f"expected search {self.name!r} to be told something first, got nothing; ask, then tell")
        return self.costs

    def ask(self, n: int) -> Integer[Array, "k v"]:
        """n architectures that were never asked for; fewer, at last none, only where the space has no more.

        First the warm start, then proposals; where those run dry, architectures by chance, and in a space that can be
        enumerated whatever is left. Raises `UsageError` for n below 1, or no whole number.
        """
        n = whole_number("how many architectures are asked for", n)
        if n < 1:
            raise UsageError(f"expected to be asked for at least 1 architecture, got {n}")
        fresh = self._take(self._start, n)
        for _ in range(_ATTEMPTS):
            if len(fresh) < n:
                fresh = np.concatenate(
                    [fresh, self._take(self.canonical(self.propose(n - len(fresh))), n - len(fresh))]
                )
        if len(fresh) < n:
            fresh = np.concatenate([fresh, self._take(self._others(n - len(fresh)), n - len(fresh))])
        return np.asarray(fresh)

    def tell(self, vectors: Integer[Array, "k v"], costs: Float[Array, "j m"], violations: Float[Array, " i"]) -> None:
        """Learn what architectures cost, whether they were asked for or are known from elsewhere.

        costs: to be minimised; NaN where not known. violations: 0 where all bounds hold, else by how much they do not;
        infinite where a cost is not known. Lists are read as arrays. Raises `UsageError` for what is no number, and for
        rows that do not fit together.
        """
        vectors, costs = architectures(vectors), numbers("costs", costs, axes=2)
        violations = numbers("violations", violations, axes=1)
        self.space.check(vectors)
        axes = costs.shape[1] if self.costs is None else self.costs.shape[1]
        if not len(vectors) == len(costs) == len(violations) or costs.shape[1] != axes:
            raise UsageError(
                f"expected {axes} costs and a violation for each of {len(vectors)} architectures, got costs of shape "
                f"{costs.shape} and {len(violations)} violations"
            )
        if (
            np.isnan(violations).any()
            or (violations < 0).any()
            or (np.isnan(costs).any(axis=1) & (violations == 0)).any()
        ):
            raise UsageError("expected violations of at least 0, and above 0 where a cost is not known; got others")
        self._asked.update(self.space.key(vectors).tolist())
        self.vectors = np.concatenate([self.vectors, vectors.astype(np.int8)])
        self.costs = costs if self.costs is None else np.concatenate([self.costs, costs])
        self.violations = np.concatenate([self.violations, violations])
        if len(vectors):
            self.learn(len(vectors))

    def canonical(self, vectors: Integer[Array, "n v"]) -> Integer[Array, "n v"]:
        """The form in which architectures are searched: that of the space, or as they are where `raw` was set."""
        return vectors if self.settings.raw else self.space.canonical(vectors)

    def unknown(self, vectors: Integer[Array, "n v"]) -> Bool[Array, " n"]:
        """Which rows were never asked for; of equal rows the first."""
        keys = self.space.key(vectors)
        first = np.zeros(len(keys), dtype=np.bool_)
        first[np.unique(keys, return_index=True)[1]] = True
        return np.asarray(first & np.array([key not in self._asked for key in keys.tolist()], dtype=np.bool_))

    @abc.abstractmethod
    def propose(self, n: int) -> Integer[Array, "k v"]:
        """About n architectures, best first; those that were asked for before are left out by `ask`."""

    def learn(self, new: int) -> None:  # noqa: B027 - a search by chance has nothing to learn
        """Take in what was told last: the last `new` rows of `vectors`, `costs` and `violations`."""

    def _take(self, vectors: Integer[Array, "k v"], n: int) -> Integer[Array, "j v"]:
        """The first n rows that were never asked for, which then were."""
        taken = np.asarray(vectors[self.unknown(vectors)][:n].astype(np.int8))
        self._asked.update(self.space.key(taken).tolist())
        return taken

    def _others(self, n: int) -> Integer[Array, "k v"]:
        """Architectures that nobody proposed: all that are left, in random order, or some by chance."""
        if self.space.enumerable:
            return self.canonical(self.rng.permutation(self.space.all_vectors()))
        return self.canonical(self.space.sample(_ATTEMPTS * n, seed=int(self.rng.integers(2**32))))
