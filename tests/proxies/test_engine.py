"""What the engine leaves behind (nothing), and what it says of modules that it cannot score."""

from __future__ import annotations

import pytest

from hwnas.errors import ProxyError, UnknownNameError, UsageError
from hwnas.proxies import PROXIES, get_proxy, score_module

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from hwnas.proxies.batches import Batch  # noqa: E402

LEARNED = [proxy for proxy in PROXIES.values() if not proxy.needs <= {"graph"}]
RUNNING = [proxy for proxy in LEARNED if proxy.needs != {"weights"}]  # those that run the module


def batch_of(*, labels: int = 3) -> Batch:
    draw = torch.Generator().manual_seed(0)
    images = torch.randn(6, 3, 6, 6, generator=draw)
    return Batch(images=images, labels=torch.arange(6) % labels, source="random")


def net_with_memory() -> nn.Sequential:
    """Frozen batch norm, running statistics in an instance norm, dropout, gradients of an earlier step."""
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.InstanceNorm2d(4, track_running_stats=True),
        nn.Dropout(0.5),
        nn.Conv2d(4, 4, 3, padding=1),
        nn.BatchNorm2d(4, affine=False, track_running_stats=False),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(4, 3),
    )
    module(batch_of().images).sum().backward()
    module[1].eval().requires_grad_(False)
    return module


def snapshot(module: nn.Module) -> list[object]:
    state = [(name, value.tolist()) for name, value in module.state_dict().items()]
    layers = [(layer.training, sorted(layer.__dict__), list(layer._buffers)) for layer in module.modules()]
    pairs = [(p.dtype, p.requires_grad, None if p.grad is None else p.grad.tolist()) for p in module.parameters()]
    return [state, layers, pairs, torch.get_rng_state().tolist()]


def test_a_module_with_memory_is_left_as_it_was() -> None:
    module = net_with_memory()
    buffers, before = list(module.buffers()), snapshot(module)
    score_module(module, batch_of(), LEARNED)
    assert snapshot(module) == before
    assert all(now is then for now, then in zip(module.buffers(), buffers, strict=True))


def test_so_it_is_when_the_pass_fails() -> None:
    class Failing(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            raise ValueError("no")

    for proxy in RUNNING:
        module = nn.Sequential(net_with_memory(), Failing())
        before = snapshot(module)
        with pytest.raises(ValueError, match="no"):
            score_module(module, batch_of(), [proxy])
        assert snapshot(module) == before, proxy.name


def test_dropout_draws_from_the_seed() -> None:
    module, snip = net_with_memory(), [PROXIES["snip"]]
    scores = [score_module(module, batch_of(), snip, seed=seed)["snip"] for seed in (0, 0, 1)]
    assert scores[0] == scores[1] != scores[2]


def test_inside_no_grad() -> None:
    module, batch = net_with_memory(), batch_of()
    with torch.no_grad():
        inside = score_module(module, batch, LEARNED)
    assert inside == score_module(module, batch, LEARNED)


# What is wrong with `Pair`: it returns a tuple, and has no list of layers that could be blocks.
EXPLAINED = r"expected Pair to return one tensor.*got a tuple|zen expected Pair.*a tuple|expected Pair to have blocks"


class Pair(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(108, 3)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self.layer(torch.relu(x.flatten(1))), x


@pytest.mark.parametrize("proxy", RUNNING, ids=lambda proxy: proxy.name)
def test_a_tuple_is_named(proxy) -> None:
    with pytest.raises(ProxyError, match=EXPLAINED):
        score_module(Pair(), batch_of(), [proxy])


@pytest.mark.parametrize("name", ["zen", "synflow", "grad_norm", "snip"])
def test_no_weighted_layer(name: str) -> None:
    with pytest.raises(ProxyError, match=f"{name} expected a module with weighted layers .*got Sequential"):
        score_module(nn.Sequential(nn.ReLU(), nn.Flatten()), batch_of(), [PROXIES[name]])


def test_what_else_cannot_be_scored() -> None:
    linear = nn.Sequential(nn.Flatten(), nn.Linear(108, 3))
    with pytest.raises(ProxyError, match=r"naswot expected activations such as nn\.ReLU to run"):
        score_module(linear, batch_of(), [PROXIES["naswot"]])
    with pytest.raises(ProxyError, match="labels from 0 to 2 for 3 logits, got 0 to 4"):
        score_module(linear, batch_of(labels=5), [PROXIES["snip"]])
    with pytest.raises(ProxyError, match=r"shape \(batch, classes\), got a tensor of shape \(6, 3, 6, 6\)"):
        score_module(nn.Conv2d(3, 3, 1), batch_of(), [PROXIES["snip"]])
    with pytest.raises(ProxyError, match="params, flops expected the operator graph"):
        score_module(linear, batch_of(), [PROXIES["params"], PROXIES["flops"]])


def test_names() -> None:
    assert get_proxy("Grad-Norm") is PROXIES["grad_norm"]
    with pytest.raises(UnknownNameError, match="'sinflow' is not known; did you mean 'synflow'"):
        get_proxy("sinflow")


def test_bad_batches() -> None:
    images, labels = torch.zeros(2, 3, 4, 4), torch.zeros(2, dtype=torch.int64)
    for wrong, says in (
        ({"images": images[0]}, "of shape"),
        ({"images": images[:, 0, 0, 0]}, "inputs of shape"),
        ({"labels": labels[:1]}, "2 integer labels"),
        ({"labels": labels.float()}, "float32"),
        ({"images": images / 0}, "NaN or infinity"),
    ):
        with pytest.raises(UsageError, match=says):
            Batch(**{"images": images, "labels": labels, "source": "zeros"} | wrong)
