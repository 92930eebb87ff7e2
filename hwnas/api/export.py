"""One architecture of a space as an ONNX or TFLite file that computes what its torch module computes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, final, get_args

from hwnas.api.computing import require_torch
from hwnas.devices.kit import Precision
from hwnas.errors import UnknownNameError, UsageError
from hwnas.folders import write_whole
from hwnas.graphs.module_export import EXPORTED_SET, module_onnx_bytes
from hwnas.graphs.onnx_file import OPERATOR_SET, onnx_bytes
from hwnas.graphs.onnx_nodes import WRITERS
from hwnas.graphs.tflite_file import CONVERTER, module_tflite_bytes, require_converter, tflite_shape
from hwnas.results import SCHEMA_VERSION
from hwnas.spaces import Space, get_space
from hwnas.version import __version__

if TYPE_CHECKING:
    from torch import nn

    from hwnas.arrays import Array
    from hwnas.graphs import Graph

ONNX: Final = ".onnx"
TFLITE: Final = ".tflite"  # how files of LiteRT's converter end


@final
@dataclass(frozen=True, kw_only=True)
class ExportResult:
    """A file that was written: of which architecture, by what ("operators" one by one, "torch" or "litert-torch").

    operator_set: of ONNX files. input_shape: of the input in the file; images of TFLite files have their channels last.
    """

    file: Path
    space: str
    arch: str
    dataset: str
    batch_size: int
    seed: int
    written_by: str
    operator_set: int | None
    precision: str
    input_shape: tuple[int, ...]
    params: int
    bytes: int
    sha256: str

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        facts = {**vars(self), "file": str(self.file), "input_shape": list(self.input_shape)}
        return {"schema_version": SCHEMA_VERSION, "hwnas_version": __version__, **facts}


@final
@dataclass(frozen=True, kw_only=True)
class ExportSettings:
    """What a file holds. batch_size: images of one run. precision: int8 in TFLite files alone. seed: of the weights."""

    batch_size: int = 1
    precision: str = "float32"
    seed: int = 0

    def __post_init__(self) -> None:
        """Raise `UsageError` for values out of range, `UnknownNameError` for another precision."""
        if self.batch_size < 1 or self.seed < 0:
            raise UsageError(
                f"expected a batch size of at least 1 and a seed of at least 0, got {self.batch_size} and {self.seed}"
            )
        if self.precision not in get_args(Precision):
            raise UnknownNameError("precision", self.precision, get_args(Precision))


def export(
    arch: str,
    out: Path,
    *,
    space: str = "nasbench201",
    dataset: str | None = None,
    settings: ExportSettings | None = None,
) -> ExportResult:
    """Write the network of `arch` in evaluation mode, with the weights that `initial_module` draws.

    out: ends in .tflite for a file of LiteRT's converter, in .onnx for an ONNX file. A space whose operators have
    an ONNX form is written operator by operator (set 13, read by every runtime since TensorRT 8), any other by torch's
    exporter (set 18). Input `input`, output `logits`, both with a fixed batch.
    Raises `UsageError`, `UnknownNameError`, `MissingExtraError`, and `DataError` where the file cannot be written.
    """
    found, settings = get_space(space), settings or ExportSettings()
    where = found.dataset(dataset)
    (vector,) = found.parse([arch])
    (name,) = found.strings(vector[None])
    if out.suffix.lower() not in (ONNX, TFLITE):
        raise UsageError(f"expected a file that ends in {ONNX} or {TFLITE}, got {str(out)!r}")
    if out.suffix.lower() == TFLITE:
        require_converter()
    elif settings.precision != "float32":
        raise UsageError(f"expected a file that ends in {TFLITE} for {settings.precision}, got {str(out)!r}")
    module = initial_module(found, arch, dataset=where, seed=settings.seed)
    graph = found.graph(vector, dataset=where) if found.has_graphs else None
    shape = (settings.batch_size, *input_shape(found, graph, where))
    version: int | None = None
    if out.suffix.lower() == TFLITE:
        by, int8 = CONVERTER, settings.precision == "int8"
        content = module_tflite_bytes(module, shape, int8=int8, seed=settings.seed)
        shape = tflite_shape(shape)
    elif graph is not None and is_written(graph):
        by, version = "operators", OPERATOR_SET
        content = onnx_bytes(graph, batch_size=settings.batch_size, seed=settings.seed, arrays=_arrays(module))
    else:
        by, version = "torch", EXPORTED_SET
        content = module_onnx_bytes(module, shape)
    write_whole(out, content)
    return ExportResult(
        file=out,
        space=found.name,
        arch=name,
        dataset=where,
        batch_size=settings.batch_size,
        seed=settings.seed,
        written_by=by,
        operator_set=version,
        precision=settings.precision,
        input_shape=shape,
        params=sum(parameter.numel() for parameter in module.parameters()),
        bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
    )


def initial_module(space: Space, arch: str, *, dataset: str, seed: int = 0) -> nn.Module:
    """The torch module of `arch` in evaluation mode, weights drawn with `seed`; torch's own state stays as it is."""
    require_torch("making networks")
    import torch

    (vector,) = space.parse([arch])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return space.module(vector, dataset=dataset).eval()


def input_shape(space: Space, graph: Graph | None, dataset: str) -> tuple[int, ...]:
    """The shape of one input, without the batch; of an image, (channels, height, width), where there is no graph."""
    return space.image_shape(dataset) if graph is None else graph.operators[0].shape[1:]


def is_written(graph: Graph) -> bool:
    """Whether all operators of a graph have an ONNX form of their own."""
    return all(operator.kind in WRITERS for operator in graph.operators)


def _arrays(module: nn.Module) -> dict[str, Array]:
    """Weights and statistics of a module by name."""
    return {name: value.detach().cpu().numpy() for name, value in module.state_dict().items()}
