"""What every proxy keeps."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

    from hwnas.graphs import Graph
    from hwnas.proxies import Proxy
    from hwnas.proxies.batches import Batch


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

    def _other_module(self) -> nn.Module:
        """Wider, and with a shortcut."""
        import torch
        from torch import Tensor, nn

        class Residual(nn.Sequential):
            def forward(self, x: Tensor) -> Tensor:
                return x + super().forward(x)  # type: ignore[no-any-return,no-untyped-call]

        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(0)
            return nn.Sequential(
                nn.Conv2d(3, 12, 3, padding=1, bias=False),
                nn.BatchNorm2d(12),
                nn.ReLU(),
                Residual(nn.Conv2d(12, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 12, 3, padding=1)),
                nn.ReLU(),
                nn.AdaptiveAvgPool2d(1),
                nn.Flatten(),
                nn.Linear(12, 10),
            )

    def _other_graph(self) -> Graph:
        """Of `_other_module`, without its ReLUs."""
        from hwnas.graphs import GraphBuilder

        builder = GraphBuilder()
        start = builder.conv("0", builder.image(8), 12, kernel=3)
        wide = builder.conv("3.0", start, 16, kernel=3)
        joined = builder.sum("3", [start, builder.conv("3.2", wide, 12, kernel=3)])
        builder.classifier("7", joined, 10, pooling="5")
        return builder.graph()

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

    def test_networks_differ(self) -> None:
        """Another network has another score: what gives all the same, such as 0, orders nothing."""
        from hwnas.proxies import score_module

        other = score_module(self._other_module(), self._batch(), [self.proxy], graph=self._other_graph(), seed=0)
        assert other[self.proxy.name] != self._score()

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
