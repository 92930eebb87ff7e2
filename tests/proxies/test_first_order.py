"""`fisher`, `plain`, `l2_norm`, `jacob_cov` and `epe_nas` beside float64 evaluations of their formulas."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hwnas.errors import ProxyError
from hwnas.proxies import PROXIES, score_module

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from hwnas.proxies.batches import Batch  # noqa: E402
from hwnas.proxies.passes import gather  # noqa: E402


def batch_of(size: int = 6, *, classes: int = 3) -> Batch:
    draw = torch.Generator().manual_seed(0)
    images = torch.randn(size, 2, 5, 5, generator=draw, dtype=torch.float64)
    return Batch(images=images, labels=torch.arange(size) % classes, source="random")


def net() -> nn.Sequential:
    torch.manual_seed(1)
    layers = [nn.Conv2d(2, 3, 3, bias=False), nn.BatchNorm2d(3), nn.ReLU(), nn.Conv2d(3, 2, 2), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(8, 3)).double()


def score_of(name: str, module: nn.Module, batch: Batch) -> float:
    return score_module(module, batch, [PROXIES[name]])[name]


def test_l2_norm() -> None:
    module = net()
    expected = sum(np.sqrt((module[i].weight.detach().numpy() ** 2).sum()) for i in (0, 3, 6))
    assert score_of("l2_norm", module, batch_of()) == pytest.approx(expected, rel=1e-12)


def test_fisher_by_gates_on_channels() -> None:
    """The gradient for a gate that multiplies a channel of one image: finite differences of the loss, one by one."""
    module, batch = net(), batch_of()

    def loss(layer: int, gates: torch.Tensor) -> float:
        with torch.no_grad():
            x = batch.images
            for index, child in enumerate(module):
                x = child(x.clone())
                if index == layer:
                    x = x * gates.view(*gates.shape, *[1] * (x.ndim - 2))
            return nn.functional.cross_entropy(x, batch.labels).item()

    expected, step = 0.0, 1e-5
    for layer, channels, weights in ((0, 3, 18), (3, 2, 12), (6, 3, 8)):
        for channel in range(channels):
            squares = []
            for image in range(6):
                moved = torch.zeros(6, channels, dtype=torch.float64)
                moved[image, channel] = step
                slope = (loss(layer, 1 + moved) - loss(layer, 1 - moved)) / (2 * step)
                squares.append(slope**2)
            expected += weights * 0.5 * np.mean(squares)
    assert score_of("fisher", module, batch) == pytest.approx(expected, rel=1e-5)


def test_fisher_does_not_see_how_a_relu_network_shares_its_scale() -> None:
    """Twice the weights of one layer, half those of the next: activation times gradient stays as it is."""
    torch.manual_seed(0)
    module = nn.Sequential(nn.Flatten(), nn.Linear(50, 7, bias=False), nn.ReLU(), nn.Linear(7, 3, bias=False)).double()
    before = score_of("fisher", module, batch_of())
    module[1].weight.data *= 4
    module[3].weight.data /= 4
    assert score_of("fisher", module, batch_of()) == pytest.approx(before, rel=1e-12)


def test_fisher_does_not_depend_on_the_order_of_images() -> None:
    batch = batch_of()
    order = torch.tensor([3, 1, 5, 0, 2, 4])
    shuffled = Batch(images=batch.images[order], labels=batch.labels[order], source="shuffled")
    assert score_of("fisher", net(), shuffled) == pytest.approx(score_of("fisher", net(), batch), rel=1e-9)


def test_plain_is_the_slope_of_the_loss_as_all_weights_grow() -> None:
    def loss(factor: float) -> float:
        module = net()
        for index in (0, 3, 6):
            module[index].weight.data *= factor
        with torch.no_grad():
            return nn.functional.cross_entropy(module(batch_of().images), batch_of().labels).item()

    slope = (loss(1 + 1e-5) - loss(1 - 1e-5)) / 2e-5
    assert score_of("plain", net(), batch_of()) == pytest.approx(slope, rel=1e-6)


def test_plain_of_layers_before_batch_norm_is_zero() -> None:
    torch.manual_seed(0)
    norms = [nn.BatchNorm2d(4, eps=1e-14), nn.BatchNorm2d(3, eps=1e-14)]
    module = nn.Sequential(
        nn.Conv2d(2, 4, 3), norms[0], nn.ReLU(), nn.Conv2d(4, 3, 2), norms[1], nn.AdaptiveAvgPool2d(1), nn.Flatten()
    ).double()
    assert score_of("plain", module, batch_of()) == pytest.approx(0, abs=1e-12)
    assert score_of("snip", module, batch_of()) > 1e-3


def rows_of(module: nn.Module, batch: Batch) -> np.ndarray:
    """(b, pixels) by central differences of the sum of all logits."""
    images = batch.images.clone()
    rows, step = np.empty((len(images), images[0].numel())), 1e-5
    with torch.no_grad():
        for image in range(len(images)):
            pixels = images[image].view(-1)
            for pixel in range(len(pixels)):
                kept = pixels[pixel].item()
                pixels[pixel] = kept + step
                above = module(images).sum().item()
                pixels[pixel] = kept - step
                rows[image, pixel] = (above - module(images).sum().item()) / (2 * step)
                pixels[pixel] = kept
    return rows


def test_jacob_cov_by_numpy() -> None:
    module, batch = net(), batch_of()
    eigenvalues = np.linalg.eigvalsh(np.corrcoef(rows_of(module, batch)))
    expected = -np.sum(np.log(eigenvalues + 1e-5) + 1 / (eigenvalues + 1e-5))
    assert score_of("jacob_cov", module, batch) == pytest.approx(expected, rel=1e-4)


def test_jacob_cov_is_best_where_images_are_uncorrelated() -> None:
    """log s + 1/s is convex and least at s = 1, where all correlations vanish: no score exceeds -b."""
    assert score_of("jacob_cov", net(), batch_of()) <= -6 * (math.log(1 + 1e-5) + 1 / (1 + 1e-5)) + 1e-9
    assert score_of("jacob_cov", net(), batch_of(2)) <= -2


def test_epe_nas_by_numpy() -> None:
    module, batch = net(), batch_of(7)
    rows, labels = rows_of(module, batch), batch.labels.numpy()
    expected = 0.0
    for label in range(3):
        members = rows[labels == label]
        expected += abs(np.log(np.abs(np.corrcoef(members)) + 1e-5).sum())
    assert score_of("epe_nas", module, batch) == pytest.approx(expected, rel=1e-4)


def test_epe_nas_with_many_classes() -> None:
    """More than 100 logits: means for classes with several images, and their differences."""
    torch.manual_seed(0)
    module = nn.Sequential(nn.Flatten(), nn.Linear(50, 20), nn.Tanh(), nn.Linear(20, 120)).double()
    batch = batch_of(9, classes=4)  # class 0 has three images, the others two
    rows, labels = rows_of(module, batch), batch.labels.numpy()
    means = []
    for label in range(4):
        members = rows[labels == label]
        means.append(np.log(np.abs(np.corrcoef(members)) + 1e-5).sum() / len(members))
    expected = sum(abs(a - b) for a in means for b in means) / 4
    assert score_of("epe_nas", module, batch) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("name", ["jacob_cov", "epe_nas"])
def test_images_are_compared(name: str) -> None:
    with pytest.raises(ProxyError, match=f"{name} compares images"):
        score_of(name, net(), batch_of(1))
    deaf = net()
    deaf[0].weight.data.zero_()
    assert score_of(name, deaf, batch_of()) == -math.inf


def test_synflow_is_conserved_through_parallel_branches() -> None:
    """What flows into a sum is what flows out of it: a layer carries as much as the two branches before it."""

    class Branches(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem, self.left, self.right, self.head = (nn.Conv2d(2, 2, 1, bias=False) for _ in range(4))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = self.stem(x)
            return self.head(torch.relu(self.left(x) + self.right(x))).mean(dim=(2, 3))

    torch.manual_seed(0)
    pairs = gather(Branches(), batch_of(), {"synflow"}).synflow
    stem, left, right, head = ((pair.weight * pair.gradient).sum().item() for pair in pairs)
    assert stem == pytest.approx(head, rel=1e-12) and left + right == pytest.approx(head, rel=1e-12)


def test_zen_gives_back_the_scale_that_batch_norm_takes() -> None:
    """Images twice as bright change by twice as much; through a batch norm as much less as its deviation grows."""
    from hwnas.proxies.evidence import Evidence, GaussianResponse

    small = GaussianResponse(change=[1.0, 2.0], log_spread=[0.5, 0.25])
    scaled = GaussianResponse(
        change=[c / 8 for c in small.change], log_spread=[s + math.log(8) for s in small.log_spread]
    )
    zen = PROXIES["zen"].score
    assert zen(Evidence(gaussian=scaled)) == pytest.approx(zen(Evidence(gaussian=small)), rel=1e-12)


class Shortcut(nn.Module):
    """Adds the input of a convolution to its output, in place or not."""

    def __init__(self, *, in_place: bool) -> None:
        super().__init__()
        self.conv, self.head, self.in_place = nn.Conv2d(2, 2, 3, padding=1), nn.Linear(50, 3), in_place

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.conv(x)
        y = y.add_(x) if self.in_place else y + x
        return self.head(y.flatten(1))


def test_fisher_sees_that_an_output_was_written_over() -> None:
    """It would take the sum for the output of the convolution."""
    assert score_of("fisher", Shortcut(in_place=False).double(), batch_of()) > 0
    with pytest.raises(ProxyError, match="operation in place"):
        score_of("fisher", Shortcut(in_place=True).double(), batch_of())
