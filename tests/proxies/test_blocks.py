"""Which parts of a module the AZ-NAS scores take for its blocks: all stages, whatever way they are written."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

import hwnas
from hwnas.errors import ProxyError
from hwnas.proxies.passes.blocks import blocks_of


class Residual(nn.Module):
    """Two convolutions and their sum with what came in."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = conv_norm(width, width), conv_norm(width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.second(self.first(x))


def conv_norm(channels: int, width: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU())


class Stages(nn.Module):
    """Stem, three stages, classifier, as residual networks are mostly written."""

    def __init__(self, *depths: int, width: int = 8) -> None:
        super().__init__()
        self.stem = conv_norm(3, width)
        self.layer1, self.layer2, self.layer3 = (
            nn.Sequential(*[Residual(width) for _ in range(depth)]) for depth in depths
        )
        self.head = nn.Linear(width, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.layer3(self.layer2(self.layer1(self.stem(x))))
        return self.head(x.mean((2, 3)))


def split() -> nn.Module:
    class Split(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.features, self.head = (
                nn.Sequential(*[conv_norm(3 if i == 0 else 8, 8) for i in range(3)]),
                nn.Linear(8, 4),
            )

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.head(self.features(x).mean((2, 3)))

    return Split()


def whole() -> nn.Module:
    pool = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4))
    return nn.Sequential(*[conv_norm(3 if i == 0 else 8, 8) for i in range(3)], *pool)


def backbone() -> nn.Module:
    """Single layers in a list of their own, and a classifier of several."""
    layers = [nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3)]
    head = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 4))
    return nn.Sequential(nn.Sequential(*layers), nn.AdaptiveAvgPool2d(1), nn.Flatten(), head)


def nested() -> nn.Module:
    """Lists of blocks within a list."""
    stages = [nn.Sequential(*[Residual(8) for _ in range(depth)]) for depth in (1, 3, 2)]
    return nn.Sequential(conv_norm(3, 8), *stages, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4))


@pytest.mark.parametrize("depths", [(2, 2, 2), (1, 3, 2), (3, 1, 1)])
def test_every_stage_counts(depths: tuple[int, ...]) -> None:
    module = Stages(*depths)
    assert blocks_of(module) == [*module.layer1, *module.layer2, *module.layer3]


def test_a_later_stage_changes_the_scores() -> None:
    images, names = torch.randn(4, 3, 8, 8), ["az_expressivity", "az_progressivity", "az_trainability"]
    short, long = (hwnas.score(Stages(1, 3, depth), (images, torch.arange(4)), proxies=names) for depth in (1, 2))
    assert short["az_expressivity"] < long["az_expressivity"]


def test_the_same_network_has_the_same_blocks_however_it_is_written() -> None:
    for build in (split, whole):
        assert [type(block[0]) for block in blocks_of(build())] == [nn.Conv2d] * 3
    assert [type(block) for block in blocks_of(backbone())] == [nn.Conv2d] * 3
    blocks = blocks_of(nested())
    assert [type(block) for block in blocks] == [nn.Sequential, *[Residual] * 6]


@pytest.mark.parametrize(
    ("layers", "kinds"),
    [
        (lambda: [nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Conv2d(4, 4, 3), nn.Linear(64, 2)], ["Conv2d"] * 2),
        (lambda: [nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4), nn.Linear(4, 2)], ["Linear"] * 2),
        (lambda: [nn.Linear(4, 2)], ["Linear"]),
        (lambda: [nn.BatchNorm2d(3)], ["BatchNorm2d"]),
    ],
)  # fmt: skip
def test_single_layers_are_blocks_but_for_norms_and_the_classifier(
    layers: Callable[[], list[nn.Module]], kinds: list[str]
) -> None:
    assert [type(block).__name__ for block in blocks_of(nn.Sequential(*layers()))] == kinds


def test_what_a_module_says_of_itself_holds() -> None:
    module = Stages(2, 2, 2)
    module.blocks = [module.layer1, module.layer3]
    assert blocks_of(module) == [module.layer1, module.layer3]
    with pytest.raises(ProxyError, match="neither a property `blocks`"):
        blocks_of(nn.Conv2d(3, 3, 1))
