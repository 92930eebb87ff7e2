"""What an ONNX file says, in plain Python: the form between the library onnx and `Graph`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

from hwnas.graphs.graph import Shape

Type = tuple[Shape | None, str]


@final
@dataclass(frozen=True, kw_only=True)
class ParsedNode:
    """One node; an input that is left out is called "" as in the file."""

    name: str
    kind: str
    domain: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]


@final
@dataclass(frozen=True, kw_only=True)
class ParsedModel:
    """A model whose functions are inlined.

    arrays: names of the fixed arrays; values: those that are small enough to be looked at. types: shape (None where it
    is not known) and type of every array and of every output whose type could be inferred.
    """

    nodes: tuple[ParsedNode, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    arrays: frozenset[str]
    values: Mapping[str, Any]
    types: Mapping[str, Type]
