"""`ntk_cond` beside the Jacobian that autograd writes out."""

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

NTK = [PROXIES["ntk_cond"]]


def batch_of(size: int = 6) -> Batch:
    draw = torch.Generator().manual_seed(0)
    images = torch.randn(size, 2, 4, 4, generator=draw, dtype=torch.float64)
    return Batch(images=images, labels=torch.arange(size) % 3, source="random")


def net() -> nn.Sequential:
    torch.manual_seed(1)
    return nn.Sequential(
        nn.Conv2d(2, 3, 3, bias=False), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten(), nn.Linear(12, 3)
    ).double()


def kernel_of(module: nn.Sequential, images: torch.Tensor) -> np.ndarray:
    """J Jᵀ by the Jacobian of all summed logits at once."""
    names = ["0.weight", "4.weight"]

    def sums(*values: torch.Tensor) -> torch.Tensor:
        return torch.func.functional_call(module, dict(zip(names, values, strict=True)), (images,)).sum(dim=1)

    weights = tuple(module.get_parameter(name).detach() for name in names)
    parts = torch.autograd.functional.jacobian(sums, weights)
    jacobian = np.concatenate([part.flatten(1).numpy() for part in parts], axis=1)
    return jacobian @ jacobian.T


def test_by_an_explicit_jacobian() -> None:
    batch = batch_of()
    kernel = kernel_of(net(), batch.images)
    found = gather(net(), batch, {"tangent_kernel"}).tangent_kernel.numpy()
    np.testing.assert_allclose(found, kernel, rtol=1e-9)
    eigenvalues = np.linalg.eigvalsh(kernel)
    assert score_module(net(), batch, NTK)["ntk_cond"] == pytest.approx(-eigenvalues[-1] / eigenvalues[0], rel=1e-6)


def test_symmetric_and_positive_semidefinite() -> None:
    kernel = gather(
        net().float(), Batch(**vars(batch_of()) | {"images": batch_of().images.float()}), {"tangent_kernel"}
    )
    found = kernel.tangent_kernel.numpy()
    np.testing.assert_allclose(found, found.T, rtol=1e-12)
    assert np.linalg.eigvalsh(found).min() >= -1e-12 * np.trace(found)


def test_a_linear_network_has_the_kernel_of_its_inputs() -> None:
    """With c logits of W x: c times the inner products of the images."""
    module, batch = nn.Sequential(nn.Flatten(), nn.Linear(32, 5)).double(), batch_of()
    x = batch.images.flatten(1).numpy()
    np.testing.assert_allclose(
        gather(module, batch, {"tangent_kernel"}).tangent_kernel.numpy(), 5 * x @ x.T, rtol=1e-12
    )


def test_the_first_sixteen_images_are_enough() -> None:
    batch = batch_of(20)
    first = Batch(images=batch.images[:16], labels=batch.labels[:16], source="first")
    assert score_module(net(), batch, NTK) == score_module(net(), first, NTK)


def test_equal_images_and_deaf_networks_are_singular() -> None:
    batch = batch_of()
    same = Batch(images=batch.images[:1].repeat(3, 1, 1, 1), labels=batch.labels[:3], source="one image")
    module = nn.Sequential(nn.Flatten(), nn.Linear(32, 3)).double()
    assert score_module(module, same, NTK)["ntk_cond"] == -math.inf
    module[1].weight.data.zero_()
    silent = nn.Sequential(nn.Conv2d(2, 2, 1), nn.Hardtanh(-1e-9, 0.0), *module).double()
    silent[0].weight.data.zero_()
    silent[0].bias.data.fill_(1.0)
    assert score_module(silent, batch, NTK)["ntk_cond"] == -math.inf


def test_what_is_not_finite_is_said() -> None:
    module = net()
    module[4].weight.data[0] = math.nan
    assert math.isnan(score_module(module, batch_of(), NTK)["ntk_cond"])


def test_a_batch_of_one_is_refused() -> None:
    with pytest.raises(ProxyError, match="ntk_cond compares images"):
        score_module(net(), batch_of(1), NTK)
