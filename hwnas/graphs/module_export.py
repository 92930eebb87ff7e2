"""A torch module as an ONNX file by torch's own exporter, for operators that `onnx_nodes.py` does not write."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from hwnas.errors import MissingExtraError, UsageError

if TYPE_CHECKING:
    from torch import nn

EXPORTED_SET: Final = 18  # the oldest that the exporter of torch 2.13 writes


def module_onnx_bytes(module: nn.Module, example_shape: Sequence[int]) -> bytes:
    """The ONNX file of a module in the mode in which it is, for float32 inputs of exactly this shape.

    Its input is called `input`, its output `logits`. The weights are inside.
    Raises `MissingExtraError` without torch or the extra `onnx`, `UsageError` for a module that cannot be exported.
    """
    try:
        import torch
    except ImportError:
        raise MissingExtraError("exporting torch modules", "torch") from None
    with _quiet(), torch.no_grad():
        try:
            program = torch.onnx.export(
                module,
                (torch.zeros(tuple(example_shape)),),
                input_names=["input"],
                output_names=["logits"],
                opset_version=EXPORTED_SET,
                dynamo=True,
                verbose=False,
            )
        except ImportError:  # ModuleNotFoundError of onnxscript
            raise MissingExtraError("exporting torch modules", "onnx") from None
        except Exception as error:  # whatever the module's own code raises, and torch's many kinds
            what = " ".join(str(error).split())[:200]
            raise UsageError(
                f"expected a module that torch.onnx can export for an input of shape {tuple(example_shape)}, got "
                f"{type(error).__name__}: {what}; simplify its forward, or export it with torch.onnx yourself"
            ) from error
    assert program is not None  # it is None for the older exporter alone
    content: bytes = program.model_proto.SerializeToString(deterministic=True)
    return content


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without torch's notes on libraries that are not there and on its own deprecations."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
