"""The contract of a search space: architectures are rows of small integers, and everything is vectorised."""

from __future__ import annotations

import abc
import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hwnas.arrays import Array, Float, Integer
from hwnas.errors import UnknownNameError, UsageError
from hwnas.spaces.own_methods import is_own, supported

if TYPE_CHECKING:
    from torch import nn

    from hwnas.graphs import Graph


@dataclass(frozen=True, kw_only=True, eq=False)
class CellGraphs:
    """n architectures as graphs of k nodes that share their edges.

    nodes: (n, k, c) float32 features, the last node connected to all others. adjacency: (k, k), 1 from row to column.
    """

    nodes: Float[Array, "n k c"]
    adjacency: Float[Array, "k k"]


class Space(abc.ABC):
    """A family of architectures. One architecture is a vector of `v` small integers, n of them an (n, v) array.

    Attributes that an implementation sets:
    name: how commands call the space; aliases: other names that it answers to.
    title, source: for people: what it is and where it was published.
    datasets: names of the data sets that it has variants for; the first is the default.
    choices: number of choices at each of the v positions.
    has_graphs: whether `graph` works without torch; where it does not, it raises `UsageError`.
    lacks: evidence of proxies (`Need` in hwnas/proxies/proxy.py) that its networks cannot give, as those without ReLU
    have no linear regions: proxies that read it are left out unless they are named.
    cell_operations: names of what a choice puts on an edge of a cell of four nodes; empty in spaces without such cells.
    """

    name: str
    aliases: tuple[str, ...]
    title: str
    source: str
    datasets: tuple[str, ...]
    choices: tuple[int, ...]
    has_graphs: bool = True
    lacks: tuple[str, ...] = ()
    cell_operations: tuple[str, ...] = ()

    def __init_subclass__(cls) -> None:
        """Of a space that is not of hwnas, `parse` reads indices too, and errors of `graph` and `module` are told."""
        super().__init_subclass__()
        if is_own(cls):
            supported(cls)

    @property
    def size(self) -> int:
        """Number of architectures, as an exact integer of any size."""
        size = 1
        for choice in self.choices:
            size *= choice
        return size

    @property
    def enumerable(self) -> bool:
        """Whether `all_vectors` may be called: the space has at most a million architectures."""
        return self.size <= 1_000_000

    def check(self, vectors: Integer[Array, "n v"]) -> None:
        """Raise `UsageError` unless every row is an architecture of this space."""
        expected = len(self.choices)
        if vectors.ndim != 2 or vectors.shape[1] != expected:
            raise UsageError(f"space {self.name!r} expects vectors of shape (n, {expected}), got {vectors.shape}")
        if vectors.dtype.kind not in "iu":
            raise UsageError(f"space {self.name!r} expects whole numbers, got vectors of {vectors.dtype}; round them")
        wrong = (vectors < 0) | (vectors >= np.asarray(self.choices))
        if wrong.any():
            row, position = np.argwhere(wrong)[0]
            raise UsageError(
                f"space {self.name!r} has {self.choices[position]} choices at position {position}, "
                f"got {vectors[row, position]} in row {row}; choices count from 0"
            )

    def index(self, vectors: Integer[Array, "n v"]) -> Integer[Array, " n"]:
        """Number of each architecture: the vector read as digits, the first position the most significant."""
        self.check(vectors)
        self._require_enumerable("index")
        return np.asarray(np.ravel_multi_index(tuple(vectors.T), self.choices), dtype=np.int64)

    def vector(self, indices: Integer[Array, " n"]) -> Integer[Array, "n v"]:
        """Inverse of `index`. Raises `UsageError` for numbers outside 0 .. size-1."""
        self._require_enumerable("vector")
        wrong = (indices < 0) | (indices >= self.size)
        if wrong.any():
            raise UsageError(f"space {self.name!r} has indices 0 to {self.size - 1}, got {indices[wrong][0]}")
        return np.stack(np.unravel_index(indices, self.choices), axis=1).astype(np.int8)

    def key(self, vectors: Integer[Array, "n v"]) -> Integer[Array, " n"]:
        """A number per architecture that is its own in spaces of any size: `index` up to 2^63, else a 63-bit hash.

        By the birthday bound two of a million hashed architectures share a key with probability 5e-8.
        """
        self.check(vectors)
        if self.size < 2**63:
            weights = np.array([math.prod(self.choices[i + 1 :]) for i in range(len(self.choices))], dtype=np.int64)
            return np.asarray(vectors.astype(np.int64) @ weights)
        rows = np.ascontiguousarray(vectors, dtype=np.int16)
        digests = [hashlib.blake2b(row.tobytes(), digest_size=8).digest() for row in rows]
        return np.array([int.from_bytes(digest, "little") >> 1 for digest in digests], dtype=np.int64)

    def all_vectors(self) -> Integer[Array, "n v"]:
        """Every architecture, row i being the one with index i. Raises `UsageError` where there are too many."""
        self._require_enumerable("all_vectors")
        return self.vector(np.arange(self.size))

    def sample(self, n: int, *, seed: int) -> Integer[Array, "n v"]:
        """n architectures drawn uniformly, without repeats where the space can be enumerated; same seed, same rows."""
        rng = np.random.default_rng(seed)
        if not self.enumerable:
            return rng.integers(0, self.choices, size=(n, len(self.choices))).astype(np.int8)
        if n > self.size:
            raise UsageError(f"space {self.name!r} has {self.size} architectures, {n} were asked for")
        return self.vector(rng.choice(self.size, size=n, replace=False))

    def neighbours(self, vector: Integer[Array, " v"]) -> Integer[Array, "n v"]:
        """All architectures that differ from `vector` in exactly one position, in order of position and choice."""
        self.check(vector[None])
        rows = []
        for position, choice in enumerate(self.choices):
            others = [c for c in range(choice) if c != vector[position]]
            block = np.repeat(vector[None], len(others), axis=0)
            block[:, position] = others
            rows.append(block)
        return np.concatenate(rows)

    def dataset(self, name: str | None) -> str:
        """The data set called `name` (any case), or the default for None. Raises `UnknownNameError`."""
        if name is None:
            return self.datasets[0]
        known = {dataset.lower(): dataset for dataset in self.datasets}
        if name.lower() not in known:
            raise UnknownNameError("data set", name, self.datasets)
        return known[name.lower()]

    def image_shape(self, dataset: str) -> tuple[int, int, int]:
        """Channels, height and width of the images that the networks take for a data set."""
        channels, height, width = self._some_graph(dataset).operators[0].shape[1:]
        return channels, height, width

    def classes(self, dataset: str) -> int:
        """Number of classes of a data set, the length of the logits of one image."""
        return self._some_graph(dataset).operators[-1].shape[-1]

    def accuracies(self, dataset: str) -> Mapping[str, float] | None:
        """True accuracies in percent, by architecture in any form that `parse` takes, of a benchmark of one's own.

        Of all architectures or of some; None where none is known. Fronts are compared with the true one then, and
        proxies judged by it.
        """
        del dataset
        return None

    def _some_graph(self, dataset: str) -> Graph:
        return self.graph(self.sample(1, seed=0)[0], dataset=self.dataset(dataset))

    def _require_enumerable(self, what: str) -> None:
        if not self.enumerable:
            raise UsageError(f"space {self.name!r} has {self.size:.2e} architectures: {what} needs one of at most 1e6")

    @abc.abstractmethod
    def strings(self, vectors: Integer[Array, "n v"]) -> list[str]:
        """The published string form of each architecture."""

    @abc.abstractmethod
    def parse(self, strings: Sequence[str]) -> Integer[Array, "n v"]:
        """Vectors of architectures given in any string form that the space knows. Raises `UsageError`.

        Commands take indices and tuples of codes as well: what this refuses of them is read by `vector`.
        """

    def from_table_rows(self, rows: Integer[Array, "n w"]) -> Integer[Array, "n v"]:
        """Vectors from the rows of a measured table's column `architectures`, which are vectors unless overridden."""
        self.check(rows)
        return rows

    @abc.abstractmethod
    def network_id(self, vectors: Integer[Array, "n v"]) -> Integer[Array, " n"]:
        """An integer per row, equal where the networks are the same once what cannot reach the output is removed."""

    def canonical(self, vectors: Integer[Array, "n v"]) -> Integer[Array, "n v"]:
        """The form of each network in which a search looks at it, so that it does not look at the same network twice.

        Rows with equal results are the same network. Here each is as it is; a space that knows better overrides this.
        """
        return vectors

    def canonical_id(self, network_ids: Integer[Array, " n"]) -> Integer[Array, " n"]:
        """One network id for all networks that are isomorphic; scores are computed once for each.

        Here each is its own; a space that knows better overrides this. Costs are not shared: devices see the order.
        """
        return network_ids

    @abc.abstractmethod
    def counts(self, vectors: Integer[Array, "n v"], *, dataset: str) -> dict[str, Integer[Array, " n"]]:
        """`params`, `macs` and `flops` (2 x macs) of each architecture as written, dead operations included."""

    @abc.abstractmethod
    def features(self, vectors: Integer[Array, "n v"]) -> Float[Array, "n f"]:
        """Flat float32 features of each architecture, the input of an MLP predictor."""

    def composition(self, vectors: Integer[Array, "n v"]) -> Float[Array, "n c"]:
        """A few numbers that say what a network is made of, for models that learn from a few dozen networks; float32.

        Here how often each choice is taken, among the positions that have the same number of choices; a space that
        knows better overrides this. Rows of the same network have to be equal only in their canonical form.
        """
        self.check(vectors)
        counts = np.asarray(self.choices)
        taken = [
            (vectors[:, counts == number] == choice).sum(axis=1)
            for number in sorted(set(self.choices))
            for choice in range(number)
        ]
        return np.stack(taken, axis=1).astype(np.float32)

    @abc.abstractmethod
    def cell_graphs(self, vectors: Integer[Array, "n v"]) -> CellGraphs:
        """Each architecture as a small graph of operations, the input of a GCN predictor."""

    @abc.abstractmethod
    def graph(self, vector: Integer[Array, " v"], *, dataset: str) -> Graph:
        """The operators of one architecture with their shapes, for a batch of one image."""

    @abc.abstractmethod
    def module(self, vector: Integer[Array, " v"], *, dataset: str, pruned: bool = False) -> nn.Module:
        """The torch module; with `pruned`, without what cannot reach the output. Needs the extra `torch`."""
