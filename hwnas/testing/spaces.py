"""What every space keeps."""

from __future__ import annotations

import importlib.util
import math

import numpy as np

from hwnas.arrays import Array, Integer
from hwnas.errors import MissingExtraError, UnknownNameError, UsageError
from hwnas.graphs.kinds import is_kind
from hwnas.spaces import Space
from hwnas.spaces.registry import check_names
from hwnas.testing.refusals import refused


class SpaceContract:
    """What every `Space` keeps. A subclass sets `space`."""

    space: Space

    def _vectors(self) -> Integer[Array, "n v"]:
        return self.space.sample(min(50, self.space.size), seed=0)

    def test_facts(self) -> None:
        """Names, data sets and choices are there."""
        space = self.space
        assert space.name == space.name.lower() and space.title and space.source
        assert space.datasets and len(set(space.datasets)) == len(space.datasets)
        assert all(choice >= 1 for choice in space.choices)
        assert space.size == math.prod(space.choices)

    def test_names(self) -> None:
        """No other space has its names, and that of the space and its data sets can be those of files."""
        check_names(self.space)

    def test_datasets(self) -> None:
        """Data sets answer in any case, with images and classes; the first is the default; others are refused."""
        assert self.space.dataset(None) == self.space.datasets[0]
        for name in self.space.datasets:
            assert self.space.dataset(name.upper()) == name and len(self.space.image_shape(name)) == 3
        assert refused(lambda: self.space.dataset("no-such-data-set"), UnknownNameError)

    def test_strings(self) -> None:
        """Strings are distinct and parse back."""
        vectors = self._vectors()
        strings = self.space.strings(vectors)
        assert len(set(strings)) == len(np.unique(vectors, axis=0))
        assert np.array_equal(self.space.parse(strings), vectors)
        assert refused(lambda: self.space.parse(["no architecture"]), UsageError)

    def test_index(self) -> None:
        """Indices of an enumerable space lead back; its architectures are all different. Others refuse to number."""
        if not self.space.enumerable:
            assert refused(self.space.all_vectors, UsageError)
            assert refused(lambda: self.space.index(self._vectors()), UsageError)
            return
        every = self.space.all_vectors()
        assert every.shape == (self.space.size, len(self.space.choices))
        assert np.array_equal(self.space.index(every), np.arange(self.space.size))
        for wrong in (-1, self.space.size):
            assert refused(lambda wrong=wrong: self.space.vector(np.array([wrong])), UsageError)

    def test_key(self) -> None:
        """Keys tell architectures apart, whatever the other rows and the integer type are."""
        vectors = self._vectors()
        keys = self.space.key(vectors)
        assert len(np.unique(keys)) == len(np.unique(vectors, axis=0)) and (keys >= 0).all()
        assert np.array_equal(self.space.key(vectors[::-1].astype(np.int64)), keys[::-1])

    def test_sampling(self) -> None:
        """Same seed, same architectures; another seed, others; all of them valid."""
        vectors = self._vectors()
        self.space.check(vectors)
        assert np.array_equal(vectors, self._vectors())
        if self.space.size > 1000:
            assert not np.array_equal(vectors, self.space.sample(len(vectors), seed=1))

    def test_neighbours(self) -> None:
        """Neighbours are all architectures one choice away."""
        vector = self._vectors()[0]
        neighbours = self.space.neighbours(vector)
        self.space.check(neighbours)
        assert len(np.unique(neighbours, axis=0)) == len(neighbours) == sum(self.space.choices) - len(vector)
        assert ((neighbours != vector).sum(axis=1) == 1).all()

    def test_vectors_outside_are_refused(self) -> None:
        """A wrong length, a negative choice and one too many are usage errors in every function."""
        good = self._vectors()[:1]
        low, high = good.copy(), good.astype(np.int64)
        low[0, -1], high[0, 0] = -1, self.space.choices[0]
        for wrong in (low, high, good[:, :-1]):
            for call in (self.space.strings, self.space.network_id, self.space.features, self.space.cell_graphs):
                assert refused(lambda call=call, wrong=wrong: call(wrong), UsageError), call

    def test_network_id(self) -> None:
        """One integer each, whatever the other rows are; not the same one for all."""
        vectors = self._vectors()
        ids = self.space.network_id(vectors)
        assert len(np.unique(ids)) > 1 or len(np.unique(vectors, axis=0)) == 1
        assert ids.shape == (len(vectors),) and np.issubdtype(ids.dtype, np.integer)
        assert np.array_equal(self.space.network_id(vectors[::-1]), ids[::-1])

    def test_counts_are_those_of_the_graph(self) -> None:
        """`params`, `macs` and `flops` of each data set; the graph, operator by operator, adds up to the same."""
        vectors = self._vectors()[:5]
        for dataset in self.space.datasets:
            counts = self.space.counts(vectors, dataset=dataset)
            assert np.array_equal(counts["flops"], 2 * counts["macs"])
            for row, vector in enumerate(vectors[: None if self.space.has_graphs else 0]):
                graph = self.space.graph(vector, dataset=dataset)
                assert (graph.params, graph.macs) == (counts["params"][row], counts["macs"][row])

    def test_graph_can_be_executed(self) -> None:
        """Names are unique, kinds are known, and every operator reads operators before it."""
        for vector in self._vectors()[: 5 if self.space.has_graphs else 0]:
            seen: set[str] = set()
            for operator in self.space.graph(vector, dataset=self.space.datasets[0]).operators:
                assert operator.name not in seen and set(operator.inputs) <= seen
                assert bool(operator.inputs) == (operator.kind != "input")
                assert is_kind(operator.kind), f"expected a kind of hwnas.graphs.kinds.KINDS, got {operator.kind!r}"
                assert all(size > 0 for size in operator.shape)
                seen.add(operator.name)

    def test_module(self) -> None:
        """With torch: modules have the parameters of the counts, and make of an image as many logits as classes."""
        if importlib.util.find_spec("torch") is None:
            return
        vectors, dataset = self._vectors()[:2], self.space.datasets[0]
        params = self.space.counts(vectors, dataset=dataset)["params"]
        for vector, expected in zip(vectors, params.tolist(), strict=True):
            for pruned in (False, True):
                try:
                    got = _params_of_module(self.space, vector, pruned=pruned)
                except MissingExtraError:  # what builds them is not here
                    return
                fits = got <= expected if pruned else got == expected
                assert fits, f"expected a module of {expected} parameters, as counts say, got {got}"

    def test_predictor_inputs(self) -> None:
        """Features and cell graphs: finite float32, row by row, different for different architectures."""
        vectors = self._vectors()
        features, graphs = self.space.features(vectors), self.space.cell_graphs(vectors)
        nodes = graphs.nodes.shape[1]
        assert features.dtype == graphs.nodes.dtype == np.float32
        assert np.isfinite(features).all() and graphs.adjacency.shape == (nodes, nodes)
        assert np.array_equal(self.space.features(vectors[3:4])[0], features[3])
        for inputs in (features, graphs.nodes.reshape(len(vectors), -1)):
            assert len(np.unique(inputs, axis=0)) == len(np.unique(vectors, axis=0))


def _params_of_module(space: Space, vector: Integer[Array, " v"], *, pruned: bool) -> int:
    """Parameters of a network that is built, and run on a black image of the first data set."""
    import torch

    dataset = space.datasets[0]
    shape, classes = space.image_shape(dataset), space.classes(dataset)
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        module = space.module(vector, dataset=dataset, pruned=pruned).eval()
        logits = module(torch.zeros(1, *shape))
    got = tuple(logits.shape)
    assert (got[0], got[-1]) == (1, classes), f"expected {classes} logits of one image of {shape}, got shape {got}"
    return sum(parameter.numel() for parameter in module.parameters())
