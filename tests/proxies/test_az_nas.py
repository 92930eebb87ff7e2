"""The AZ-NAS scores beside an evaluation of their formulas in float64, and on modules of every kind."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hwnas.errors import ProxyError
from hwnas.proxies import PROXIES, score_module
from hwnas.proxies.az_expressivity import AZ_BATCH
from hwnas.proxies.entropies import entropies
from hwnas.proxies.evidence import Evidence, StageResponse
from hwnas.spaces import get_space

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from hwnas.proxies.batches import Batch, noise_batch  # noqa: E402
from hwnas.proxies.passes import gather  # noqa: E402
from hwnas.proxies.passes.blocks import blocks_of  # noqa: E402
from hwnas.proxies.recipes import Recipe, score_networks, task_of  # noqa: E402

NAMES = ("az_expressivity", "az_progressivity", "az_trainability")
SPACE = get_space("nasbench201")
CONV3, CONV1, SKIP, POOL = 3, 2, 1, 4


def images_of(*shape: int) -> Batch:
    return Batch(images=torch.zeros(2, *shape), labels=torch.tensor([0, 1]), source="zeros")


def scores_of(module: nn.Module, batch: Batch, *, seed: int = 0) -> list[float]:
    return list(score_module(module, batch, [PROXIES[name] for name in NAMES], seed=seed).values())


def stages_of(module: nn.Module, batch: Batch, *, seed: int = 0) -> StageResponse:
    return gather(module, batch, {"stages"}, seed=seed).stages


class Tokens(nn.Module):
    """Patches as tokens, then blocks that return them in a tuple, as transformers do."""

    class Block(nn.Module):
        def __init__(self, width: int) -> None:
            super().__init__()
            self.norm, self.linear = nn.LayerNorm(width), nn.Linear(width, width)

        def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, None]:
            return x + self.linear(self.norm(x)), None

    def __init__(self, width: int = 6, depth: int = 3, classes: int = 4) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, width, 4, stride=4)
        self.layers = nn.ModuleList(self.Block(width) for _ in range(depth))
        self.head = nn.Linear(width, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.patches(x).flatten(2).transpose(1, 2)
        for layer in self.layers:
            x = layer(x)[0]
        return self.head(x.mean(dim=1))


class Strided(nn.Module):
    """Stem, a residual block, a block that halves the image; `blocks` names them."""

    def __init__(self, classes: int = 4) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, padding=1)
        self.same = nn.Sequential(nn.ReLU(inplace=True), nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4))
        self.down = nn.Sequential(nn.ReLU(), nn.Conv2d(4, 5, 3, stride=2, padding=1))
        self.head = nn.Linear(5, classes)
        self.more = nn.Sequential(*(nn.Linear(1, 1) for _ in range(9)))

    @property
    def blocks(self) -> list[nn.Module]:
        return [self.same, self.down]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.down(self.same(self.stem(x))).mean(dim=(2, 3)))


def drawn(seed: int) -> list[torch.Generator]:
    seeds = torch.randint(2**62, (3,), generator=torch.Generator().manual_seed(seed)).tolist()
    return [torch.Generator().manual_seed(each) for each in seeds]


def entropy_by_hand(rows: np.ndarray) -> float:
    """By the singular values of the centred data instead of the eigenvalues of a covariance."""
    variances = np.linalg.svd(rows - rows.mean(axis=0), compute_uv=False) ** 2
    shares = variances / variances.sum()
    return float(-sum(p * math.log(p) for p in shares if p > 0))


def strided_by_hand(seed: int) -> tuple[float, float, float]:
    """Features and full Jacobian products of `Strided`, with float64 weights from the same draws."""
    weights, images, signs = drawn(seed)
    net = Strided().double()
    with torch.no_grad():
        for layer in (net.stem, net.same[1], net.down[1]):
            normal = torch.randn(layer.weight.shape, generator=weights).double()
            layer.weight.copy_(normal * math.sqrt(2 / layer.weight[0].numel()))
            layer.bias.zero_()
    x = torch.randn(AZ_BATCH, 3, 8, 8, generator=images).double()
    with torch.no_grad():
        f0 = net.stem(x)
    flat = [f0.permute(0, 2, 3, 1).reshape(-1, 4).numpy()]
    gains, start = [], f0
    for block in (net.same, net.down):
        start = start.detach().requires_grad_()
        out = block(start.clone())
        sign = torch.randint(2, out.permute(0, 2, 3, 1).shape, generator=signs, dtype=torch.float32).double() * 2 - 1
        back = torch.autograd.grad(out, start, sign.permute(0, 3, 1, 2))[0]
        out_high = out.shape[2]
        stride = 8 // out_high
        total = np.zeros((back.shape[1] * stride**2, out.shape[1]))
        for b in range(AZ_BATCH):
            for i in range(out_high):
                for j in range(out_high):
                    patch = back[b, :, i * stride : (i + 1) * stride, j * stride : (j + 1) * stride]
                    total += np.outer(patch.reshape(-1).numpy(), sign[b, i, j].numpy())
        gains.append(np.linalg.svd(total / (AZ_BATCH * out_high**2), compute_uv=False)[0])
        flat.append(out.detach().permute(0, 2, 3, 1).reshape(-1, out.shape[1]).numpy())
        start = out
    values = [entropy_by_hand(rows) for rows in flat]
    return sum(values), min(np.diff(values)), float(np.mean([2 - s - 1 / s for s in gains]))


@pytest.mark.parametrize("seed", [0, 5])
def test_formulas_by_hand(seed: int) -> None:
    assert scores_of(Strided(), images_of(3, 8, 8), seed=seed) == pytest.approx(strided_by_hand(seed), rel=1e-4)


def test_scores_of_given_evidence() -> None:
    """Four equal variances have entropy log 4; gains of 1, 2 and 1/2 give 0, -1/2 and -1/2."""
    response = StageResponse(spectra=[[1.0, 0.0], [3.0] * 4, [2.0, 2.0]], gains=[1.0, None, 2.0, 0.5])
    values = [PROXIES[name].score(Evidence(stages=response)) for name in NAMES]
    assert values == pytest.approx([math.log(8), -math.log(2), -1 / 3], rel=1e-12)


def test_a_block_that_passes_nothing_or_changes_nothing() -> None:
    evidence = Evidence(stages=StageResponse(spectra=[[1.0]] * 3, gains=[1.0, 0.0]))
    assert PROXIES["az_trainability"].score(evidence) == -math.inf
    unmatched = Evidence(stages=StageResponse(spectra=[[1.0]] * 2, gains=[None]))
    with pytest.raises(ProxyError, match="az_trainability expected a block whose output"):
        PROXIES["az_trainability"].score(unmatched)


def test_entropies_are_between_0_and_log_channels() -> None:
    spectra = np.random.default_rng(0).exponential(size=(20, 7)).tolist()
    values = entropies(spectra)
    assert ((values > 0) & (values <= math.log(7))).all()
    np.testing.assert_allclose(entropies([[1000 * v for v in row] for row in spectra]), values)
    assert entropies([[0.0, 0.0], [5.0, 0.0]]).tolist() == [-math.inf, 0.0]


def test_wide_features_have_the_spectrum_of_their_transpose() -> None:
    """More channels than positions: eigenvalues of the smaller product, with the same entropy."""
    net = nn.Sequential(
        nn.Flatten(), nn.Sequential(nn.Linear(12, 40), nn.Linear(40, 30), nn.Linear(30, 3), nn.Linear(3, 2))
    )
    response = stages_of(net, images_of(3, 2, 2))
    assert [len(spectrum) for spectrum in response.spectra] == [12, AZ_BATCH, AZ_BATCH, 3]
    assert np.isfinite(entropies(response.spectra)).all()


def test_the_gain_of_a_scaled_rotation() -> None:
    """Of a linear block with Jacobian A, the mean of (A^T g) g^T over positions tends to A^T."""
    net = nn.Sequential(nn.Conv2d(3, 3, 1, bias=False), nn.Conv2d(3, 3, 1, bias=False))
    batch = images_of(3, 64, 64)
    weights, _, _ = drawn(0)
    norms = []
    for _ in range(2):
        matrix = torch.randn(3, 3, 1, 1, generator=weights)[:, :, 0, 0].double() * math.sqrt(2 / 3)
        norms.append(torch.linalg.svdvals(matrix)[0].item())
    assert stages_of(net, batch).gains == pytest.approx(norms, rel=0.02)


def test_tokens() -> None:
    response = stages_of(Tokens(), images_of(3, 16, 16))
    assert [len(spectrum) for spectrum in response.spectra] == [6] * 4
    assert all(0.5 < gain < 5 for gain in response.gains)
    assert np.isfinite(scores_of(Tokens(), images_of(3, 16, 16))).all()


@pytest.mark.parametrize("make", [Strided, Tokens])
def test_the_head_does_not_matter(make: type[Strided] | type[Tokens]) -> None:
    batch = images_of(3, 16, 16)
    assert scores_of(make(classes=4), batch) == scores_of(make(classes=50), batch)


def test_weights_that_the_module_has_do_not_matter() -> None:
    torch.manual_seed(0)
    first = scores_of(Tokens(), images_of(3, 16, 16))
    torch.manual_seed(1)
    assert scores_of(Tokens(), images_of(3, 16, 16)) == first != scores_of(Tokens(), images_of(3, 16, 16), seed=1)


def test_images_without_padding_and_with_odd_sizes() -> None:
    """A 3x3 convolution without padding loses a border; one with stride 2 maps 7 pixels to 4."""
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3, stride=2, padding=1), nn.Conv2d(4, 2, 3))
    assert all(gain is not None and gain > 0 for gain in stages_of(net, images_of(3, 9, 9)).gains)


def test_positions_that_cannot_be_matched_are_left_out() -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 1), nn.ConvTranspose2d(4, 4, 2, stride=2), nn.Conv2d(4, 4, (1, 3), (1, 3)))
    gains = stages_of(net, images_of(3, 9, 9)).gains
    assert gains[0] is not None and gains[1:] == [None, None]


def test_dropout_is_off() -> None:
    def net(chance: float) -> nn.Module:
        body = [nn.Sequential(nn.Conv2d(3, 3, 1), nn.Dropout(chance)) for _ in range(2)]
        return nn.Sequential(*body)

    assert scores_of(net(0.5), images_of(3, 4, 4)) == scores_of(net(0.0), images_of(3, 4, 4))


def test_modules_without_blocks_are_named() -> None:
    with pytest.raises(ProxyError, match="expected Linear to have blocks, got neither"):
        scores_of(nn.Linear(3, 3), images_of(3, 4, 4))

    class Idle(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.blocks = nn.ModuleList([nn.Linear(1, 1)])

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x

    with pytest.raises(ProxyError, match="expected blocks of Idle to run"):
        scores_of(Idle(), images_of(3, 4, 4))


def test_inputs_that_are_no_images() -> None:
    """Vectors have no positions; numbers of words cannot be Gaussian."""
    net = nn.Sequential(nn.Linear(7, 5), nn.ReLU(), nn.Linear(5, 5))
    vectors = Batch(images=torch.zeros(2, 7), labels=torch.tensor([0, 1]), source="vectors")
    assert np.isfinite(scores_of(net, vectors)).all()
    words = Batch(images=torch.zeros(2, 7, dtype=torch.int64), labels=torch.tensor([0, 1]), source="words")
    with pytest.raises(ProxyError, match=r"expected float images, got torch\.int64"):
        scores_of(net, words)


def test_which_blocks() -> None:
    strided, tokens = Strided(), Tokens()
    assert blocks_of(strided) == [strided.same, strided.down]
    assert blocks_of(tokens) == list(tokens.layers)
    plain = nn.Sequential(nn.Conv2d(3, 3, 1), nn.ReLU(), nn.Dropout(), nn.Linear(4, 4))
    assert blocks_of(plain) == [plain[0]]


def nasbench_scores(dataset: str, vectors: list[list[int]]) -> np.ndarray:
    batch = noise_batch(task_of(SPACE, dataset), size=2, seed=0)
    recipe = Recipe(space="nasbench201", dataset=dataset, proxies=NAMES, batch=batch)
    return score_networks(recipe, np.array(vectors))


def test_nasbench201() -> None:
    """18 feature maps; disconnected networks have no features; equal for the data sets of one resolution."""
    vectors = [[CONV3, SKIP, CONV1, CONV3, POOL, CONV3], [0] * 6, [0, 0, 0, SKIP, 0, 0]]
    scores = nasbench_scores("cifar10", vectors)
    assert np.isfinite(scores[0]).all() and scores[0, 0] > 18 and scores[0, 2] < 0
    assert scores[1].tolist() == [-np.inf] * 3
    assert np.isfinite(scores[2, :2]).all() and scores[2, 2] == -np.inf
    assert scores[2, 1] <= 0  # a cell that is the identity adds nothing
    np.testing.assert_array_equal(nasbench_scores("cifar100", vectors), scores)
    module = SPACE.module(np.array(vectors[0]), dataset="cifar10", pruned=True)
    assert len(stages_of(module, images_of(3, 16, 16)).spectra) == 18
