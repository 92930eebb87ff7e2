"""`linear_regions` beside regions that were counted otherwise."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from hwnas.errors import ProxyError
from hwnas.proxies import PROXIES, score_module

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from hwnas.proxies.batches import Batch  # noqa: E402
from hwnas.proxies.linear_regions import REGION_IMAGES, REGION_REPEATS  # noqa: E402
from hwnas.proxies.module_state import parameters_replaced  # noqa: E402
from hwnas.proxies.passes import gather  # noqa: E402
from hwnas.proxies.passes.regions import _small_images, _thin, count_patterns  # noqa: E402

REGIONS = [PROXIES["linear_regions"]]


def batch_of(side: int = 8) -> Batch:
    draw = torch.Generator().manual_seed(0)
    images = torch.randn(6, 3, side, side, generator=draw)
    return Batch(images=images, labels=torch.arange(6) % 3, source="random")


def net(width: int = 4) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, width, 3, padding=1, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        nn.Conv2d(width, 2 * width, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(2 * width, 3),
    )


def test_lines_cut_a_plane_into_as_many_regions_as_geometry_says() -> None:
    """n lines in general position: 1 + n + n (n - 1) / 2 (Zaslavsky), all met by a fine enough grid."""
    module = nn.Sequential(nn.Linear(2, 5), nn.ReLU()).double()
    angles = torch.arange(5) * 0.6 + 0.1
    module[0].weight.data = torch.stack([angles.cos(), angles.sin()], dim=1).double()
    module[0].bias.data = torch.tensor([0.3, -0.2, 0.1, 0.25, -0.35], dtype=torch.float64)
    axis = torch.linspace(-6, 6, 1201, dtype=torch.float64)
    grid = torch.cartesian_prod(axis, axis)
    assert count_patterns(module, grid) == 1 + 5 + 10


def test_along_a_line_each_change_of_slope_begins_a_region() -> None:
    """A two-layer network on a fine 1-D grid: its patterns are the pieces of which its output is made, and no fewer."""
    torch.manual_seed(2)
    module = nn.Sequential(nn.Linear(1, 6), nn.ReLU(), nn.Linear(6, 4), nn.ReLU(), nn.Linear(4, 1)).double()
    grid = torch.linspace(-4, 4, 40001, dtype=torch.float64)[:, None]
    with torch.no_grad():
        value = module(grid).numpy().ravel()
    bends = np.abs(np.diff(value, n=2)) > 1e-10
    pieces = 1 + sum(1 for bent, _ in itertools.groupby(bends) if bent)
    with torch.no_grad():
        hidden = module[0](grid)
        second = module[2](hidden.clamp(min=0))
    codes = (torch.cat([hidden, second], dim=1) > 0).numpy()
    assert count_patterns(module, grid) == len(np.unique(codes, axis=0)) >= pieces > 3


def test_by_unique_rows_of_the_thin_network() -> None:
    """The counts of the pass, the random networks and images drawn again in their order."""
    module, batch = net(), batch_of()
    generator, expected = torch.Generator().manual_seed(5), []
    for _ in range(REGION_REPEATS):
        images = _small_images(batch.images, generator)
        with parameters_replaced(module, lambda n, v: _thin(module, n, v, generator)), torch.no_grad():
            first = torch.relu(module[1](module[0](images)))
            second = module[3](first)
        assert not first[:, 1:].any() and not second[:, 2:].any()  # the other channels are silent
        codes = torch.cat([(first > 0).flatten(1), (second > 0).flatten(1)], dim=1).numpy()
        expected.append(len(np.unique(codes, axis=0)))
    assert gather(module, batch, {"region_counts"}, seed=5).region_counts == expected
    assert score_module(module, batch, REGIONS, seed=5)["linear_regions"] == np.mean(expected)
    assert all(1 < count < REGION_IMAGES for count in expected)


def test_the_width_of_the_network_does_not_matter() -> None:
    """4 or 12 channels: a thin network has one and two, so the counts are of the same kind and far from saturated."""
    counts = [np.mean(gather(net(width), batch_of(), {"region_counts"}, seed=1).region_counts) for width in (4, 12)]
    assert counts[0] == pytest.approx(counts[1], rel=0.5) and max(counts) < REGION_IMAGES


def test_thin_weights_have_the_variance_of_their_inputs() -> None:
    module = net(32)
    generator = torch.Generator().manual_seed(0)
    drawn = torch.stack([_thin(module, "3.weight", module[3].weight, generator) for _ in range(400)])
    assert drawn[:, 2:].abs().max() == 0 and drawn[:, :, 1:].abs().max() == 0
    assert drawn[:, :2, :1].var() == pytest.approx(2 / 9, rel=0.06)  # one input channel, nine taps


def test_grouped_convolutions_stay_thin() -> None:
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv2d(3, 8, 1), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1, groups=8), nn.ReLU(), nn.Flatten(1)
    )
    score = score_module(module, batch_of(), REGIONS)["linear_regions"]
    assert 1 < score <= REGION_IMAGES


def test_a_network_that_does_not_see_its_input_has_one_region() -> None:
    class Deaf(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.relu = nn.Conv2d(3, 4, 1), nn.ReLU()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.relu(self.conv(x) * 0).flatten(1)

    assert score_module(Deaf(), batch_of(), REGIONS)["linear_regions"] == 1


def test_networks_of_one_image_size_see_the_same_pixels_larger() -> None:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Flatten(), nn.Linear(192, 3), nn.ReLU(), nn.Linear(3, 2))
    assert 4 < score_module(module, batch_of(), REGIONS)["linear_regions"] <= 2**3


def test_what_cannot_be_counted_is_named() -> None:
    for module, side, says in (
        (
            nn.Sequential(nn.Conv2d(3, 4, 3), nn.GELU(), nn.Flatten()),
            8,
            r"linear_regions expected a module in which an nn\.ReLU runs",
        ),
        (
            nn.Sequential(nn.Conv2d(3, 4, 5), nn.ReLU(), nn.Flatten()),
            8,
            "linear_regions expected Sequential to run on images of 4x4",
        ),
        (net(), 3, "linear_regions cuts squares of 4 pixels: .*shape .6, 3, 3, 3."),
    ):
        with pytest.raises(ProxyError, match=says):
            score_module(module, batch_of(side), REGIONS)
    assert math.isfinite(score_module(net(), batch_of(4), REGIONS)["linear_regions"])
