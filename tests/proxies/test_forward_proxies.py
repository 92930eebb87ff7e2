"""SWAP, MeCo and NEAR beside evaluations of their formulas in float64, and what these promise."""

from __future__ import annotations

import numpy as np
import pytest

from hwnas.arrays import Array
from hwnas.errors import ProxyError
from hwnas.proxies import PROXIES, score_module

torch = pytest.importorskip("torch")
from torch import Tensor, nn  # noqa: E402

from hwnas.proxies.batches import Batch  # noqa: E402
from hwnas.proxies.passes import gather  # noqa: E402
from hwnas.proxies.passes.activation_ranks import effective_rank  # noqa: E402


def small_net(seed: int = 1) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1, bias=False),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.Conv2d(4, 5, 3, stride=2, padding=1),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(5, 3),
    ).double()


def batch_of(size: int, *shape: int) -> Batch:
    draw = torch.Generator().manual_seed(2)
    images = torch.randn(size, *(shape or (3, 6, 6)), generator=draw, dtype=torch.float64)
    return Batch(images=images, labels=torch.arange(size) % 3, source="random")


def score_of(name: str, module: nn.Module, batch: Batch, *, seed: int = 0) -> float:
    return score_module(module, batch, [PROXIES[name]], seed=seed)[name]


def maps_of(module: nn.Sequential, images: Tensor) -> list[Array]:
    """What each layer returns, in training mode."""
    maps, x = [], images
    with torch.no_grad():
        for layer in module.train():
            x = layer(x.clone())
            maps.append(x.numpy())
    return maps


@pytest.mark.parametrize("size", [2, 5, 40])
def test_swap_counts_the_columns_of_the_matrix_of_activations(size: int) -> None:
    module = small_net()
    used = batch_of(size).images[:32]
    maps = maps_of(module, used)
    columns = np.concatenate([maps[place].reshape(len(used), -1) > 0 for place in (2, 4)], axis=1)
    assert score_of("swap", small_net(), batch_of(size)) == len({column.tobytes() for column in columns.T})


def test_swap_does_not_see_the_scale_of_weights_before_a_batch_norm() -> None:
    module = small_net()
    before = score_of("swap", module, batch_of(12))
    with torch.no_grad():
        module[0].weight.mul_(50)
    assert score_of("swap", module, batch_of(12)) == before


def test_swap_is_at_most_two_to_the_images() -> None:
    wide = nn.Sequential(nn.Linear(4, 500), nn.GELU(), nn.Linear(500, 3)).double()
    assert score_of("swap", wide, batch_of(2, 4)) == 4
    assert score_of("swap", wide, batch_of(3, 4)) == 8


def test_swap_says_that_no_activation_runs() -> None:
    with pytest.raises(ProxyError, match="got none"):
        score_of("swap", nn.Sequential(nn.Flatten(), nn.Linear(108, 3)).double(), batch_of(4))


def test_meco_adds_the_smallest_eigenvalues_of_correlations() -> None:
    draw = torch.Generator().manual_seed(7)
    image = torch.randn(1, 3, 6, 6, generator=draw).double()
    module = small_net()
    # The relu in place writes over the convolution's map: two maps all the same, which hooks see one after the other.
    wanted = sum(
        np.linalg.eigvalsh(np.corrcoef(features[0].reshape(features.shape[1], -1)))[0]
        for features in maps_of(module, image)[:5]
        if not (features[0].reshape(features.shape[1], -1).std(axis=1) == 0).any()
    )
    assert wanted > 0.1
    assert score_of("meco", module, batch_of(4), seed=7) == pytest.approx(wanted, rel=1e-9)


def test_meco_counts_a_map_once_however_many_modules_pass_it_on() -> None:
    plain = nn.Sequential(nn.Conv2d(3, 3, 3, padding=1), nn.Flatten(), nn.Linear(108, 3)).double()
    wrapped = nn.Sequential(nn.Sequential(plain[0], nn.Identity()), *plain[1:])
    assert score_of("meco", wrapped, batch_of(4)) == score_of("meco", plain, batch_of(4))


