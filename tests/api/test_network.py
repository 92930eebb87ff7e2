"""`hwnas.score` of a network of one's own: what may be given, what comes back, what is refused."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

import hwnas
from hwnas.api.factories import module_of
from hwnas.api.network import score_factory, score_network
from hwnas.api.network_forms import NetworkResult, NetworkSettings
from hwnas.api.score_forms import ScoreResult
from hwnas.errors import HwnasError, ProxyError, UsageError
from hwnas.proxies import PROXIES

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from hwnas.proxies.batches import Batch  # noqa: E402

FEW = ["snip", "naswot", "zen"]


@pytest.fixture
def module() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(192, 4), nn.ReLU(), nn.Linear(4, 5)).eval()


@pytest.fixture
def images() -> torch.Tensor:
    return torch.randn(6, 3, 8, 8, generator=torch.Generator().manual_seed(0))


def test_few_images_are_a_batch_unless_more_were_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    np.savez(path, x=np.random.default_rng(0).normal(size=(5, 3, 8, 8)).astype(np.float32))
    module = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(144, 2))
    found = score_network(module, path, proxies=FEW)
    assert found.batch_size == 5 and found.images.startswith("first 5 images of x.npz")
    with pytest.raises(UsageError, match=r"batch of 1 to 5 images of x\.npz, got 64"):
        score_network(module, path, proxies=FEW, settings=NetworkSettings(batch_size=64))


def test_one_name_for_both(module: nn.Module, images: torch.Tensor) -> None:
    labels = torch.arange(6) % 5
    own = hwnas.score(module, (images, labels), proxies=FEW)
    assert isinstance(own, NetworkResult) and own.network == "Sequential"
    assert [score.proxy.name for score in own.scores] == ["params", "flops", *FEW]
    assert own["params"] == 192 * 4 + 4 + 25 and own["flops"] == 2 * (192 * 4 + 20) and own["zen"] is None
    assert (own.images, own.loss, own.batch_size) == ("6 images as given", "cross entropy", 6)
    assert isinstance(hwnas.score(["1462"], proxies=["params"]), ScoreResult)
    assert isinstance(hwnas.score(architectures=["1462"], proxies=["params"]), ScoreResult)
    for wrong in ("1462", nn.Linear):
        with pytest.raises(UsageError, match="a list of architectures or a torch module"):
            hwnas.score(wrong)  # type: ignore[call-overload]
    with pytest.raises(UsageError, match="a batch with a torch module alone"):
        hwnas.score(["1462"], images)  # type: ignore[call-overload]


def test_options_of_a_module(module: nn.Module, images: torch.Tensor) -> None:
    with pytest.raises(UsageError, match=r"give settings=hwnas\.NetworkSettings\(seed=\.\.\.\)"):
        hwnas.score(module, images, seed=3)  # type: ignore[call-overload]
    with pytest.raises(UsageError, match="a torch module among proxies, loss, settings, strict, got fresh"):
        hwnas.score(module, images, fresh=True)  # type: ignore[call-overload]
    with pytest.raises(UsageError, match="as a NetworkSettings, got a ScoreSettings"):
        hwnas.score(module, images, settings=hwnas.ScoreSettings())  # type: ignore[call-overload]
    found = hwnas.score(module, images, proxies="snip", settings=hwnas.NetworkSettings(seed=3))
    assert found.seed == 3 and found["snip"] is not None


def test_arrays_are_taken_as_those_of_a_file(module: nn.Module, images: torch.Tensor, tmp_path: Path) -> None:
    x, y = (255 * torch.rand(6, 3, 8, 8)).byte().numpy(), (np.arange(6) % 5).astype(np.int32)
    np.savez(tmp_path / "x.npz", x=x, y=y)
    of_file = score_network(module, tmp_path / "x.npz", proxies=["snip"])
    of_arrays = score_network(module, (x, y), proxies=["snip"])
    assert of_arrays["snip"] == of_file["snip"] is not None
    assert of_arrays.images == "6 images as given, bytes normalised by ImageNet's mean and deviation"
    alone = score_network(module, images.numpy(), proxies=["snip"])
    assert alone["snip"] == score_network(module, images, proxies=["snip"])["snip"]


def test_labels_are_numbers_of_classes(module: nn.Module, images: torch.Tensor) -> None:
    labels = torch.arange(6) % 5
    expected = score_network(module, (images, labels), proxies=["snip"])["snip"]
    assert score_network(module, (images, labels.int()), proxies=["snip"])["snip"] == expected is not None
    with pytest.raises(UsageError, match=r"expected 6 integer labels, got torch\.bool .*; give the number"):
        score_network(module, (images, labels > 2), proxies=["snip"])


def test_images_that_are_none(module: nn.Module, images: torch.Tensor) -> None:
    for none in (images[:0], torch.tensor(3.0)):
        with pytest.raises(UsageError, match="expected at least one image, got images of shape"):
            score_network(module, none)
    mixed = (images, np.arange(6))
    with pytest.raises(UsageError, match=r"got a tuple of Tensor, ndarray; torch\.from_numpy makes"):
        hwnas.score(module, mixed)  # type: ignore[call-overload]
    with pytest.raises(ProxyError, match=r"\(torch\.uint8\).*give inputs of the type .* images\.float\(\) / 255"):
        score_network(module, images.byte())


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_scripted_modules_are_refused(module: nn.Module, images: torch.Tensor) -> None:
    for compiled in (torch.jit.script(module), torch.jit.trace(module, images)):
        with pytest.raises(UsageError, match="expected a plain torch module, got a scripted or traced one"):
            hwnas.score(compiled, images)


def test_whatever_form_the_batch_has(module: nn.Module, images: torch.Tensor, tmp_path: Path) -> None:
    labels = torch.arange(6) % 5
    path = tmp_path / "x.npz"
    np.savez(path, x=images.numpy(), y=labels.numpy())
    expected = score_network(module, (images, labels), proxies=FEW)["snip"]
    six = NetworkSettings(batch_size=6)
    for batch in (Batch(images=images, labels=labels, source="mine"), path, str(path)):
        assert score_network(module, batch, proxies=FEW, settings=six)["snip"] == expected
    alone = score_network(module, images, proxies=FEW)
    assert alone.images == "6 images as given with random labels of 5 classes" and alone["snip"] != expected
    drawn = score_network(module, path, proxies=FEW, settings=NetworkSettings(batch_size=6, random_labels=True))
    assert drawn["snip"] == alone["snip"]
    noise = score_network(module, proxies=FEW, settings=NetworkSettings(shape=(3, 8, 8), batch_size=4, classes=2))
    assert noise.images == "4 images of standard normal noise with random labels of 2 classes"


def test_in_the_precision_of_the_weights(module: nn.Module, images: torch.Tensor) -> None:
    """In float64 and float32 alike, up to the rounding of the latter."""
    single = score_network(module, images, proxies=["snip"])
    double = score_network(module.double(), images, proxies=["snip"])
    assert double.notes == ("computed in float64, the precision of the network's weights",) and single.notes == ()
    assert double["snip"] == pytest.approx(single["snip"], rel=1e-5)
    assert images.dtype == torch.float32


def test_a_loss_is_named(module: nn.Module, images: torch.Tensor) -> None:
    def squared(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return ((logits - target) ** 2).mean()

    found = score_network(module, (images, torch.zeros(6, 5)), proxies=["snip"], loss=squared)
    assert found.loss == "squared" and found["snip"] is not None
    batch = Batch(images=images, labels=torch.zeros(6, 5), source="", loss=squared)
    assert score_network(module, batch, proxies=["snip"]).to_dict()["nets"] == found.to_dict()["nets"]


def test_a_smaller_batch_is_said(module: nn.Module, images: torch.Tensor) -> None:
    def refuse(_layer: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        if len(inputs[0]) > 3:
            raise MemoryError

    module.register_forward_pre_hook(refuse)
    found = score_network(module, images, proxies=["snip"])
    assert found.batch_size == 3 and found["snip"] is not None
    assert found.notes == ("memory did not hold 6 images: scored on the first 3",)


def test_as_json(module: nn.Module, images: torch.Tensor) -> None:
    """The form that scores of architectures have."""
    found = score_network(nn.Sequential(module, nn.Hardtanh(9e9, 1e10)), images, proxies=[*FEW, "jacob_cov", "macs"])
    answer = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    (net,) = answer["nets"]
    assert net["scores"]["zen"] is None and "expected a convolutional network" in net["reasons"]["zen"]
    assert net["scores"]["jacob_cov"] is None and net["reasons"]["jacob_cov"].startswith("minus infinity")
    assert found["jacob_cov"] == -np.inf
    assert {proxy["id"]: proxy["kind"] for proxy in answer["proxies"]}["macs"] == "counted"
    shared = hwnas.score(["1462"], proxies=["params"]).to_dict()
    assert (
        shared.keys() - answer.keys() == {"dataset"}
        and shared["proxies"][0].keys() - {"dataset"} == answer["proxies"][0].keys()
    )
    with pytest.raises(UsageError, match="expected one of params, flops, snip"):
        found["synflow"]


def test_strictly(module: nn.Module, images: torch.Tensor) -> None:
    with pytest.raises(ProxyError, match=r"^zen: expected a convolutional network"):
        score_network(module, images, proxies=FEW, strict=True)
    assert score_network(module, images, proxies=FEW[:2], strict=True)["naswot"] is not None


@pytest.mark.parametrize(
    ("batch", "options", "says"),
    [
        (
            (torch.zeros(6, 3, 8, 8), torch.full((6,), 5)),
            {},
            "labels from 0 to 4 for a network of 5 logits, got 5 to 5",
        ),
        ((torch.zeros(6, 3, 8, 8), torch.zeros(6) - 1), {}, "6 integer labels, got torch.float32"),
        ((torch.zeros(6, 3, 8, 8), torch.zeros(5).long()), {}, "6 integer labels"),
        (torch.zeros(6, 3, 8, 8) / 0, {}, "NaN or infinity"),
        (torch.zeros(6, 3, 9, 9), {}, r"to run on an image of shape \(1, 3, 9, 9\)"),
        ([1, 2, 3], {}, "a Batch, a file or a folder, got a list"),
        (torch.zeros(6, 3, 8, 8), {"proxies": []}, "at least one proxy"),
        (torch.zeros(6, 3, 8, 8), {"proxies": ["sinflow"]}, "did you mean 'synflow'"),
        (torch.zeros(6, 3, 8, 8), {"proxies": ["vote"]}, "expected proxies, got vote, which rank the networks"),
        (torch.zeros(6, 3, 8, 8), {"settings": NetworkSettings(classes=6)}, "at most 5 classes"),
    ],
)
def test_what_is_refused(module: nn.Module, batch: object, options: dict[str, object], says: str) -> None:
    with pytest.raises(HwnasError, match=says):
        score_network(module, batch, **options)  # type: ignore[arg-type]


def test_settings() -> None:
    for name in ("batch_size", "side", "classes"):
        with pytest.raises(UsageError, match=f"{name} of at least 1, got 0"):
            NetworkSettings(**{name: 0})


NETWORKS = """
import torch
from torch import nn

