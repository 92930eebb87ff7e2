"""A score that is undefined is NaN: not minus infinity, which says something of the network, and not zero."""

from __future__ import annotations

import math

import pytest

from hwnas.proxies import PROXIES, score_module

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from hwnas.proxies.batches import Batch  # noqa: E402
from hwnas.proxies.evidence import Evidence, GaussianResponse, LayerPair, StageResponse  # noqa: E402

AZ = ("az_expressivity", "az_progressivity", "az_trainability")


@pytest.mark.parametrize("wrong", [math.nan, math.inf])
@pytest.mark.parametrize("name", ["jacob_cov", "epe_nas"])
def test_jacobians(name: str, wrong: float) -> None:
    """A row that is constant says that an image does not matter; one that is not finite says nothing."""
    jacobian = torch.randn(4, 9, generator=torch.Generator().manual_seed(0))
    constant = jacobian.clone()
    constant[1], jacobian[1, 3] = 2.0, wrong
    labels = torch.tensor([0, 0, 1, 1])
    assert PROXIES[name].score(Evidence(jacobian=constant, labels=labels, classes=2)) == -math.inf
    assert math.isnan(PROXIES[name].score(Evidence(jacobian=jacobian, labels=labels, classes=2)))


def test_synflow() -> None:
    def flow(gradient: float) -> float:
        layer = LayerPair(weight=torch.zeros(2).double(), gradient=torch.full((2,), gradient).double())
        return PROXIES["synflow"].score(Evidence(synflow=[layer]))

    assert flow(1.0) == -math.inf
    assert math.isnan(flow(math.inf))  # 0 times infinity


def test_zen_of_features_that_overflow() -> None:
    """Forty layers of 64 channels without batch norm multiply N(0, 1) images beyond float32."""
    layers = [layer for _ in range(40) for layer in (nn.Conv2d(64, 64, 3, padding=1), nn.ReLU())]
    module = nn.Sequential(nn.Conv2d(3, 64, 1), *layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 3))
    batch = Batch(images=torch.randn(2, 3, 4, 4), labels=torch.tensor([0, 1]), source="noise")
    assert math.isnan(score_module(module, batch, [PROXIES["zen"]])["zen"])
    still = GaussianResponse(change=[0.0], log_spread=[1.0])
    assert PROXIES["zen"].score(Evidence(gaussian=still)) == -math.inf


class Divided(nn.Module):
    """Two blocks, of which the second divides zero by zero."""

    def __init__(self, *, wrong: bool) -> None:
        super().__init__()
        self.blocks = nn.ModuleList([nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1)])
        if wrong:
            self.blocks[1].register_forward_hook(lambda _layer, _inputs, output: output * math.nan)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for block in self.blocks:
            x = block(x)
        return x.mean(dim=(2, 3))


def test_blocks_with_features_that_are_not_finite() -> None:
    batch = Batch(images=torch.randn(2, 3, 4, 4), labels=torch.tensor([0, 1]), source="noise")
    proxies = [PROXIES[name] for name in AZ]
    assert all(map(math.isfinite, score_module(Divided(wrong=False), batch, proxies).values()))
    assert all(map(math.isnan, score_module(Divided(wrong=True), batch, proxies).values()))


def test_given_stages() -> None:
    response = StageResponse(spectra=[[1.0, 1.0], [0.0, 0.0], [math.nan, 1.0]], gains=[0.0, math.nan])
    assert all(math.isnan(PROXIES[name].score(Evidence(stages=response))) for name in AZ)
