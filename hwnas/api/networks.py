"""One architecture of a space: its counts, what a picture of it shows, and its ONNX file."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, final

from hwnas.errors import UsageError
from hwnas.spaces import get_space
from hwnas.spaces.drawings import Drawing, drawing


@final
@dataclass(frozen=True, kw_only=True)
class DescribedNetwork:
    """An architecture. index: None in spaces that are too large to number. counts: parameters, MACs, FLOPs."""

    space: str
    dataset: str
    arch: str
    index: int | None
    counts: dict[str, int]
    drawing: Drawing

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def describe_network(arch: str, *, space: str = "nasbench201", dataset: str | None = None) -> DescribedNetwork:
    """The architecture that a string of the space means. Raises `UnknownNameError`, `UsageError`."""
    found = get_space(space)
    where, vectors = found.dataset(dataset), found.parse([arch])
    return DescribedNetwork(
        space=found.name,
        dataset=where,
        arch=found.strings(vectors)[0],
        index=int(found.index(vectors)[0]) if found.enumerable else None,
        counts={name: int(values[0]) for name, values in found.counts(vectors, dataset=where).items()},
        drawing=drawing(found, vectors[0], dataset=where),
    )


def network_onnx(arch: str, *, space: str = "nasbench201", dataset: str | None = None, batch_size: int = 1) -> bytes:
    """Its ONNX file, with random weights. Raises `MissingExtraError` without onnx, `UnknownNameError`, `UsageError`."""
    from hwnas.graphs.onnx_file import onnx_bytes

    found = get_space(space)
    if not found.has_graphs:
        raise UsageError(f"expected a space whose networks are known layer by layer, got {found.name}")
    return onnx_bytes(found.graph(found.parse([arch])[0], dataset=found.dataset(dataset)), batch_size=batch_size)
