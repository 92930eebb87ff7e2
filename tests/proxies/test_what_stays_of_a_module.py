"""Passes change of a module what their paper says, and leave alone what is somebody's own."""

from __future__ import annotations

import gc
import math
import weakref

import pytest

from hwnas.errors import ProxyError
from hwnas.proxies import get_proxy, score_module

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402

from hwnas.proxies.batches import Batch  # noqa: E402
from hwnas.proxies.inspection import inspect  # noqa: E402
from hwnas.proxies.passes import gather  # noqa: E402
from hwnas.proxies.passes.supervised import observe_activations  # noqa: E402

WITHOUT_DROPOUT = ("zen", "synflow", "linear_regions", "nngp", "naswot_eval", "swap", "near", "meco")
WIDTH = 8


class OwnNorm(nn.BatchNorm2d):
    """A batch norm with its activation, which calls torch's class."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        self.act = nn.ReLU()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.act(super().forward(x))


class FunctionalNorm(OwnNorm):
    """The same written out, as timm's BatchNormAct2d is."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        mean, variance = self.running_mean, self.running_var
        if self.training and not self.track_running_stats:
            mean = variance = None
        training = self.training or mean is None
        y = functional.batch_norm(x, mean, variance, self.weight, self.bias, training, self.momentum, self.eps)
        return self.act(y)