def tiny():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3))

def broken():
    return nn.Linear("three", 3)

def leaves():
    raise SystemExit(3)

def none():
    pass

def wide(channels):
    pass

number = 3
"""


@pytest.fixture
def networks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A file of the user's in the current folder."""
    name = f"networks_{tmp_path.name}"
    (tmp_path / f"{name}.py").write_text(NETWORKS)
    (tmp_path / f"unreadable_{name}.py").write_text("import torch\ndef f(:\n")
    (tmp_path / f"needing_{name}.py").write_text("import something_absent\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    return name


def test_a_factory(networks: str) -> None:
    """Its weights follow from the seed; torch's own generator does not notice."""
    before = torch.get_rng_state()
    results = [
        score_factory(f"{networks}:tiny", proxies=FEW, settings=NetworkSettings(batch_size=4, seed=s), device="cpu")
        for s in (0, 0, 1)
    ]
    assert torch.equal(torch.get_rng_state(), before)
    assert results[0]["snip"] == results[1]["snip"] != results[2]["snip"]
    assert results[0].network == f"Sequential of {networks}:tiny"
    assert [score.reason for score in results[0].scores] == [""] * 5


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("networks.py", "a factory as package.module:function, got 'networks.py'"),
        ("networks:", "a factory as package.module:function"),
        ("absent_module:tiny", "expected a Python module absent_module, got none in"),
        ("{}:teeny", "expected a function teeny in {}, got none; it has broken, leaves, none, tiny, wide"),
        ("{}:number", "expected a function number"),
        ("{}:broken", r"got TypeError: .*{}\.py:9: return nn.Linear\(.three., 3\)"),
        ("{}:leaves", r"got SystemExit: 3 .*{}\.py:12: raise SystemExit"),
        ("{}:none", "to return a torch.nn.Module, got a NoneType"),
        ("{}:wide", "to take no arguments, got: missing a required argument: 'channels'"),
        ("unreadable_{}:f", r"to import unreadable_{}, got SyntaxError: .*unreadable_{}\.py:2"),
        ("needing_{}:f", r"to import needing_{}, got ModuleNotFoundError: No module named 'something_absent'"),
    ],
)
def test_factories_that_fail(networks: str, name: str, says: str) -> None:
    with pytest.raises(UsageError, match=says.replace("{}", networks)):
        module_of(name.replace("{}", networks))


def test_without_names_every_proxy_is_asked(module: nn.Module, images: torch.Tensor) -> None:
    found = score_network(module, images)
    assert {score.proxy.name for score in found.scores} == {*PROXIES}
    assert all((score.value is None) == bool(score.reason) for score in found.scores)


def test_it_prints_itself_as_the_command_does() -> None:
    module = nn.Sequential(nn.Flatten(), nn.Linear(12, 2))
    found = score_network(module, proxies=FEW, settings=NetworkSettings(shape=(3, 2, 2)))
    lines = str(found).splitlines()
    page = found._repr_html_()
    assert repr(found) == str(found) and page.startswith('<div class="hwnas-score"><table>') and "naswot" in page
    assert lines[0] == "Sequential" and lines[1].split() == ["proxy", "score", "unit"]
    assert any(line.split()[:2] == ["snip", f"{found['snip']:.5g}"] for line in lines)
    assert "Scores on 64 images of standard normal noise" in str(found) and "naswot: " in str(found)
