"""Each proxy beside an evaluation of its paper's formula in float64 that shares no code with it."""

from __future__ import annotations

import copy
import math
from itertools import pairwise

import numpy as np
import pytest

from hwnas.errors import ProxyError
from hwnas.proxies import PROXIES, score_module
from hwnas.testing import ProxyContract

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402

from hwnas.proxies.batches import Batch  # noqa: E402
from hwnas.proxies.passes import gather  # noqa: E402
from hwnas.proxies.zen import ZEN_BATCH, ZEN_MIXUP, ZEN_REPEATS  # noqa: E402


@pytest.mark.parametrize("name", PROXIES)
class TestContract(ProxyContract):
    @pytest.fixture(autouse=True)
    def _choose(self, name: str) -> None:
        self.proxy = PROXIES[name]


def small_net() -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1, bias=False),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.Conv2d(4, 5, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(5, 3),
    ).double()


def batch_of(size: int = 6, dtype: torch.dtype = torch.float64) -> Batch:
    draw = torch.Generator().manual_seed(2)
    images = torch.randn(size, 3, 6, 6, generator=draw, dtype=dtype)
    return Batch(images=images, labels=torch.arange(size) % 3, source="random")


def score_of(name: str, module: nn.Module, batch: Batch, *, seed: int = 0) -> float:
    return score_module(module, batch, [PROXIES[name]], seed=seed)[name]


def differences(module: nn.Module, batch: Batch) -> list[tuple[np.ndarray, np.ndarray]]:
    """Weights of convolutions and linear layers with central differences of the cross entropy."""
    net = copy.deepcopy(module).train()

    def loss() -> float:
        with torch.no_grad():
            scores = net(batch.images).numpy()
        scores = scores - scores.max(axis=1, keepdims=True)
        chosen = scores[np.arange(len(scores)), batch.labels.numpy()]
        return float(np.mean(np.log(np.exp(scores).sum(axis=1)) - chosen))

    found = []
    for layer in (net[0], net[3], net[7]):
        weight, step = layer.weight.data.view(-1), 1e-5
        gradient = np.empty(len(weight))
        for i in range(len(weight)):
            kept = weight[i].item()
            weight[i] = kept + step
            above = loss()
            weight[i] = kept - step
            gradient[i] = (above - loss()) / (2 * step)
            weight[i] = kept
        found.append((weight.numpy().copy(), gradient))
    return found


def test_grad_norm_and_snip_by_finite_differences() -> None:
    module, batch = small_net(), batch_of()
    layers = differences(module, batch)
    expected = sum(np.sqrt((gradient**2).sum()) for _, gradient in layers)
    assert score_of("grad_norm", module, batch) == pytest.approx(expected, rel=1e-6)
    expected = sum(np.abs(weight * gradient).sum() for weight, gradient in layers)
    assert score_of("snip", module, batch) == pytest.approx(expected, rel=1e-6)


def test_synflow_is_the_product_of_absolute_matrices() -> None:
    """In a chain without biases every layer carries the whole flow R = 1ᵀ|W3||W2||W1|1 (Tanaka 2020, theorem 1)."""
    torch.manual_seed(0)
    sizes = (12, 7, 5, 4)
    layers = [nn.Linear(a, b, bias=False) for a, b in pairwise(sizes)]
    module = nn.Sequential(nn.Flatten(), layers[0], nn.BatchNorm1d(7), nn.ReLU(), layers[1], nn.ReLU(), layers[2])
    flow = np.ones(12)
    for layer in layers:
        flow = np.abs(layer.weight.detach().double().numpy()) @ flow
    batch = Batch(images=torch.randn(2, 3, 2, 2), labels=torch.zeros(2, dtype=torch.int64), source="random")
    assert score_of("synflow", module, batch) == pytest.approx(math.log(3 * flow.sum()), rel=1e-12)
    evidence = gather(module, batch, {"synflow"})
    for layer in evidence.synflow:
        assert (layer.weight * layer.gradient).sum().item() == pytest.approx(flow.sum(), rel=1e-12)


