"""`nngp` beside predictions that leave one image out, one by one."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hwnas.errors import ProxyError
from hwnas.proxies import PROXIES, score_module

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from hwnas.proxies.batches import Batch  # noqa: E402
from hwnas.proxies.nngp import NNGP_NETWORKS  # noqa: E402
from hwnas.proxies.passes import gather  # noqa: E402

NNGP = [PROXIES["nngp"]]


def batch_of(size: int = 9) -> Batch:
    draw = torch.Generator().manual_seed(0)
    images = torch.randn(size, 3, 4, 4, generator=draw, dtype=torch.float64)
    return Batch(images=images, labels=torch.arange(size) % 3, source="random")


def net(width: int = 6) -> nn.Sequential:
    layers = [nn.Conv2d(3, width, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 3)]
    return nn.Sequential(*layers).double()


def test_by_leaving_out_each_image() -> None:
    module, batch = net(), batch_of()
    features = [f.numpy() for f in gather(module, batch, {"random_features"}, seed=2).random_features]
    kernel = sum(f @ f.T for f in features) / len(features)
    targets = np.eye(3)[batch.labels.numpy()] - 1 / 3
    errors = []
    for epsilon in np.logspace(-7, 2, 20):
        ridge, squares = epsilon * np.trace(kernel) / 9, []
        for i in range(9):
            others = [j for j in range(9) if j != i]
            fitted = np.linalg.solve(kernel[np.ix_(others, others)] + ridge * np.eye(8), targets[others])
            squares.append(((targets[i] - kernel[i, others] @ fitted) ** 2).sum())
        errors.append(np.mean(squares))
    assert score_module(module, batch, NNGP, seed=2)["nngp"] == pytest.approx(-min(errors), rel=1e-6)


def test_features_are_the_input_of_the_last_linear_layer_under_hes_weights() -> None:
    module, batch = net(), batch_of()
    features = gather(module, batch, {"random_features"}, seed=7).random_features
    generator = torch.Generator().manual_seed(7)
    assert len(features) == NNGP_NETWORKS
    for found in features:
        weight = torch.empty(6, 3, 3, 3, dtype=torch.float64).normal_(generator=generator) * math.sqrt(2 / 27)
        torch.empty(3, 6, dtype=torch.float64).normal_(generator=generator)  # the head, drawn in its turn
        expected = torch.relu(nn.functional.conv2d(batch.images, weight)).mean(dim=(2, 3))
        torch.testing.assert_close(found, expected)


def test_the_weights_that_the_module_has_do_not_matter() -> None:
    torch.manual_seed(0)
    one = score_module(net(), batch_of(), NNGP)
    torch.manual_seed(1)
    assert score_module(net(), batch_of(), NNGP) == one
    assert score_module(net(), batch_of(), NNGP, seed=1) != one


def test_a_wide_random_network_has_the_kernel_of_its_process() -> None:
    """One hidden layer of ReLUs under He's weights: the arc-cosine kernel of degree 1 (Cho & Saul 2009)."""
    module, batch = (
        nn.Sequential(nn.Flatten(), nn.Linear(48, 40000), nn.ReLU(), nn.Linear(40000, 3)).double(),
        batch_of(4),
    )
    features = gather(module, batch, {"random_features"}).random_features
    kernel = sum((f @ f.T).numpy() for f in features) / len(features) / 40000
    x = batch.images.flatten(1).numpy()
    norms = np.linalg.norm(x, axis=1)
    angle = np.arccos(np.clip(x @ x.T / np.outer(norms, norms), -1, 1))
    expected = np.outer(norms, norms) * (np.sin(angle) + (np.pi - angle) * np.cos(angle)) / (2 * np.pi) * 2 / 48
    np.testing.assert_allclose(kernel, expected, rtol=0.03)


def test_classes_that_the_features_tell_apart_have_no_error() -> None:
    """Images of three brightnesses: better than the 2/3 that guessing the mean leaves."""
    levels = torch.arange(12) % 3
    draw = torch.Generator().manual_seed(0)
    noise = torch.randn(12, 3, 4, 4, generator=draw, dtype=torch.float64)
    patterns = torch.randn(3, 3, 4, 4, generator=draw, dtype=torch.float64)
    told = Batch(images=patterns[levels] + 0.01 * noise, labels=levels, source="three patterns")
    untold = Batch(images=noise, labels=levels, source="noise")
    module = net(40)
    assert score_module(module, told, NNGP)["nngp"] > -0.02
    assert score_module(module, untold, NNGP)["nngp"] < -0.5


def test_features_without_a_linear_layer_and_tokens() -> None:
    class Tokens(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm, self.head = nn.LayerNorm(3), nn.Linear(3, 4)
            self.shift = nn.Parameter(torch.full((3,), 0.5))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.head(self.norm(x.flatten(2).transpose(1, 2) + self.shift)).mean(dim=1)

    for module in (nn.Sequential(nn.Conv2d(3, 3, 4), nn.Flatten()), Tokens()):
        assert math.isfinite(score_module(module.double(), batch_of(), NNGP)["nngp"])


def test_features_that_do_not_tell_images_apart() -> None:
    class Deaf(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.head = nn.Linear(48, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.head(x.flatten(1) * 0 + 1)

    assert score_module(Deaf().double(), batch_of(), NNGP)["nngp"] == -math.inf


def test_what_it_refuses() -> None:
    batch = batch_of()
    own = Batch(images=batch.images, labels=torch.rand(9, 3), source="soft", loss=nn.functional.cross_entropy)
    with pytest.raises(ProxyError, match="nngp predicts classes"):
        score_module(net(), own, NNGP)
    with pytest.raises(ProxyError, match="nngp compares images"):
        score_module(net(), batch_of(1), NNGP)
