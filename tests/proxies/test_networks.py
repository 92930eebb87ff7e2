"""Scores of any module: what each proxy gives, and why it cannot."""

from __future__ import annotations

import math

import pytest

from hwnas.errors import ProxyError
from hwnas.proxies import PROXIES, get_proxy, score_module

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402

from hwnas.proxies.batches import Batch  # noqa: E402
from hwnas.proxies.inspection import inspect  # noqa: E402
from hwnas.proxies.networks import NetworkScores, score_network  # noqa: E402

USUAL = ("params", "flops", "zen", "naswot", "synflow", "grad_norm", "snip", "fisher", "plain", "l2_norm", "jacob_cov",
         "epe_nas")  # fmt: skip
WIDTH, TOKENS = 8, 16


class Attention(nn.Module):
    """Attention as timm writes it."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        q, k, v = self.qkv(x).unflatten(2, (3, 2, WIDTH // 2)).permute(2, 0, 3, 1, 4)
        return self.out(functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


class Torchs(nn.Module):
    """Attention as torch writes it."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(WIDTH, 2, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.attention(x, x, x, need_weights=False)[0]


class Transformer(nn.Module):
    """One block on patches of 2x2 pixels, with a class token left out."""

    def __init__(self, attention: type[nn.Module]) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, WIDTH, 2, 2)
        self.positions = nn.Parameter(torch.randn(1, TOKENS, WIDTH))
        self.norms = nn.ModuleList([nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)])
        self.attention = attention()
        self.mlp = nn.Sequential(nn.Linear(WIDTH, 16), nn.GELU(), nn.Dropout(0.5), nn.Linear(16, WIDTH))
        self.head = nn.Linear(WIDTH, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.patches(x).flatten(2).transpose(1, 2) + self.positions
        x = x + self.attention(self.norms[0](x))
        x = x + self.mlp(self.norms[1](x))
        return self.head(x.mean(dim=1))


def transformer_flops(*, queries_keys_values: int = 3) -> int:
    """Counted by hand, two for each multiply-accumulate."""
    patches = TOKENS * WIDTH * 3 * 2 * 2
    attention = TOKENS * WIDTH * WIDTH * (queries_keys_values + 1) + 2 * TOKENS * TOKENS * WIDTH
    return 2 * (patches + attention + 2 * TOKENS * WIDTH * 16 + WIDTH * 3)


def convolutions() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(4, 3),
    )  # fmt: skip


class Made(nn.Module):
    """A module of a function, with layers that the function finds in `self.layers`."""

    def __init__(self, run, *layers: nn.Module) -> None:
        super().__init__()
        self.run, self.layers = run, nn.ModuleList(layers)

    def forward(self, x: torch.Tensor):
        return self.run(self.layers, x)


def batch_of(*shape: int, size: int = 8, **others: object) -> Batch:
    images = torch.randn(size, *(shape or (3, 8, 8)), generator=torch.Generator().manual_seed(0))
    return Batch(**{"images": images, "labels": torch.arange(size) % 3, "source": "random"} | others)


def scored(
    module: nn.Module, batch: Batch | None = None, names: tuple[str, ...] = USUAL, seed: int = 0
) -> NetworkScores:
    batch = batch or batch_of()
    inspection = inspect(module, batch.images, seed=seed)
    found = score_network(module, batch, [get_proxy(name) for name in names], inspection=inspection, seed=seed)
    assert {*found.scores} | {*found.reasons} == {*names} and not {*found.scores} & {*found.reasons}
    return found


def test_a_convolutional_network_gets_what_the_engine_gives() -> None:
    module, batch = convolutions(), batch_of()
    found = scored(module, batch)
    assert not found.reasons and found.batch_size == 8
    assert found.scores["params"] == sum(p.numel() for p in module.parameters()) == 3 * 4 * 9 + 4 + 8 + 15
    assert found.scores["flops"] == 2 * (64 * 4 * 27 + 12)
    learned = [get_proxy(name) for name in USUAL[2:]]
    assert {name: found.scores[name] for name in USUAL[2:]} == score_module(module, batch, learned)


