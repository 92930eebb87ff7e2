"""One architecture of a space as an ONNX file that computes what its torch module computes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from hwnas.api.computing import require_torch
from hwnas.errors import UsageError
from hwnas.folders import write_whole
from hwnas.graphs.module_export import EXPORTED_SET, module_onnx_bytes
from hwnas.graphs.onnx_file import OPERATOR_SET, onnx_bytes
from hwnas.graphs.onnx_nodes import WRITERS
from hwnas.results import SCHEMA_VERSION
from hwnas.spaces import Space, get_space
from hwnas.version import __version__

if TYPE_CHECKING:
    from torch import nn

    from hwnas.arrays import Array
    from hwnas.graphs import Graph


@final
@dataclass(frozen=True, kw_only=True)
class ExportResult:
    """A file that was written: of which architecture, by what ("operators" one by one, or "torch")."""

    file: Path
    space: str
    arch: str
    dataset: str
    batch_size: int
    seed: int
    written_by: str
    operator_set: int
    params: int
    bytes: int
    sha256: str

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"schema_version": SCHEMA_VERSION, "hwnas_version": __version__, **vars(self), "file": str(self.file)}


def export(
    arch: str, out: Path, *, space: str = "nasbench201", dataset: str | None = None, batch_size: int = 1, seed: int = 0
) -> ExportResult:
    """Write the network of `arch` in evaluation mode, with the weights that `initial_module` draws.

    A space whose operators have an ONNX form is written operator by operator (set 13, read by every runtime since
    TensorRT 8), any other by torch's exporter (set 18). Input `input`, output `logits`, both with a fixed batch.
    Raises `UsageError`, `UnknownNameError`, `MissingExtraError`.
    """
    found = get_space(space)
    where = found.dataset(dataset)
    if batch_size < 1 or seed < 0:
        raise UsageError(f"expected a batch size of at least 1 and a seed of at least 0, got {batch_size} and {seed}")
    (vector,) = found.parse([arch])
    (name,) = found.strings(vector[None])
    module = initial_module(found, arch, dataset=where, seed=seed)
    graph = found.graph(vector, dataset=where) if found.has_graphs else None
    if graph is not None and _is_written(graph):
        by, version = "operators", OPERATOR_SET
        content = onnx_bytes(graph, batch_size=batch_size, seed=seed, arrays=_arrays(module))
    else:
        by, version = "torch", EXPORTED_SET
        image = found.image_shape(where) if graph is None else graph.operators[0].shape[1:]
        content = module_onnx_bytes(module, (batch_size, *image))
    out.parent.mkdir(parents=True, exist_ok=True)
    write_whole(out, content)
    return ExportResult(
        file=out,
        space=found.name,
        arch=name,
        dataset=where,
        batch_size=batch_size,
        seed=seed,
        written_by=by,
        operator_set=version,
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


def _is_written(graph: Graph) -> bool:
    return all(operator.kind in WRITERS for operator in graph.operators)


def _arrays(module: nn.Module) -> dict[str, Array]:
    """Weights and statistics of a module by name."""
    return {name: value.detach().cpu().numpy() for name, value in module.state_dict().items()}