def test_synflow_by_an_explicit_sum_of_paths() -> None:
    """Two parallel branches: the flow is the sum over all paths of the products of their absolute weights."""

    class Branches(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b, self.c = (nn.Conv2d(3, 1, 1, bias=False) for _ in range(3))
            self.head = nn.Linear(1, 2, bias=False)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.head((self.a(x) + self.b(torch.relu(x))).flatten(1))

    torch.manual_seed(0)
    module = Branches()
    weights = {n: np.abs(p.detach().double().numpy()).ravel() for n, p in module.named_parameters()}
    flow = sum(v * out for n in ("a.weight", "b.weight") for v in weights[n] for out in weights["head.weight"])
    batch = Batch(images=torch.randn(2, 3, 1, 1), labels=torch.zeros(2, dtype=torch.int64), source="random")
    # Every path passes a or b once and the head once; the unused layer c carries nothing.
    assert score_of("synflow", module, batch) == pytest.approx(math.log(2 * flow), rel=1e-12)


def test_synflow_is_conserved_layer_by_layer() -> None:
    """What flows through each layer of a network without biases is the same number (Tanaka 2020, theorem 1)."""
    module = small_net()
    module[3].bias.data.zero_()
    module[7].bias.data.zero_()
    flows = [(pair.weight * pair.gradient).sum().item() for pair in gather(module, batch_of(), {"synflow"}).synflow]
    assert flows == pytest.approx([flows[0]] * 3, rel=1e-12)


def test_synflow_beyond_float32() -> None:
    """40 layers that multiply by 100 each: 1e80, where float32 ends at 3e38."""
    layers = [nn.Linear(1, 1, bias=False) for _ in range(40)]
    for layer in layers:
        layer.weight.data.fill_(-100.0)
    module = nn.Sequential(nn.Flatten(), *layers)
    batch = Batch(images=torch.zeros(1, 1, 1, 1), labels=torch.zeros(1, dtype=torch.int64), source="zero")
    assert score_of("synflow", module, batch) == pytest.approx(math.log(40) + 80 * math.log(10), rel=1e-12)


def test_naswot_by_explicit_codes() -> None:
    """K = C Cᵀ + (1-C)(1-C)ᵀ with a row of zeros and ones for each image (Mellor 2021)."""
    module, batch = small_net(), batch_of()
    net = copy.deepcopy(module).train()
    with torch.no_grad():
        first = net[1](net[0](batch.images))
        second = net[3](first.clamp(min=0))
    codes = np.concatenate([(x.numpy() > 0).reshape(6, -1) for x in (first, second)], axis=1).astype(np.float64)
    kernel = codes @ codes.T + (1 - codes) @ (1 - codes).T
    assert score_of("naswot", module, batch) == pytest.approx(np.linalg.slogdet(kernel)[1], rel=1e-12)


def test_naswot_eval_is_that_of_a_new_network_in_evaluation_mode() -> None:
    """Batch norm then divides by the root of 1 + 1e-5, which changes no sign."""
    module, batch = small_net(), batch_of()
    net = copy.deepcopy(module).eval()
    assert any(isinstance(layer, nn.BatchNorm2d) for layer in net.modules())
    patterns = []
    for layer in net.modules():
        if isinstance(layer, nn.ReLU):
            layer.register_forward_pre_hook(lambda _layer, inputs: patterns.append(inputs[0].reshape(6, -1) > 0))
    with torch.no_grad():
        net(batch.images)
    codes = torch.cat(patterns, dim=1).numpy().astype(np.float64)
    kernel = codes @ codes.T + (1 - codes) @ (1 - codes).T
    assert score_of("naswot_eval", module, batch) == pytest.approx(np.linalg.slogdet(kernel)[1], rel=1e-12)
    assert score_of("naswot", module, batch) != score_of("naswot_eval", module, batch)


def test_naswot_counts_a_relu_each_time_it_runs() -> None:
    """One that runs twice, and a tensor that was changed in place between two ReLUs."""

    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.relu, self.shift = nn.ReLU(), nn.Parameter(torch.zeros(1))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = x + self.shift
            first = self.relu(x)
            x.sub_(0.5)
            return (first + self.relu(x)).flatten(1)

    batch = batch_of()
    x = batch.images.numpy().reshape(6, -1)
    codes = np.concatenate([x > 0, x > 0.5], axis=1).astype(np.float64)
    kernel = codes @ codes.T + (1 - codes) @ (1 - codes).T
    assert score_of("naswot", Twice().double(), batch) == pytest.approx(np.linalg.slogdet(kernel)[1], rel=1e-12)


@pytest.mark.parametrize("activation", [nn.GELU(), nn.SiLU(), nn.Hardswish(), nn.ReLU6(inplace=True), nn.PReLU()])
def test_naswot_of_another_activation_is_that_of_a_relu(activation: nn.Module) -> None:
    """Units are told apart by the sign of their input. A sigmoid is a gate, of which no unit is on or off."""
    module, batch = nn.Sequential(nn.Flatten(), nn.Linear(108, 40), activation, nn.Linear(40, 3)).double(), batch_of()
    found = score_of("naswot", module, batch)
    module[2] = nn.ReLU()
    assert found == score_of("naswot", module, batch)
    module[2] = nn.Sigmoid()
    with pytest.raises(ProxyError, match=r"activations such as nn\.ReLU"):
        score_of("naswot", module, batch)


def test_naswot_of_equal_images_is_minus_infinity() -> None:
    images = batch_of(2).images[:1].repeat(2, 1, 1, 1)
    batch = Batch(images=images, labels=torch.tensor([0, 1]), source="one image twice")
    assert score_of("naswot", small_net(), batch) == -math.inf


def zen_by_hand(seed: int) -> float:
    """Algorithm 1 of Lin 2021 on `small_net`, the draws repeated in their order, everything else in float64."""
    draw = torch.Generator().manual_seed(seed)
    scores = []
    for _ in range(ZEN_REPEATS):
        conv1, conv2, _head = (
            torch.empty(shape).normal_(generator=draw).double() for shape in ((4, 3, 3, 3), (5, 4, 3, 3), (3, 5))
        )
        like = torch.empty(ZEN_BATCH, 3, 6, 6).to(memory_format=torch.channels_last)
        x = torch.empty_like(like).normal_(generator=draw).double()
        moved = x + ZEN_MIXUP * torch.empty_like(like).normal_(generator=draw).double()
        features, log_sigma = [], 0.0
        for images in (moved, x):
            hidden = functional.conv2d(images, conv1, padding=1)
            values = hidden.transpose(0, 1).reshape(4, -1)
            mean, biased = values.mean(1), values.var(1, unbiased=False)
            hidden = (hidden - mean[None, :, None, None]) / (biased + 1e-5).sqrt()[None, :, None, None]
            features.append(functional.conv2d(hidden.clamp(min=0), conv2, stride=2, padding=1).clamp(min=0))
            log_sigma = 0.5 * math.log(values.var(1, unbiased=True).mean().item() + 1e-5)
        change = (features[0] - features[1]).flatten(1).pow(2).sum(1).sqrt().mean().item()
        scores.append(math.log(change) + log_sigma)
    return float(np.mean(scores))


def test_zen_by_hand() -> None:
    module, batch = small_net().float(), batch_of(dtype=torch.float32)
    for seed in (0, 3):
        assert score_of("zen", module, batch, seed=seed) == pytest.approx(zen_by_hand(seed), rel=1e-4)
    assert abs(zen_by_hand(0) - zen_by_hand(3)) > 1e-2


def test_zen_does_not_see_the_scale_of_the_weights() -> None:
    """Weights are drawn anew: a convolution before a batch norm may be scaled at will."""
    module, batch = small_net().float(), batch_of(dtype=torch.float32)
    before = score_of("zen", module, batch)
    module[0].weight.data *= 1000
    assert score_of("zen", module, batch) == before


def test_scores_together_are_the_scores_alone() -> None:
    module, batch = small_net().float(), batch_of(dtype=torch.float32)
    proxies = [proxy for proxy in PROXIES.values() if "graph" not in proxy.needs]
    together = score_module(module, batch, proxies)
    assert together == {proxy.name: score_of(proxy.name, module, batch) for proxy in proxies}
