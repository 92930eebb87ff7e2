"""`zico` beside a loop over layers, weights and halves."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hwnas.errors import ProxyError
from hwnas.proxies import PROXIES, score_module

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from hwnas.proxies.batches import Batch  # noqa: E402

ZICO = [PROXIES["zico"]]


def batch_of(size: int = 7) -> Batch:
    draw = torch.Generator().manual_seed(0)
    images = torch.randn(size, 2, 5, 5, generator=draw, dtype=torch.float64)
    return Batch(images=images, labels=torch.arange(size) % 3, source="random")


def net() -> nn.Sequential:
    torch.manual_seed(1)
    layers = [nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Conv2d(3, 2, 2), nn.Flatten(), nn.Linear(8, 3)]
    return nn.Sequential(*layers).double()


def test_by_a_loop() -> None:
    module, batch = net(), batch_of()
    halves = []
    for part in (slice(0, 4), slice(4, 7)):
        module.zero_grad()
        nn.functional.cross_entropy(module(batch.images[part]), batch.labels[part]).backward()
        halves.append([module[i].weight.grad.numpy().copy().ravel() for i in (0, 3, 5)])
    module.zero_grad(set_to_none=True)
    expected = 0.0
    for first, second in zip(*halves, strict=True):
        total = 0.0
        for a, b in zip(first, second, strict=True):
            deviation = np.std([a, b])
            if deviation != 0:
                total += np.mean([abs(a), abs(b)]) / deviation
        expected += math.log(total)
    assert score_module(net(), batch, ZICO)["zico"] == pytest.approx(expected, rel=1e-9)


def test_never_less_than_the_logarithm_of_the_number_of_weights() -> None:
    """|a| + |b| >= |a - b|: every weight adds at least 1 to its layer, and 1 where its gradients disagree."""
    module = net()
    floor = sum(math.log(module[i].weight.numel()) for i in (0, 3, 5))
    assert score_module(module, batch_of(), ZICO)["zico"] >= floor - 1e-12


def test_does_not_see_the_scale_of_the_loss() -> None:
    batch = batch_of()
    scaled = Batch(
        images=batch.images,
        labels=batch.labels,
        source="scaled",
        loss=lambda logits, labels: 1000 * nn.functional.cross_entropy(logits, labels),
    )
    expected = score_module(net(), batch, ZICO)["zico"]
    assert score_module(net(), scaled, ZICO)["zico"] == pytest.approx(expected, rel=1e-9)


def test_equal_halves_leave_no_layer() -> None:
    batch = batch_of(4)
    twice = Batch(images=batch.images.repeat(2, 1, 1, 1), labels=batch.labels.repeat(2), source="twice")
    assert score_module(net(), twice, ZICO)["zico"] == -math.inf


def test_a_layer_that_reaches_nothing_is_left_out() -> None:
    module = net()
    alone = score_module(module, batch_of(), ZICO)["zico"]
    module.extra = nn.Identity()  # runs last, and holds a layer that does not run
    module.extra.unused = nn.Linear(3, 3).double()
    assert score_module(module, batch_of(), ZICO)["zico"] == alone


def test_what_is_not_finite_is_said() -> None:
    module = net()
    module[5].weight.data[0, 0] = math.inf
    assert math.isnan(score_module(module, batch_of(), ZICO)["zico"])


def test_a_batch_of_one_is_refused() -> None:
    with pytest.raises(ProxyError, match="zico compares images: expected a batch of at least 2, got 1"):
        score_module(net(), batch_of(1), ZICO)
