"""Exported files against the torch modules, run by onnxruntime; one architecture of every space."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hwnas.api.export import ExportSettings, export, initial_module
from hwnas.api.export import initial_module as initial_module_as_drawn
from hwnas.cli.app import app
from hwnas.errors import DataError, MissingExtraError, UnknownNameError, UsageError
from hwnas.graphs import read_onnx
from hwnas.spaces import SPACES, Space, get_space

pytest.importorskip("onnx")
# Of spaces that torch exports: one small network for every change, others with `-m slow`.
SMALL = {"imagenet-models": "mobilenetv2_050"}
WRITTEN = ("nasbench201", "fbnet", "ofa", "nas-bench-macro", "transnas-micro", "nats-size", "darts", "accel-nasbench")
LATER = [
    "resnet18", "regnetx_004_tv", "mobilenetv1_100", "tf_efficientnet_b0", "convnext_atto", "convnextv2_atto",
    "deit_tiny_patch16_224", "swin_tiny_patch4_window7_224", "mobilevit_xxs", "mobilevitv2_050", "poolformer_s12",
    "pvt_v2_b0", "focalnet_tiny_srf",
]  # fmt: skip


def smallest(space: Space) -> str:
    """An architecture of few parameters among three."""
    if space.name in SMALL:
        return SMALL[space.name]
    vectors = space.sample(3, seed=7)
    return space.strings(vectors)[int(space.counts(vectors, dataset=space.datasets[0])["params"].argmin())]


def compare(arch: str, space: Space, path: Path, **options: Any) -> Any:
    """Export, run, and hold the logits against the module's."""
    torch = pytest.importorskip("torch")
    runtime = pytest.importorskip("onnxruntime")
    where = options.pop("dataset", None)
    result = export(arch, path, space=space.name, dataset=where, settings=ExportSettings(**options))
    module = initial_module(space, arch, dataset=result.dataset, seed=result.seed)
    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    shape = session.get_inputs()[0].shape
    assert shape[0] == result.batch_size
    images = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    with torch.inference_mode():
        expected = module(torch.from_numpy(images)).numpy()
    (found,) = session.run(["logits"], {"input": images})
    assert found.shape == (result.batch_size, space.classes(result.dataset))
    assert np.isfinite(found).all() and np.ptp(found) > 0
    np.testing.assert_allclose(found, expected, atol=3e-5 * max(1.0, float(np.abs(expected).max())))
    return result


@pytest.mark.parametrize("name", WRITTEN)
def test_a_space_with_operators(name: str, tmp_path: Path) -> None:
    space = get_space(name)
    result = compare(smallest(space), space, tmp_path / "net.onnx", batch_size=2, seed=3)
    assert (result.written_by, result.operator_set) == ("operators", 13)
    assert result.bytes == (tmp_path / "net.onnx").stat().st_size
    counts = space.counts(space.parse([result.arch]), dataset=result.dataset)
    assert result.params == counts["params"][0]
    assert read_onnx(tmp_path / "net.onnx").macs == 2 * counts["macs"][0]


@pytest.mark.parametrize("name", sorted(set(SPACES) - set(WRITTEN)))
@pytest.mark.slow
def test_a_space_that_torch_exports(name: str, tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    space = get_space(name)
    result = compare(smallest(space), space, tmp_path / "net.onnx")
    assert (result.written_by, result.operator_set) == ("torch", 18)
    counts = space.counts(space.parse([result.arch]), dataset=result.dataset)
    assert read_onnx(tmp_path / "net.onnx").macs == counts["macs"][0]


@pytest.mark.parametrize("arch", LATER)
@pytest.mark.slow
def test_every_family_of_imagenet_models(arch: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With statistics of one batch in the batch norms: as they are drawn, some families give nothing but zeros."""
    pytest.importorskip("transformers")
    monkeypatch.setattr("hwnas.api.export.initial_module", with_statistics)
    monkeypatch.setitem(globals(), "initial_module", with_statistics)
    compare(arch, get_space("imagenet-models"), tmp_path / "net.onnx")


def with_statistics(space: Space, arch: str, **options: Any) -> Any:
    """The initial module after one batch in training mode, every time the same."""
    import torch

    module = initial_module_as_drawn(space, arch, **options)
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(0)
        for layer in module.modules():
            if isinstance(layer, torch.nn.BatchNorm2d):
                layer.momentum = 1.0
        module.train()(torch.randn(4, *space.image_shape(options["dataset"])))
    return module.eval()


def test_weights_follow_the_seed_and_torchs_state_stays(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    one, same, other = (
        export("0", tmp_path / f"{number}.onnx", settings=ExportSettings(seed=seed))
        for number, seed in enumerate((5, 5, 6))
    )
    assert torch.equal(before, torch.random.get_rng_state())
    assert one.sha256 == same.sha256 != other.sha256
    assert (tmp_path / "0.onnx").read_bytes() == (tmp_path / "1.onnx").read_bytes()


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "deep" / "net.onnx"
    words = ["export", "0", "--out", str(path), "--dataset", "cifar100", "--batch-size", "2"]
    app([*words, "--json"], standalone_mode=False)
    answer = json.loads(capsys.readouterr().out)
    assert answer["dataset"] == "cifar100" and answer["bytes"] == path.stat().st_size and answer["seed"] == 0
    assert read_onnx(path).operators[-1].shape == (2, 100)
    app(words, standalone_mode=False)
    printed = capsys.readouterr().out
    assert f"{answer['bytes']:,} bytes, {answer['params']:,} parameters, operator set 13" in printed


def test_wrong_uses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match=r"expected a file that ends in \.onnx or \.tflite, got .*net\.xyz"):
        export("1462", tmp_path / "net.xyz")
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="expected to write"):
        export("1462", tmp_path / "file" / "net.onnx")
    with pytest.raises(UsageError, match="batch size of at least 1 and a seed of at least 0, got 0 and 0"):
        export("0", tmp_path / "net.onnx", settings=ExportSettings(batch_size=0))
    with pytest.raises(UnknownNameError, match="space 'nb' is not known"):
        export("0", tmp_path / "net.onnx", space="nb")
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    with pytest.raises(MissingExtraError, match=r"hwnas\[torch\]"):
        export("0", tmp_path / "net.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
