"""TFLite files: those of the converter compute what the module does, a kit of them goes on where it was interrupted.

What needs the converter runs where the extra `tflite` is installed; `.ci/run` has an environment with it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hwnas.api import plan as plans
from hwnas.api.export import ExportSettings, export, initial_module
from hwnas.api.measure import MeasureSettings, measure
from hwnas.api.plan import PlanSettings, plan
from hwnas.arrays import Array
from hwnas.cli import main
from hwnas.errors import MissingExtraError, UnknownNameError, UsageError
from hwnas.graphs import tflite_file
from hwnas.graphs.tflite_file import module_tflite_bytes, tflite_shape
from hwnas.spaces import get_space

SPACES = ("nasbench201", "nas-bench-macro", "fbnet", "autoformer")


def outputs(path: Path, images: Array) -> Array:
    """What the file gives for images with their channels last; quantised numbers are turned back."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(path))
    interpreter.allocate_tensors()
    (entry,), (answer,) = interpreter.get_input_details(), interpreter.get_output_details()
    if entry["dtype"] == np.int8:
        scale, zero = entry["quantization"]
        images = np.clip(np.round(images / scale) + zero, -128, 127).astype(np.int8)
    interpreter.set_tensor(entry["index"], images)
    interpreter.invoke()
    found = interpreter.get_tensor(answer["index"]).astype(np.float32)
    scale, zero = answer["quantization"]
    return (found - zero) * scale if scale else found


def images_and_logits(name: str) -> tuple[str, Array, Array]:
    """An architecture, noise with channels last, and what its module gives for it."""
    import torch

    space = get_space(name)
    (arch,) = space.strings(space.sample(1, seed=1))
    images = torch.randn(1, *space.image_shape(space.dataset(None)), generator=torch.Generator().manual_seed(5))
    with torch.no_grad():
        logits = initial_module(space, arch, dataset=space.dataset(None), seed=2)(images)
    return arch, images.permute(0, 2, 3, 1).contiguous().numpy(), logits.numpy()


@pytest.mark.parametrize("name", SPACES)
def test_a_file_computes_what_its_module_does(name: str, tmp_path: Path) -> None:
    pytest.importorskip("litert_torch")
    arch, images, logits = images_and_logits(name)
    written = export(arch, tmp_path / "net.tflite", space=name, settings=ExportSettings(seed=2))
    assert written.written_by == "litert-torch" and written.operator_set is None
    assert written.input_shape == images.shape
    assert outputs(written.file, images) == pytest.approx(logits, abs=1e-4 * float(np.abs(logits).max()))


def test_a_quantised_file_is_near_its_module_and_a_third_as_large(tmp_path: Path) -> None:
    pytest.importorskip("litert_torch")
    arch, images, logits = images_and_logits("nas-bench-macro")
    sizes = []
    for precision in ("float32", "int8"):
        settings = ExportSettings(seed=2, precision=precision)
        written = export(arch, tmp_path / f"{precision}.tflite", space="nas-bench-macro", settings=settings)
        sizes.append(written.bytes)
        near = np.abs(outputs(written.file, images) - logits).max() / np.abs(logits).max()
        assert near < {"float32": 1e-4, "int8": 0.3}[precision]
    assert sizes[1] < sizes[0] / 2.5


def test_what_cannot_be_converted_is_an_error_of_its_own(capfd: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("litert_torch")
    from torch import nn

    class Data(nn.Module):
        def forward(self, x):  # type: ignore[no-untyped-def]
            return x[: int(x.sum())]

    with pytest.raises(UsageError, match=r"expected a module that litert-torch can convert .*\(1, 3, 8, 8\)"):
        module_tflite_bytes(Data().eval(), (1, 3, 8, 8))
    assert capfd.readouterr() == ("", ""), "nothing of the converter's own output is seen"


def test_a_kit_is_planned_measured_and_verified_in_its_format(tmp_path: Path) -> None:
    pytest.importorskip("litert_torch")
    made = plan(tmp_path, nets=3, settings=PlanSettings(format="tflite", precision="int8", method="random"))
    assert {net.input_shape for net in made.nets} == {(1, 32, 32, 3)}
    quick = MeasureSettings(rounds=1, warmup_s=0.0, window_s=0.01, min_runs=3, meter="none", threads=1)
    done = measure(tmp_path, settings=quick)
    assert done.results["complete"] and done.results["runtime"]["precision"] == "int8 files"
    assert done.results["kit"]["precision"] == "int8"


def test_without_the_converter_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tflite_file, "find_spec", lambda _name: None)
    for call in (
        lambda: export("0", tmp_path / "net.tflite"),
        lambda: plan(tmp_path / "kit", settings=PlanSettings(format="tflite")),
    ):
        with pytest.raises(MissingExtraError, match=r"hwnas\[tflite\]"):
            call()
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_asked_for_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"ends in \.tflite for int8"):
        export("0", tmp_path / "net.onnx", settings=ExportSettings(precision="int8"))
    with pytest.raises(UsageError, match="expected --format tflite for nets in int8"):
        PlanSettings(precision="int8")
    wrong: list[Callable[[], object]] = [
        lambda: PlanSettings(format="tf"),
        lambda: ExportSettings(precision="int4"),
    ]
    for make in wrong:
        with pytest.raises(UnknownNameError):
            make()
    assert tflite_shape((2, 3, 8, 9)) == (2, 8, 9, 3) and tflite_shape((2, 7)) == (2, 7)


@pytest.fixture
def conversions(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Shapes of what was converted, by a converter that writes as many bytes as the module has numbers."""
    pytest.importorskip("torch")
    converted: list[int] = []

    def convert(module, shape, *, int8: bool, seed: int) -> bytes:
        converted.append(shape)
        return bytes(sum(p.numel() for p in module.parameters()))

    monkeypatch.setattr(plans, "module_tflite_bytes", convert)
    monkeypatch.setattr(plans, "require_converter", lambda: None)
    return converted


def test_an_interrupted_kit_goes_on_with_the_nets_that_it_lacks(conversions: list[int], tmp_path: Path) -> None:
    settings = PlanSettings(format="tflite", method="random")

    def stop(done: int, _total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        plan(tmp_path, nets=4, settings=settings, progress=stop)
    assert not (tmp_path / "manifest.json").exists() and len(conversions) == 2
    (first, _) = sorted((tmp_path / "nets").iterdir())
    first.write_bytes(b"damaged")
    made = plan(tmp_path, nets=4, settings=settings)
    assert len(conversions) == 5, "the damaged one and the two that lacked"
    assert {path.name for path in tmp_path.iterdir()} == {"manifest.json", "agent.py", "README.md", "nets"}
    assert plan(tmp_path, nets=4, settings=settings).nets == made.nets and len(conversions) == 5
    assert json.loads((tmp_path / "manifest.json").read_text())["format"] == "tflite"
    with pytest.raises(UsageError, match="holds another one"):
        plan(tmp_path, nets=3, settings=settings)
    with pytest.raises(UsageError, match="holds another one"):
        plan(tmp_path, nets=4, settings=PlanSettings(method="random"))
    assert len(conversions) == 5, "it is said before anything is converted"


def test_the_command_writes_a_file_for_a_phone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("litert_torch")
    path = tmp_path / "net.tflite"
    monkeypatch.setattr("sys.argv", ["hwnas", "export", "1462", "--out", str(path), "--precision", "int8"])
    with pytest.raises(SystemExit) as done:
        main()
    assert not done.value.code
    assert "int8, by litert-torch, input 1x32x32x3" in capsys.readouterr().out
