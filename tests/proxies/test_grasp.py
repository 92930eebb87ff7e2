"""`grasp` beside the Hessian, written out."""

from __future__ import annotations

import math

import pytest

from hwnas.errors import ProxyError
from hwnas.proxies import PROXIES, score_module

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from hwnas.proxies.batches import Batch  # noqa: E402

GRASP = [PROXIES["grasp"]]


def batch_of(size: int = 6, dtype: torch.dtype = torch.float64) -> Batch:
    draw = torch.Generator().manual_seed(0)
    images = torch.randn(size, 2, 4, 4, generator=draw, dtype=dtype)
    return Batch(images=images, labels=torch.arange(size) % 3, source="random")


def smooth_net() -> nn.Sequential:
    torch.manual_seed(1)
    return nn.Sequential(
        nn.Conv2d(2, 3, 3, bias=False), nn.BatchNorm2d(3), nn.Tanh(), nn.Flatten(), nn.Linear(12, 3)
    ).double()


def test_by_an_explicit_hessian() -> None:
    module, batch = smooth_net(), batch_of()
    shapes = [module[0].weight.shape, module[4].weight.shape]
    theta = torch.cat([module[0].weight.flatten(), module[4].weight.flatten()]).detach()

    def loss(flat: torch.Tensor) -> torch.Tensor:
        first, last = (part.view(shape) for part, shape in zip(flat.split([54, 36]), shapes, strict=True))
        x = nn.functional.conv2d(batch.images, first)
        mean, variance = x.mean(dim=(0, 2, 3), keepdim=True), x.var(dim=(0, 2, 3), keepdim=True, correction=0)
        x = torch.tanh((x - mean) / (variance + 1e-5).sqrt())
        return nn.functional.cross_entropy(x.flatten(1) @ last.T + module[4].bias, batch.labels)

    hessian = torch.autograd.functional.hessian(loss, theta)
    gradient = torch.autograd.functional.jacobian(loss, theta)
    expected = -(theta @ hessian @ gradient).item()
    assert score_module(module, batch, GRASP)["grasp"] == pytest.approx(expected, rel=1e-9)


def test_by_the_change_of_the_gradient_norm() -> None:
    """w . H g is the slope of |g|^2 / 2 as all weights grow together."""
    module, batch = smooth_net(), batch_of()

    def half_squared_norm(factor: float) -> float:
        moved = smooth_net()
        for layer in (moved[0], moved[4]):
            layer.weight.data *= factor
        loss = nn.functional.cross_entropy(moved(batch.images), batch.labels)
        gradients = torch.autograd.grad(loss, [moved[0].weight, moved[4].weight])
        return sum(0.5 * g.square().sum().item() for g in gradients)

    slope = (half_squared_norm(1 + 1e-5) - half_squared_norm(1 - 1e-5)) / 2e-5
    assert score_module(module, batch, GRASP)["grasp"] == pytest.approx(-slope, rel=1e-6)


def test_a_layer_before_batch_norm_adds_its_squared_gradient() -> None:
    """Its loss does not feel its scale, so its gradient falls as 1 / scale: -w . (H g) = |g|^2 (Euler)."""
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3, eps=1e-14), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    )
    module, batch = module.double(), batch_of()
    loss = nn.functional.cross_entropy(module(batch.images), batch.labels)
    gradient = torch.autograd.grad(loss, module[0].weight)[0]
    assert score_module(module, batch, GRASP)["grasp"] == pytest.approx(gradient.square().sum().item(), rel=1e-9)


def test_batch_norms_of_every_kind() -> None:
    """With and without scale, in channels-last: the same as in plain memory order."""
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1),
        nn.BatchNorm2d(4, affine=False),
        nn.ReLU(inplace=True),
        nn.Conv2d(4, 4, 1),
        nn.BatchNorm2d(4),
        nn.Flatten(),
        nn.Linear(64, 5),
        nn.BatchNorm1d(5),
    ).double()
    module[4].weight.data.uniform_(-1, 1)
    batch = batch_of()
    expected = score_module(module, batch, GRASP)["grasp"]
    last = Batch(images=batch.images.to(memory_format=torch.channels_last), labels=batch.labels, source="channels last")
    found = score_module(module.to(memory_format=torch.channels_last), last, GRASP)["grasp"]
    assert found == pytest.approx(expected, rel=1e-9)
    weights = [module[i].weight for i in (0, 3, 6)]
    gradients = torch.autograd.grad(
        nn.functional.cross_entropy(module(batch.images), batch.labels), weights, create_graph=True
    )
    products = torch.autograd.grad(sum((g.detach() * g).sum() for g in gradients), weights)
    plain = -sum((w * p).sum().item() for w, p in zip(weights, products, strict=True))
    assert expected == pytest.approx(plain, rel=1e-9)


def test_attention_is_differentiated_twice() -> None:
    class Attention(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm, self.qkv, self.head = nn.LayerNorm(2), nn.Linear(2, 6), nn.Linear(2, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            q, k, v = self.qkv(self.norm(x.flatten(2).transpose(1, 2))).chunk(3, dim=-1)
            return self.head(nn.functional.scaled_dot_product_attention(q, k, v).mean(dim=1))

    score = score_module(Attention(), batch_of(dtype=torch.float32), GRASP)["grasp"]
    assert math.isfinite(score) and score != 0


def test_what_does_not_reach_the_loss_adds_nothing() -> None:
    class Deaf(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(32, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.zeros(len(x), 3, dtype=x.dtype)

    assert score_module(Deaf().double(), batch_of(), GRASP)["grasp"] == 0


def test_an_operation_without_second_derivative_is_named() -> None:
    class Once(torch.autograd.Function):
        @staticmethod
        def forward(ctx: object, x: torch.Tensor) -> torch.Tensor:
            return x * 1

        @staticmethod
        @torch.autograd.function.once_differentiable
        def backward(ctx: object, gradient: torch.Tensor) -> torch.Tensor:
            return gradient * 1

    class Net(nn.Sequential):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return Once.apply(super().forward(x))

    module = Net(nn.Flatten(), nn.Linear(32, 3)).double()
    with pytest.raises(ProxyError, match="grasp expected Net to be made of operations"):
        score_module(module, batch_of(), GRASP)
