"""`grad_sign` beside a loop over images, each run alone."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hwnas.errors import ProxyError
from hwnas.proxies import PROXIES, score_module

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from hwnas.proxies.batches import Batch  # noqa: E402
from hwnas.proxies.module_state import layer_weights  # noqa: E402
from hwnas.proxies.passes.products import image_gradients  # noqa: E402

GRAD_SIGN = [PROXIES["grad_sign"]]


def batch_of(size: int = 5, *, side: int = 6) -> Batch:
    draw = torch.Generator().manual_seed(0)
    images = torch.randn(size, 4, side, side, generator=draw, dtype=torch.float64)
    return Batch(images=images, labels=torch.arange(size) % 3, source="random")


def by_a_loop(module: nn.Module, batch: Batch) -> float:
    """The official way: each image forward and backward by itself in training mode."""
    module.train()
    weights, signs = layer_weights(module), []
    for image, label in zip(batch.images, batch.labels, strict=True):
        loss = nn.functional.cross_entropy(module(image[None]), label[None])
        found = torch.autograd.grad(loss, weights, allow_unused=True)
        row = [
            np.zeros(w.numel()) if g is None else np.sign(g.numpy().ravel())
            for w, g in zip(weights, found, strict=True)
        ]
        signs.append(np.concatenate(row))
    return float(np.abs(np.sum(signs, axis=0)).sum())


class Shared(nn.Module):
    """One layer that runs twice, one whose output is written over, one that does not run."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.head, self.unused = nn.Conv2d(4, 4, 3, padding=1), nn.Linear(4, 3), nn.Linear(2, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.conv(x).mul_(2.0)
        return self.head(torch.tanh(self.conv(x)).mean(dim=(2, 3)))


class Functional(nn.Module):
    """Uses the weight of a layer without running the layer."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.head = nn.Conv2d(4, 4, 3), nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return nn.functional.linear(self.conv(x).mean(dim=(2, 3)), self.head.weight)


class Tokens(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(4, 2, batch_first=True)
        self.norm, self.head = nn.LayerNorm(4), nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.norm(x.flatten(2).transpose(1, 2))
        return self.head(self.attention(x, x, x, need_weights=False)[0].mean(dim=1))


def nets() -> dict[str, nn.Module]:
    torch.manual_seed(3)
    end = (nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return {
        "norms": nn.Sequential(
            nn.Conv2d(4, 6, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(6),
            nn.ReLU(inplace=True),
            nn.Conv2d(6, 6, (1, 3), padding=(0, 1), groups=3),
            nn.BatchNorm2d(6, affine=False, track_running_stats=False),
            nn.Tanh(),
            nn.Conv2d(6, 6, 3),
            *end,
            nn.Linear(6, 3),
        ),
        "kernels": nn.Sequential(
            nn.Conv2d(4, 4, 3, padding=2, dilation=2, groups=4),
            nn.ReLU(),
            nn.Conv2d(4, 5, 3, padding=1, padding_mode="circular"),
            nn.Tanh(),
            nn.Conv2d(5, 2, 2, padding="same"),
            nn.Flatten(2),
            nn.Conv1d(2, 2, 5, stride=3),
            nn.Flatten(),
            nn.Linear(22, 3),
        ),
        "linear": nn.Sequential(nn.Flatten(), nn.Linear(144, 5), nn.ReLU(), nn.Linear(5, 3)),
        "shared": Shared(),
        "functional": Functional(),
        "tokens": Tokens(),
    }


@pytest.mark.filterwarnings("ignore:Using padding='same'")
@pytest.mark.parametrize("name", ["norms", "kernels", "linear", "shared", "functional", "tokens"])
def test_by_a_loop(name: str) -> None:
    module, batch = nets()[name].double(), batch_of()
    expected = by_a_loop(module, batch)
    assert score_module(module, batch, GRAD_SIGN)["grad_sign"] == expected > 0
    last = Batch(images=batch.images.to(memory_format=torch.channels_last), labels=batch.labels, source="channels last")
    assert score_module(module.to(memory_format=torch.channels_last), last, GRAD_SIGN)["grad_sign"] == expected


@pytest.mark.parametrize(
    ("stride", "padding", "dilation", "groups"), [(1, 0, 1, 1), (2, 1, 1, 2), (1, 2, 2, 4), ((2, 1), (0, 1), (1, 2), 1)]
)
def test_products_are_the_gradients_in_the_order_of_the_weight(stride, padding, dilation, groups) -> None:
    torch.manual_seed(0)
    layer = nn.Conv2d(4, 8, (3, 2), stride=stride, padding=padding, dilation=dilation, groups=groups).double()
    x = batch_of().images
    output = layer(x)
    arriving = torch.randn_like(output)
    found = image_gradients(layer, x, arriving)
    for i in range(len(x)):
        expected = torch.autograd.grad(layer(x[i : i + 1]), layer.weight, arriving[i : i + 1])[0]
        torch.testing.assert_close(found[i].view_as(layer.weight), expected)


def test_all_agree_on_equal_images() -> None:
    """Then every weight whose gradient is not zero counts each image once: the largest score that there is."""
    module, batch = nets()["linear"].double(), batch_of(2)
    same = Batch(
        images=batch.images[:1].repeat(4, 1, 1, 1), labels=torch.ones(4, dtype=torch.int64), source="one image"
    )
    loss = nn.functional.cross_entropy(module(same.images), same.labels)
    count = sum(int((g != 0).sum()) for g in torch.autograd.grad(loss, layer_weights(module)))
    assert score_module(module, same, GRAD_SIGN)["grad_sign"] == 4 * count


def test_own_losses_are_run_image_by_image() -> None:
    module, batch = nets()["linear"].double(), batch_of()
    summed = Batch(
        images=batch.images, labels=batch.labels, source="own", loss=lambda x, y: nn.functional.cross_entropy(x, y) ** 2
    )
    expected = score_module(module, batch, GRAD_SIGN)["grad_sign"]  # squares of positive numbers keep the signs
    assert score_module(module, summed, GRAD_SIGN)["grad_sign"] == expected


def test_what_is_not_finite_is_said() -> None:
    module = nets()["linear"].double()
    module[1].weight.data[0, 0] = math.nan
    assert math.isnan(score_module(module, batch_of(), GRAD_SIGN)["grad_sign"])


def test_what_cannot_be_run_alone_is_refused() -> None:
    module = nn.Sequential(nn.Flatten(), nn.Linear(144, 5), nn.BatchNorm1d(5), nn.Linear(5, 3)).double()
    with pytest.raises(ProxyError, match=r"grad_sign runs each image alone: .*got inputs of shape \(5, 5\)"):
        score_module(module, batch_of(), GRAD_SIGN)
    with pytest.raises(ProxyError, match="grad_sign compares images"):
        score_module(nets()["linear"].double(), batch_of(1), GRAD_SIGN)
