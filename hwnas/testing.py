"""Contracts as test classes: a space, proxy or cost model of your own passes the same tests as those in hwnas.

    from hwnas.testing import ProxyContract

    class TestMyProxy(ProxyContract):
        proxy = MY_PROXY

pytest runs every `test_*` method; the methods are plain asserts and need no other library.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from hwnas.arrays import Array, Integer
from hwnas.errors import UnknownNameError, UsageError
from hwnas.estimates import UNITS, CostModel

if TYPE_CHECKING:
    from torch import nn

    from hwnas.graphs import Graph
    from hwnas.proxies import Proxy
    from hwnas.proxies.batches import Batch
    from hwnas.spaces import Space


def _refused(call: object, error: type[Exception]) -> bool:
    assert callable(call)
    try:
        call()
    except error:
        return True
    return False


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

    def test_datasets(self) -> None:
        """Data sets answer in any case, with images and classes; the first is the default; others are refused."""
        assert self.space.dataset(None) == self.space.datasets[0]
        for name in self.space.datasets:
            assert self.space.dataset(name.upper()) == name and len(self.space.image_shape(name)) == 3
        assert _refused(lambda: self.space.dataset("no-such-data-set"), UnknownNameError)

    def test_strings(self) -> None:
        """Strings are distinct and parse back."""
        vectors = self._vectors()
        strings = self.space.strings(vectors)
        assert len(set(strings)) == len(np.unique(vectors, axis=0))
        assert np.array_equal(self.space.parse(strings), vectors)
        assert _refused(lambda: self.space.parse(["no architecture"]), UsageError)

    def test_index(self) -> None:
        """Indices of an enumerable space lead back; its architectures are all different. Others refuse to number."""
        if not self.space.enumerable:
            assert _refused(self.space.all_vectors, UsageError)
            assert _refused(lambda: self.space.index(self._vectors()), UsageError)
            return
        every = self.space.all_vectors()
        assert every.shape == (self.space.size, len(self.space.choices))
        assert np.array_equal(self.space.index(every), np.arange(self.space.size))
        for wrong in (-1, self.space.size):
            assert _refused(lambda wrong=wrong: self.space.vector(np.array([wrong])), UsageError)

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
                assert _refused(lambda call=call, wrong=wrong: call(wrong), UsageError), call

    def test_network_id(self) -> None:
        """One integer each, whatever the other rows are."""
        vectors = self._vectors()
        ids = self.space.network_id(vectors)
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
        """Names are unique, and every operator reads operators before it."""
        for vector in self._vectors()[: 5 if self.space.has_graphs else 0]:
            seen: set[str] = set()
            for operator in self.space.graph(vector, dataset=self.space.datasets[0]).operators:
                assert operator.name not in seen and set(operator.inputs) <= seen
                assert bool(operator.inputs) == (operator.kind != "input")
                assert all(size > 0 for size in operator.shape)
                seen.add(operator.name)

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


class ProxyContract:
    """What every `Proxy` keeps, tried on a small convolutional network. A subclass sets `proxy`."""

    proxy: Proxy

    def _module(self) -> nn.Module:
        import torch
        from torch import nn

        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(0)
            return nn.Sequential(
                nn.Conv2d(3, 8, 3, padding=1, bias=False),
                nn.BatchNorm2d(8),
                nn.ReLU(),
                nn.Conv2d(8, 8, 3, stride=2, padding=1),
                nn.ReLU(),
                nn.AdaptiveAvgPool2d(1),
                nn.Flatten(),
                nn.Linear(8, 10),
            )

    def _batch(self, *, images: int = 0, labels: int = 0) -> Batch:
        import torch

        from hwnas.proxies.batches import Batch

        def draw(seed: int) -> torch.Generator:
            return torch.Generator().manual_seed(seed)

        return Batch(
            images=torch.randn(8, 3, 8, 8, generator=draw(images)),
            labels=torch.randint(10, (8,), generator=draw(labels)),
            source="random",
        )

    def _graph(self) -> Graph:
        from hwnas.graphs import Graph, Operator

        image = Operator(name="input", kind="input", inputs=(), shape=(1, 3, 8, 8))
        conv = {"in_channels": 3, "kernel": 3, "stride": 1, "padding": 1, "groups": 1}
        return Graph(
            operators=(image, Operator(name="0", kind="conv", inputs=("input",), shape=(1, 8, 8, 8), attributes=conv))
        )

    def _score(self, module: nn.Module | None = None, batch: Batch | None = None, *, seed: int = 0) -> float:
        from hwnas.proxies import score_module

        module, batch = module or self._module(), batch or self._batch()
        return score_module(module, batch, [self.proxy], graph=self._graph(), seed=seed)[self.proxy.name]

    def test_facts(self) -> None:
        """Its name can be typed, and title, source and known failures are there."""
        proxy = self.proxy
        assert proxy.name.isidentifier() and proxy.name == proxy.name.lower()
        assert proxy.title and proxy.source and proxy.fails and proxy.needs
        assert proxy.uses_data or not proxy.uses_labels

    def test_score_is_a_finite_number(self) -> None:
        """On an ordinary network."""
        score = self._score()
        assert isinstance(score, float) and math.isfinite(score)

    def test_same_seed_same_score(self) -> None:
        """The score is a function of module, batch and seed."""
        assert self._score(seed=3) == self._score(seed=3)

    def test_what_it_uses(self) -> None:
        """Images and labels change the score if, and only if, the facts say that it uses them."""
        score = self._score()
        assert (self._score(batch=self._batch(images=1)) != score) == self.proxy.uses_data
        assert (self._score(batch=self._batch(labels=1)) != score) == self.proxy.uses_labels

    def test_mode_and_frozen_weights_do_not_matter(self) -> None:
        """A module in evaluation mode whose weights need no gradients scores the same."""
        assert self._score(self._module().eval().requires_grad_(False)) == self._score()

    def test_leaves_everything_as_it_was(self) -> None:
        """Parameters, buffers, gradients, flags, hooks, the batch, and the global random state."""
        import torch

        module, batch, images = self._module().eval(), self._batch(), self._batch().images
        module[0].requires_grad_(False)  # type: ignore[index]
        state = {name: value.clone() for name, value in module.state_dict().items()}
        flags = [(layer.training, set(layer.__dict__)) for layer in module.modules()]
        wants = [parameter.requires_grad for parameter in module.parameters()]
        random_state = torch.get_rng_state()
        self._score(module, batch)
        assert all(torch.equal(value, state[name]) for name, value in module.state_dict().items())
        assert flags == [(layer.training, set(layer.__dict__)) for layer in module.modules()]
        assert wants == [parameter.requires_grad for parameter in module.parameters()]
        assert all(parameter.grad is None for parameter in module.parameters())
        assert not any(layer._forward_hooks or layer._forward_pre_hooks for layer in module.modules())
        assert torch.equal(batch.images, images) and torch.equal(torch.get_rng_state(), random_state)


class CostModelContract:
    """What every `CostModel` keeps. A subclass sets `model` and `space`."""

    model: CostModel
    space: Space

    def _vectors(self) -> Integer[Array, "n v"]:
        return self.space.sample(min(50, self.space.size), seed=0)

    def test_facts(self) -> None:
        """Space, device, target and unit fit together."""
        assert self.model.space == self.space.name and self.model.device
        assert self.model.unit == UNITS[self.model.target]

    def test_estimate(self) -> None:
        """One positive value per architecture, NaN (never 0) where there is none, with unit and source."""
        vectors = self._vectors()
        estimate = self.model.predict(vectors)
        assert len(estimate) == len(vectors) and estimate.unit == self.model.unit and estimate.confidence == 0.9
        assert estimate.provenance.summary and estimate.provenance.source
        known = estimate.mean[~np.isnan(estimate.mean)]
        assert len(known) and np.isfinite(known).all() and (known > 0).all()

    def test_interval(self) -> None:
        """Both bounds or none; they enclose the mean, and more confidence never narrows them."""
        narrow, wide = (self.model.predict(self._vectors(), confidence=level) for level in (0.5, 0.9))
        assert (wide.lower is None) == (wide.upper is None) == (narrow.lower is None)
        if wide.lower is None or wide.upper is None or narrow.lower is None or narrow.upper is None:
            return
        known = ~np.isnan(wide.mean)
        order = np.stack([wide.lower, narrow.lower, wide.mean, narrow.upper, wide.upper])[:, known]
        assert (np.diff(order, axis=0) >= 0).all()

    def test_rows_do_not_depend_on_each_other(self) -> None:
        """An architecture costs the same alone and among others, and each time."""
        vectors = self._vectors()
        together = self.model.predict(vectors).mean
        alone = self.model.predict(vectors[2:3]).mean
        np.testing.assert_allclose(alone, together[2:3], rtol=1e-5)
        np.testing.assert_array_equal(self.model.predict(vectors).mean, together)

    def test_nothing_in_nothing_out(self) -> None:
        """No architectures, an empty estimate."""
        assert len(self.model.predict(self._vectors()[:0])) == 0

    def test_bad_input_is_refused(self) -> None:
        """Vectors of another space, and confidences outside (0, 1)."""
        vectors = self._vectors()
        assert _refused(lambda: self.model.predict(vectors[:, :-1]), UsageError)
        for confidence in (0.0, 1.0, -0.5, math.nan):
            assert _refused(lambda c=confidence: self.model.predict(vectors, confidence=c), UsageError), confidence
