"""A torch module as a TFLite file, by Google's converter. The only file that imports litert_torch and its quantizer."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from hwnas.errors import MissingExtraError, UsageError

if TYPE_CHECKING:
    from torch import Tensor, nn

CONVERTER: Final = "litert-torch"
CALIBRATED_WITH: Final = 4  # batches of noise: ranges of random weights need no data set
_IMAGES: Final = 4  # dimensions of images


def require_converter() -> None:
    """Raise `MissingExtraError` where the converter is not installed."""
    if find_spec("litert_torch") is None or find_spec("torch") is None:
        raise MissingExtraError("writing TFLite files", "tflite")


def tflite_shape(shape: Sequence[int]) -> tuple[int, ...]:
    """The shape of an input in the file: of images, (batch, channels, height, width), channels go last."""
    return (shape[0], *shape[2:], shape[1]) if len(shape) == _IMAGES else tuple(shape)


def module_tflite_bytes(module: nn.Module, shape: Sequence[int], *, int8: bool = False, seed: int = 0) -> bytes:
    """The TFLite file of a module in evaluation mode, for float32 inputs of exactly this shape, `tflite_shape` of it.

    int8: weights and activations are quantised, inputs and outputs too; ranges come from normal noise with `seed`.
    Raises `MissingExtraError` without the extra `tflite`, `UsageError` for a module that cannot be converted.
    """
    require_converter()
    with _unheard() as heard:
        try:
            return _converted(module, shape, int8=int8, seed=seed)
        except Exception as error:  # whatever the module's own code raises, and the converter's many kinds
            what = " ".join(str(error).split())[:200] or heard()
            raise UsageError(
                f"expected a module that {CONVERTER} can convert for an input of shape {tuple(shape)}, got "
                f"{type(error).__name__}: {what}; simplify its forward, or convert it yourself"
            ) from error


def _converted(module: nn.Module, shape: Sequence[int], *, int8: bool, seed: int) -> bytes:
    import litert_torch
    import torch

    # Noise of its own generator, in a copy of it: torch's state stays as it is.
    generator = torch.Generator().manual_seed(seed)
    noise = [torch.randn(tuple(shape), generator=generator) for _ in range(CALIBRATED_WITH)]
    if len(shape) == _IMAGES:
        module = litert_torch.to_channel_last_io(module, args=[0])
        noise = [images.permute(0, 2, 3, 1).contiguous() for images in noise]
    with tempfile.TemporaryDirectory(prefix="hwnas-tflite-") as folder, torch.no_grad():
        path = Path(folder) / "net.tflite"
        litert_torch.convert(module, (noise[0],)).export(str(path))
        return _quantised(path, noise) if int8 else path.read_bytes()


def _quantised(path: Path, noise: Sequence[Tensor]) -> bytes:
    from ai_edge_litert.interpreter import Interpreter
    from ai_edge_quantizer import quantizer, recipe

    ((signature, names),) = Interpreter(model_path=str(path)).get_signature_list().items()
    maker = quantizer.Quantizer(str(path))
    maker.load_quantization_recipe(recipe.static_wi8_ai8())
    ranges = maker.calibrate({signature: [{names["inputs"][0]: batch.numpy()} for batch in noise]})
    written = path.with_name("int8.tflite")
    maker.quantize(ranges).export_model(str(written))
    return written.read_bytes()


@contextlib.contextmanager
def _unheard() -> Iterator[Callable[[], str]]:
    """Without the progress, logs of compiled code and warnings of the converter; gives what its last line was."""
    with tempfile.TemporaryFile() as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        text = io.TextIOWrapper(file, encoding="utf-8", errors="replace", write_through=True)
        try:
            with _into(file, 1), _into(file, 2), contextlib.redirect_stdout(text), contextlib.redirect_stderr(text):
                yield lambda: _last_line(file)
        finally:
            text.detach()


@contextlib.contextmanager
def _into(file: IO[bytes], descriptor: int) -> Iterator[None]:
    """What goes to a file descriptor goes into a file."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    kept = os.dup(descriptor)
    os.dup2(file.fileno(), descriptor)
    try:
        yield
    finally:
        os.dup2(kept, descriptor)
        os.close(kept)


def _last_line(file: IO[bytes]) -> str:
    file.seek(0)
    lines = file.read().decode(errors="replace").split("\n")
    return next((" ".join(line.split()) for line in reversed(lines) if line.strip()), "")