def test_meco_of_dependent_channels_is_zero() -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1, bias=False), nn.Flatten(), nn.Linear(144, 3)).double()
    with torch.no_grad():
        module[0].weight[3] = module[0].weight[0] - module[0].weight[1]
    assert score_of("meco", module, batch_of(4)) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("pixels", [2, 3])
def test_meco_of_few_positions_is_zero(pixels: int) -> None:
    module = nn.Sequential(nn.Conv2d(3, 9, 1), nn.Flatten(), nn.Linear(9 * pixels**2, 3)).double()
    assert gather(module, batch_of(4, 3, pixels, pixels), {"smallest_eigenvalues"}).smallest_eigenvalues == [0.0]


def test_meco_says_what_it_expected() -> None:
    with pytest.raises(ProxyError, match="expected feature maps"):
        score_of("meco", nn.Sequential(nn.Linear(4, 3)).double(), batch_of(4, 4))
    late = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 3))
    with pytest.raises(ProxyError, match="to run on one image"):
        score_of("meco", late.double(), batch_of(4))


def entropy_rank(matrix: Array) -> float:
    values = np.linalg.svd(matrix, compute_uv=False)
    shares = values[values > 1e-300] / values.sum()
    return float(np.exp(-(shares * np.log(shares)).sum()))


def test_near_adds_the_effective_ranks_of_each_layer_and_activation() -> None:
    """On a batch of as many rows as channels all rows are taken: nothing is left to chance."""
    torch.manual_seed(3)
    module = nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 5)).double()
    wanted = sum(entropy_rank(features) for features in maps_of(module, batch_of(5, 6).images))
    assert score_of("near", module, batch_of(5, 6)) == pytest.approx(wanted, rel=1e-6)


def test_near_takes_successive_positions_of_a_feature_map() -> None:
    torch.manual_seed(3)
    module = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.Flatten(), nn.Linear(144, 3)).double()
    features, logits = (maps_of(module, batch_of(20).images[:16])[place] for place in (0, 2))
    rows = features.transpose(0, 3, 2, 1).reshape(-1, 4)
    found = gather(module, batch_of(20), {"activation_ranks"}).activation_ranks
    assert any(found[0] == pytest.approx(entropy_rank(rows[at : at + 4]), rel=1e-6) for at in range(0, len(rows), 6))
    assert any(found[1] == pytest.approx(entropy_rank(logits[at : at + 3]), rel=1e-6) for at in range(14))


def test_near_reads_tokens_and_channels_last() -> None:
    torch.manual_seed(3)

    class Tokens(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.act, self.last = nn.Linear(6, 4), nn.GELU(), nn.Linear(4, 3)

        def forward(self, x: Tensor) -> Tensor:
            return self.last(self.act(self.first(x))).mean(dim=(1, 2))

    ranks = gather(Tokens().double(), batch_of(5, 2, 3, 6), {"activation_ranks"}).activation_ranks
    assert len(ranks) == 3
    assert all(1 <= rank <= most for rank, most in zip(ranks, (4, 4, 3), strict=True))


@pytest.mark.parametrize("size", [1, 3, 8])
def test_effective_rank_is_the_rank_of_equal_singular_values(size: int) -> None:
    turned = torch.linalg.qr(torch.randn(8, 8, dtype=torch.float64))[0]
    assert effective_rank(turned[:, :size]) == pytest.approx(size)
    assert effective_rank(1000 * turned[:size]) == pytest.approx(size)
    assert effective_rank(torch.zeros(4, 3)) == 0
    assert 1 < effective_rank(torch.diag(torch.tensor([1.0, 0.5, 0.0]))) < 2


@pytest.mark.parametrize("name", ["swap", "near", "meco"])
def test_not_a_number_is_not_hidden(name: str) -> None:
    module = small_net()
    with torch.no_grad():
        module[3].weight[0, 0, 0, 0] = np.nan
    score = score_of(name, module, batch_of(6))
    # A unit that is not a number is off, as in NASWOT: the score counts what the other units do.
    assert np.isfinite(score) if name == "swap" else np.isnan(score)