def test_zen_reads_a_map_that_is_pooled_by_a_mean() -> None:
    class Mean(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.mean((2, 3))

    layers = [nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU()]
    heads = ((Mean(),), (nn.AdaptiveAvgPool2d(1), nn.Flatten()))
    one, other = (scored(nn.Sequential(*layers, *head), names=("zen",)).scores["zen"] for head in heads)
    assert one == other
    assert "nothing that is pooled" in scored(nn.Sequential(*layers, nn.Flatten()), names=("zen",)).reasons["zen"]


@pytest.mark.parametrize("attention", [Attention, Torchs])
def test_a_vision_transformer(attention: type[nn.Module]) -> None:
    """Both kinds of attention are counted in full, though torch runs them by kernels that its counter does not know."""
    module = Transformer(attention).eval()
    found = scored(module)
    assert found.scores["flops"] == transformer_flops()
    assert "expected Transformer to pool it by nn.AdaptiveAvgPool2d" in found.reasons["zen"]
    assert ("fisher" in found.reasons) == (attention is Torchs)
    given = {"naswot", "synflow", "grad_norm", "snip", "jacob_cov", "epe_nas", "plain", "l2_norm"}
    assert {*USUAL} - {*found.reasons} >= given
    assert all(math.isfinite(score) for score in found.scores.values())


def test_weights_inside_attention_are_read() -> None:
    """torch's attention holds queries, keys and values as one matrix of its own."""
    module = Transformer(Torchs)
    weights = [p for name, p in module.named_parameters() if name.endswith("weight") and p.ndim > 1]
    assert len(weights) == 6
    assert scored(module).scores["l2_norm"] == pytest.approx(sum(w.detach().norm().item() for w in weights), rel=1e-6)


def test_every_proxy_on_a_transformer_gives_a_score_or_a_reason() -> None:
    found = scored(Transformer(Attention), names=tuple(PROXIES))
    assert all(reason and "\n" not in reason for reason in found.reasons.values())


def test_tied_weights_count_once() -> None:
    layer, other = nn.Linear(6, 6), nn.Linear(6, 6)
    other.weight = layer.weight
    head = nn.Linear(6, 3)
    tied = scored(nn.Sequential(layer, nn.ReLU(), other, nn.ReLU(), head), batch_of(6))
    assert tied.scores["params"] == 36 + 6 + 6 + 21
    norms = sum(w.detach().norm().item() for w in (layer.weight, head.weight))
    assert tied.scores["l2_norm"] == pytest.approx(norms, rel=1e-6)


def test_a_layer_that_runs_twice() -> None:
    """The sum of its gradients, as autograd gives it; fisher looks at outputs and says no."""
    layer, head = nn.Linear(6, 6), nn.Linear(6, 3)
    module, batch = nn.Sequential(layer, nn.ReLU(), layer, head), batch_of(6)
    found = scored(module, batch)
    functional.cross_entropy(module(batch.images), batch.labels).backward()
    by_hand = sum((w * w.grad).abs().sum().item() for w in (layer.weight, head.weight))
    assert found.scores["snip"] == pytest.approx(by_hand, rel=1e-5)
    assert "got two runs of Linear" in found.reasons["fisher"]


def test_without_parameters() -> None:
    module = nn.Sequential(nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    found = scored(module)
    assert "naswot" in found.scores
    assert found.scores["params"] == found.scores["flops"] == 0
    for name in ("snip", "synflow", "l2_norm", "zen", "fisher"):
        assert "expected a module with weighted layers" in found.reasons[name]


def no_grad(layers, x):
    with torch.no_grad():
        return layers[0](x.flatten(1))


@pytest.mark.parametrize("run", [no_grad, lambda layers, x: layers[0](x.flatten(1)).detach()])
def test_what_cannot_be_differentiated(run) -> None:
    found = scored(Made(run, nn.Linear(192, 3)))
    for name in ("snip", "grad_norm", "plain", "fisher", "synflow", "jacob_cov", "epe_nas"):
        assert "expected Made to be differentiable" in found.reasons[name]
    assert found.scores["l2_norm"] > 0 and found.scores["params"] == 579


def test_a_frozen_backbone_is_said() -> None:
    def run(layers, x):
        with torch.no_grad():
            x = layers[0](x.flatten(1))
        return layers[1](x.relu())

    module = Made(run, nn.Linear(192, 5), nn.Linear(5, 3))
    (note,) = inspect(module, batch_of().images, seed=0).notes
    assert note.startswith("1 of 2 weights do not lead to the logits")
    assert scored(module).scores["snip"] > 0
    frozen = convolutions().requires_grad_(False)
    assert inspect(frozen, batch_of().images, seed=0).notes == ()  # frozen is not cut off
    assert scored(frozen).scores["snip"] > 0


def test_tokens_and_features() -> None:
    """Integers have no gradient and take no noise; vectors are no images."""
    tokens = Batch(images=torch.randint(9, (6, 5)), labels=torch.arange(6) % 3, source="tokens")
    module = Made(lambda layers, x: layers[1](layers[0](x).mean(1)), nn.Embedding(9, 4), nn.Linear(4, 3))
    found = scored(module, tokens)
    for name in ("jacob_cov", "synflow", "epe_nas"):
        assert "expected float images" in found.reasons[name] and "int64" in found.reasons[name]
    assert found.scores["snip"] > 0
    assert "leave out 36 parameters" in inspect(module, tokens.images, seed=0).notes[0]
    flat = scored(nn.Sequential(nn.Linear(6, 4), nn.ReLU(), nn.Linear(4, 3)), batch_of(6))
    assert {*flat.reasons} == {"zen"}


def test_half_precision() -> None:
    module, images = convolutions().to(torch.bfloat16), batch_of().images.to(torch.bfloat16)
    found = scored(module, batch_of(images=images))
    full = scored(module.float())
    assert found.scores["snip"] == pytest.approx(full.scores["snip"], rel=0.05)
    assert found.scores["flops"] == full.scores["flops"]


def test_a_weight_that_is_computed_is_named() -> None:
    module = nn.Sequential(nn.Flatten(), nn.utils.parametrizations.weight_norm(nn.Linear(192, 3)))
    reasons = scored(module, names=("snip", "grasp", "zico", "grad_sign", "ntk_cond")).reasons
    assert len(reasons) == 5 and all("remove it first" in reason for reason in reasons.values())


@pytest.mark.parametrize(
    ("run", "got", "wrap"),
    [
        (lambda layers, x: (layers[0](x), x), "a tuple", "self.model(x)[0]"),
        (lambda layers, x: {"out": layers[0](x)}, "a dict with out", "self.model(x)['...']"),
        (lambda layers, x: layers[0](x).argmax(1), "torch.int64 of shape (1,)", "wrap it"),
        (lambda layers, x: layers[0](x)[:, :, None], "torch.float32 of shape (1, 3, 1)", "self.model(x).flatten(1)"),
        (lambda layers, x: Output(layers[0](x)), "a Output with .logits", "self.model(x).logits"),
    ],
)
def test_how_to_wrap(run, got: str, wrap: str) -> None:
    with pytest.raises(ProxyError) as raised:
        inspect(Made(run, nn.Linear(6, 3)), batch_of(6).images, seed=0)
    assert got in str(raised.value) and wrap in str(raised.value)


class Output:
    def __init__(self, logits: torch.Tensor) -> None:
        self.logits = logits


def test_a_module_that_does_not_run_is_told_with_its_line() -> None:
    with pytest.raises(ProxyError, match=r"on an image of shape \(1, 1, 8, 8\).*RuntimeError: .*1 channels"):
        inspect(convolutions(), batch_of(1, 8, 8).images, seed=0)
    module = Made(lambda layers, x: x.nonsense(), nn.Linear(6, 3))
    with pytest.raises(ProxyError, match=r"AttributeError.*test_networks\.py:\d+: module = Made\(lambda layers, x"):
        inspect(module, batch_of(6).images, seed=0)
    for valueless in (nn.LazyLinear(3), nn.Linear(192, 3, device="meta")):
        with pytest.raises(ProxyError, match="got lazy or meta ones without values"):
            inspect(nn.Sequential(nn.Flatten(), valueless), batch_of().images, seed=0)


def test_one_image() -> None:
    torch.manual_seed(0)  # with some weights all four units are off
    found = scored(nn.Sequential(nn.Flatten(), nn.Linear(192, 4), nn.ReLU(), nn.Linear(4, 3)), batch_of(size=1))
    for name in ("naswot", "jacob_cov", "epe_nas"):
        assert found.reasons[name] == (
            f"{name} compares images: expected a batch of at least 2, got 1; give a larger batch"
        )
    assert found.scores["snip"] > 0
    with pytest.raises(ProxyError, match="naswot compares images"):
        score_module(nn.Sequential(nn.ReLU(), nn.Flatten()), batch_of(size=1), [get_proxy("naswot")])


def hungry(most: int, error: Exception) -> nn.Module:
    def run(layers, x):
        if len(x) > most:
            raise error
        return layers[0](x)

    return Made(run, convolutions())


@pytest.mark.parametrize(
    "error",
    [
        torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:128] err == 0. DefaultCPUAllocator: can't allocate memory"),
        MemoryError(),
    ],
)
def test_out_of_memory(error: Exception) -> None:
    """Half the images, and half of those; zen's noise does not shrink, that is its reason."""
    batch, names = batch_of(), ("snip", "naswot", "zen", "synflow")
    found = scored(hungry(3, error), batch, names)
    assert found.batch_size == 2 and type(error).__name__ in found.reasons["zen"]
    first_two = Batch(images=batch.images[:2], labels=batch.labels[:2], source="first two")
    module = hungry(16, error)  # zen's noise has 16 images
    assert not scored(module, batch, names).reasons
    expected = scored(module, first_two, names)
    module.run = hungry(3, error).run
    assert scored(module, batch, names).scores == {
        name: expected.scores[name] for name in ("synflow", "snip", "naswot")
    }
    barely = scored(hungry(1, error), batch, names)
    assert {*barely.scores} == {"synflow", "snip"} and barely.batch_size == 1 and "compares" in barely.reasons["naswot"]


def test_another_error_is_a_reason_and_not_tried_again() -> None:
    seen: list[int] = []

    def run(layers, x):
        seen.append(len(x))
        if len(x) > 1:
            raise ValueError("several images")
        return layers[0](x)

    found = scored(Made(run, convolutions()), names=("snip", "naswot", "synflow", "l2_norm"))
    assert found.batch_size == 8 and {*found.scores} == {"synflow", "l2_norm"}
    assert found.reasons["snip"].startswith("ValueError: several images (")
    assert max(seen) == 8 and 4 not in seen


def test_a_loss_of_ones_own() -> None:
    """Squared error against vectors; its gradient by hand. epe_nas wants classes."""
    layer, images, target = nn.Linear(6, 3, bias=False), batch_of(6).images, torch.randn(8, 3)
    batch = Batch(images=images, labels=target, source="regression", loss=lambda out, y: ((out - y) ** 2).sum() / 8)
    found = scored(layer, batch, ("snip", "plain", "grad_norm", "epe_nas"))
    with torch.no_grad():
        gradient = (2 / 8) * (layer(images) - target).T @ images
    assert found.scores["grad_norm"] == pytest.approx(gradient.norm().item(), rel=1e-5)
    assert found.scores["plain"] == pytest.approx((gradient * layer.weight).sum().item(), rel=1e-4)
    assert "class" in found.reasons["epe_nas"]
    several = Batch(images=images, labels=target, source="", loss=lambda out, y: out - y)
    assert "expected the loss to be one number" in scored(layer, several, ("snip",)).reasons["snip"]


def test_one_image_is_too_few_for_all_that_compare_images() -> None:
    names = tuple(name for name, proxy in PROXIES.items() if proxy.least_images > 1)
    reasons = scored(convolutions(), batch_of(3, 8, 8, size=1), names).reasons
    assert {*reasons} == {*names} and all("expected a batch of at least 2, got 1" in why for why in reasons.values())
