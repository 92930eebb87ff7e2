"""A module that is scored is borrowed: its weights, buffers, flags and all random numbers are as before."""

from __future__ import annotations

import random

import numpy as np
import pytest

from hwnas.proxies import PROXIES, get_proxy

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from hwnas.proxies.batches import Batch  # noqa: E402
from hwnas.proxies.borrowing import borrowed  # noqa: E402
from hwnas.proxies.inspection import inspect  # noqa: E402
from hwnas.proxies.networks import NetworkScores, score_network  # noqa: E402


def scored(module: nn.Module, *, names: tuple[str, ...] = ("snip", "naswot", "zen"), seed: int = 0) -> NetworkScores:
    images = torch.randn(8, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    batch = Batch(images=images, labels=torch.arange(8) % 3, source="random")
    inspection = inspect(module, images, seed=seed)
    return score_network(module, batch, [get_proxy(name) for name in names], inspection=inspection, seed=seed)


class Restless(nn.Module):
    """Changes all that a module can change while it runs, and may fail at the end."""

    def __init__(self, *, fails: bool) -> None:
        super().__init__()
        layers = [nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
        self.net, self.fails = nn.Sequential(*layers, nn.Linear(4, 3)).eval(), fails
        self.net[0].requires_grad_(False)
        self.register_buffer("steps", torch.zeros(3))
        self.register_buffer("replaced", torch.zeros(2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.steps += 1
        self.replaced = self.replaced + len(x)
        random.random(), np.random.rand(), torch.rand(1)
        self.net[5].weight.requires_grad_(True)
        if self.fails and len(x) > 1:
            raise ValueError("at the end")
        return self.net(x * (1 + 0.1 * np.random.rand()))


def everything(module: nn.Module) -> list[object]:
    state = [(name, value.tolist()) for name, value in module.state_dict().items()]
    kept = [(p.requires_grad, p.dtype, None if p.grad is None else p.grad.tolist()) for p in module.parameters()]
    layers = [
        (m.training, sorted(m.__dict__), len(m._forward_hooks), len(m._forward_pre_hooks)) for m in module.modules()
    ]
    flags = [torch.is_grad_enabled(), torch.is_inference_mode_enabled(), torch.backends.mha.get_fastpath_enabled()]
    # Not that of Python: the type checker that runs beside the tests draws from it.
    randomness = [torch.get_rng_state().tolist(), np.random.get_state()[1].tolist()]
    return [state, kept, layers, flags, randomness]


def test_random_numbers_follow_from_the_seed_and_go_on_afterwards() -> None:
    drawn = []
    for seed in (5, 5, 6):
        before = random.getstate()
        with pytest.raises(ZeroDivisionError), borrowed(nn.Identity(), seed=seed, device=torch.device("cpu")):
            drawn.append((random.random(), np.random.rand(), torch.rand(1).item()))
            _ = 1 / 0
        assert random.getstate() == before
    assert drawn[0] == drawn[1] and all(a != b for a, b in zip(drawn[0], drawn[2], strict=True))


@pytest.mark.parametrize("fails", [False, True])
def test_nothing_changes(fails: bool) -> None:
    module = Restless(fails=fails)
    module.net[5].weight.grad = torch.ones(3, 4)
    buffers, before = dict(module.named_buffers()), everything(module)
    first = scored(module, names=tuple(PROXIES))
    assert everything(module) == before
    assert all(module.get_buffer(name) is buffer for name, buffer in buffers.items())
    assert bool(first.reasons.get("snip")) == fails
    with torch.no_grad():
        again = scored(module)
    assert {name: again.scores[name] for name in again.scores} == {n: first.scores[n] for n in again.scores}
    with torch.inference_mode():
        assert scored(module).scores == again.scores
    if not fails:
        assert scored(module, seed=1).scores["snip"] != first.scores["snip"]