class StochasticDepth(nn.Module):
    """Whole images are left out, by a function that knows the mode alone."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.dropout(x.mean((1, 2, 3), keepdim=True).sign().abs(), 0.3, self.training) * x


def network(*, norm: type[nn.Module] | None = None, between: tuple[nn.Module, ...] = (), act: nn.Module | None = None):
    torch.manual_seed(0)
    layers: list[nn.Module] = []
    for channels in (3, WIDTH, WIDTH):
        layers.append(nn.Conv2d(channels, WIDTH, 3, padding=1, bias=False))
        layers += [norm(WIDTH)] if norm else [nn.BatchNorm2d(WIDTH), act or nn.ReLU()]
        layers += between
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(WIDTH, 3))


def batch_of(size: int = 8, pixels: int = 8) -> Batch:
    images = torch.randn(size, 3, pixels, pixels, generator=torch.Generator().manual_seed(0))
    return Batch(images=images, labels=torch.arange(size) % 3, source="random")


def scores(module: nn.Module, *names: str, seed: int = 0) -> dict[str, float]:
    return score_module(module, batch_of(), [get_proxy(name) for name in names], seed=seed)


@pytest.mark.parametrize("layer", [nn.Dropout2d(0.3), nn.Dropout(0.5), StochasticDepth()])
def test_dropout_is_off_where_nothing_is_trained(layer: nn.Module) -> None:
    module = network(between=(layer,))
    before = {name: flag.training for name, flag in module.named_modules()}
    expected = scores(network(), *WITHOUT_DROPOUT)
    assert scores(module, *WITHOUT_DROPOUT) == pytest.approx(expected, rel=1e-6)
    assert scores(module, "snip") != scores(network(), "snip")
    assert {name: flag.training for name, flag in module.named_modules()} == before


def test_dropout_is_off_in_attention() -> None:
    """In evaluation mode torch would run a kernel of its own, which shows no layer to look at."""

    def transformer(dropout: float) -> nn.Module:
        torch.manual_seed(0)
        layer = nn.TransformerEncoderLayer(WIDTH, 2, 16, dropout, nn.ReLU(), batch_first=True)
        tokens = nn.Sequential(nn.Conv2d(3, WIDTH, 4, 4), nn.Flatten(2))
        encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        return Transposed(tokens, encoder, nn.Linear(WIDTH, 3))

    names = ("nngp", "linear_regions", "naswot_eval")
    assert scores(transformer(0.4), *names) == scores(transformer(0.0), *names)
    assert torch.backends.mha.get_fastpath_enabled()


class Transposed(nn.Module):
    def __init__(self, tokens: nn.Module, encoder: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.tokens, self.encoder, self.head = tokens, encoder, head

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.encoder(self.tokens(x).transpose(1, 2)).mean(1))


@pytest.mark.parametrize("norm", [OwnNorm, FunctionalNorm])
def test_a_batch_norm_with_an_activation_keeps_it(norm: type[nn.Module]) -> None:
    names = ("zen", "grasp", "grad_sign", "naswot", "naswot_eval", "synflow", "linear_regions")
    module = network(norm=norm)
    assert scores(module, *names) == scores(network(), *names)
    assert not any("forward" in layer.__dict__ for layer in module.modules())


def test_a_forward_that_somebody_put_on_a_batch_norm_is_kept() -> None:
    module = network(act=nn.Identity())
    for norm in [layer for layer in module.modules() if isinstance(layer, nn.BatchNorm2d)]:
        norm.forward = lambda x, norm=norm: nn.BatchNorm2d.forward(norm, x).relu()
    own = module[1].forward
    names = ("grasp", "grad_sign")
    assert scores(module, *names) == pytest.approx(scores(network(), *names), rel=1e-5)
    assert module[1].forward is own


def test_zen_sees_the_slope_of_a_prelu() -> None:
    found = {slope: scores(network(act=nn.PReLU(init=slope)), "zen")["zen"] for slope in (0.0, 0.25, 1.0)}
    assert found[0.0] == scores(network(), "zen")["zen"]
    assert found[1.0] == scores(network(act=nn.Identity()), "zen")["zen"]
    assert len({*found.values()}) == 3


class Parts(nn.Module):
    """A feature map, a gate of squeeze-and-excitation on it, then `tail`, pooled in one of several ways."""

    def __init__(self, pool, *, gate: bool = True) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first = nn.Sequential(nn.Conv2d(3, WIDTH, 3, padding=1), nn.BatchNorm2d(WIDTH), nn.ReLU())
        self.squeeze = nn.AdaptiveAvgPool2d(1)
        self.gate = nn.Conv2d(WIDTH, WIDTH, 1) if gate else None
        self.tail = nn.Sequential(nn.Conv2d(WIDTH, WIDTH, 3, padding=1, bias=False), nn.BatchNorm2d(WIDTH), nn.ReLU())
        self.head, self.pool = nn.Linear(WIDTH, 3), pool

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.first(x)
        if self.gate is not None:
            x = x * self.gate(self.squeeze(x)).sigmoid()
        return self.head(self.pool(self.tail(x)).flatten(1)[:, :WIDTH])


@pytest.mark.parametrize(
    "pool",
    [
        lambda x: x.mean((2, 3)),
        lambda x: x.mean(dim=[-1, -2], keepdim=True),
        lambda x: torch.mean(x, dim=(2, 3)),
        lambda x: functional.adaptive_avg_pool2d(x, 1),
        nn.AvgPool2d(8),
        nn.AdaptiveAvgPool2d(2),
    ],
)
def test_zen_reads_what_is_pooled_before_the_classifier(pool) -> None:
    expected = scores(Parts(nn.AdaptiveAvgPool2d(1)), "zen")
    assert scores(Parts(pool), "zen") == expected


def test_zen_refuses_a_network_that_pools_for_its_gates_alone() -> None:
    with pytest.raises(ProxyError, match="zen reads the last feature map: expected Parts to pool it by"):
        scores(Parts(lambda x: x.amax((2, 3))), "zen")


def test_zen_counts_each_run_of_a_batch_norm() -> None:
    """With scales drawn anew, one norm that runs three times does what three norms do."""
    shared = network()
    shared[4] = shared[7] = shared[1]
    assert scores(shared, "zen") == scores(network(), "zen")
    assert len(gather(shared, batch_of(), {"gaussian"}).gaussian.log_spread) == 4


def test_zen_weighs_batch_norms_that_track_nothing() -> None:
    untracked = network()
    for place in (1, 4, 7):
        untracked[place] = nn.BatchNorm2d(WIDTH, track_running_stats=False)
    assert scores(untracked, "zen") == scores(network(), "zen")
    assert not untracked[1].track_running_stats and untracked[1].running_var is None


class Blur(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("kernel", torch.full((WIDTH, 1, 3, 3), 1 / 9))
        self.register_buffer("offsets", torch.arange(3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.conv2d(x, self.kernel, stride=2, padding=1, groups=WIDTH)


def test_synflow_of_a_network_with_numbers_that_are_no_parameters() -> None:
    blur, layer = Blur(), nn.Conv2d(WIDTH, WIDTH, 3, 2, 1, groups=WIDTH, bias=False)
    layer.weight.data = blur.kernel.clone()
    kernel, content = blur.kernel, blur.kernel.clone()
    pairs = [pair.weight * pair.gradient for pair in gather(network(between=(blur,)), batch_of(), {"synflow"}).synflow]
    expected = gather(network(between=(layer,)), batch_of(), {"synflow"}).synflow
    weighted = [pair.weight * pair.gradient for pair in expected if pair.weight.shape[1] != 1]
    assert [p.sum().item() for p in pairs] == pytest.approx([p.sum().item() for p in weighted], rel=1e-12)
    assert blur.kernel is kernel and kernel.dtype == torch.float32 and torch.equal(kernel, content)


@pytest.mark.parametrize(
    ("norm", "kind"), [(lambda c: nn.GroupNorm(2, c), "GroupNorm"), (nn.InstanceNorm2d, "InstanceNorm2d")]
)
def test_norms_that_synflow_and_zen_know_nothing_of_are_said(norm, kind: str) -> None:
    (note,) = inspect(network(norm=norm), batch_of().images, seed=0).notes
    assert note.startswith("synflow and zen take away the effect of batch norms alone") and f": {kind} in" in note
    assert inspect(network(norm=OwnNorm), batch_of().images, seed=0).notes == ()


@pytest.mark.parametrize("classes", [10, 101])
def test_epe_nas_without_two_images_of_a_class(classes: int) -> None:
    module = nn.Sequential(nn.Flatten(), nn.Linear(192, 12), nn.ReLU(), nn.Linear(12, classes))
    batch = Batch(images=batch_of().images, labels=torch.arange(8), source="random")
    with pytest.raises(ProxyError, match="epe_nas expected a class with several images"):
        score_module(module, batch, [get_proxy("epe_nas")])


class TokensFirst(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed, self.act, self.head = nn.Linear(48, WIDTH), nn.ReLU(), nn.Linear(WIDTH, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        tokens = x.reshape(len(x), 4, 48).transpose(0, 1)
        return self.head(self.act(self.embed(tokens))).mean(0)


@pytest.mark.parametrize("name", ["naswot", "naswot_eval"])
def test_naswot_wants_the_images_first(name: str) -> None:
    with pytest.raises(ProxyError, match=r"input of act to have a row for each of 8 images, got shape \(4, 8, 8\)"):
        scores(TokensFirst(), name)


def test_activations_that_were_looked_at_are_let_go() -> None:
    relu, kernel = nn.ReLU(), torch.zeros(4, 4, dtype=torch.float64)
    with observe_activations(relu, kernel), torch.no_grad():
        x = torch.randn(4, 9)
        relu(x)
        once = kernel.clone()
        relu(x)
        assert torch.equal(kernel, 2 * once)
        gone = weakref.ref(x)
        del x
        gc.collect()
        assert gone() is None
    assert math.isfinite(kernel.sum().item())


def test_a_module_built_in_inference_mode_is_told_apart() -> None:
    with torch.inference_mode():
        module = network()
    with pytest.raises(ProxyError, match=r"expected Sequential to be built outside torch\.inference_mode"):
        inspect(module, batch_of().images, seed=0)


def test_params_says_what_it_counts() -> None:
    module = network().requires_grad_(False)
    counted = inspect(module, batch_of().images, seed=0).counts["params"]
    assert counted == sum(p.numel() for p in module.parameters()) and "frozen ones too" in get_proxy("params").title
