"""An ONNX file as a `Graph`: operators with shapes, parameters and attributes; nothing of it is executed.

What depends on no input (shape arithmetic, folded weights) is no operator: a runtime computes it once, when it loads
the file. An array that such a node makes counts with the arrays that it was made of. Of a quantised array that is its
whole numbers, not their scales and zero points.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, final

from hwnas.errors import DataError, UsageError
from hwnas.folders import require_file
from hwnas.graphs.graph import TRAINED_KINDS, Graph, Operator, Shape
from hwnas.graphs.onnx_checks import FILE_BYTES
from hwnas.graphs.onnx_kinds import INTEGER_OPERANDS, Reading, attributes_of, kind_of
from hwnas.graphs.onnx_parsed import ParsedModel, ParsedNode

# Inputs that are fixed but not trained: statistics of a batch norm, states in which recurrent layers begin, scales.
_UNTRAINED: Final = {
    "BatchNormalization": (3, 4), "LSTM": (5, 6), "GRU": (5,), "RNN": (5,), "QuantizeLinear": (1, 2),
    "DequantizeLinear": (1, 2),
}  # fmt: skip
# Numbers that steer an operator and are not worked on: the region and the factors of a change of size.
_STEERING: Final = {"Resize": (1, 2), "Upsample": (1,)}


def read_onnx(
    source: Path | str | bytes, *, batch_size: int | None = None, sizes: Mapping[str, int] | None = None
) -> Graph:
    """The graph of an ONNX file or of its bytes; an operator is called as its first output is in the file.

    batch_size: of a file whose first axis is symbolic, 1 by default. sizes: of symbolic axes by name. Weights may be in
    another file, which is not opened.
    Files do not say which arrays were trained: floating-point arrays of more than one element count as parameters, but
    for the statistics of batch norms and the scales of quantised numbers; so do quantised arrays.
    An operator that is not known stays, as kind "unknown:domain.Type".
    Raises `DataError` for a damaged file; `UsageError` for branches, loops, symbols without a number, constants in
    another file whose values are needed, an operator set below 11, too large a file; `MissingExtraError` without onnx.
    """
    from hwnas.graphs.onnx_file import parse_onnx

    content = source if isinstance(source, bytes) else _content(Path(source))
    return _Reader(parse_onnx(content, batch_size=batch_size, sizes=sizes or {})).graph()


def _content(path: Path) -> bytes:
    require_file(path, "an ONNX model")
    if not path.is_file():
        raise UsageError(f"expected an ONNX file, {str(path)!r} is none")
    if (size := path.stat().st_size) > FILE_BYTES:
        raise UsageError(f"expected an ONNX file of at most {FILE_BYTES:,} bytes, got {size:,} in {str(path)!r}")
    content = path.read_bytes()
    if not content:
        raise DataError(f"{str(path)!r} is empty; export the model again")
    return content


@final
class _Reader:
    """Turns the nodes of one model into operators, in order."""

    def __init__(self, model: ParsedModel) -> None:
        self._model = model
        self._origins: dict[str, frozenset[str]] = {name: frozenset([name]) for name in model.arrays}
        self._values: dict[str, Any] = dict(model.values)
        self._operators: list[Operator] = []
        self._read_quantised = {
            name for node in model.nodes if node.kind == "DequantizeLinear" for name in node.inputs[:1]
        }
        self._quantised: set[str] = set()
        self._scales = {
            name for node in model.nodes if node.kind == "DynamicQuantizeLinear" for name in node.outputs[1:2]
        }

    def graph(self) -> Graph:
        """Inputs first, then every node that depends on one."""
        for name in self._model.inputs:
            shape, dtype, known = self._type(name)
            self._operators.append(Operator(name=name, kind="input", inputs=(), shape=shape, dtype=dtype, known=known))
        for node in self._model.nodes:
            if node.kind in ("Shape", "Size") or all(name in self._origins for name in node.inputs if name):
                self._fold(node)
            else:
                self._operators.append(self._checked_operator(node))
        outputs = tuple(name for name in self._model.outputs if name not in self._origins)
        if not outputs:
            raise UsageError("expected an ONNX model whose outputs depend on an input, got constants alone")
        return Graph(operators=tuple(self._operators), outputs=outputs)

    def _fold(self, node: ParsedNode) -> None:
        arrays = [self._origins.get(name, frozenset()) for name in node.inputs if name]
        if node.kind in ("QuantizeLinear", "DequantizeLinear"):
            arrays = arrays[:1]
        origins = frozenset[str]().union(*arrays)
        if node.kind == "DequantizeLinear":
            self._quantised |= origins
        for name in node.outputs:
            self._origins[name] = origins
        if node.kind == "Constant":
            self._values[node.outputs[0]] = next(iter(node.attributes.values()), None)
        elif node.kind in ("Identity", "Cast", "Unsqueeze", "Squeeze", "Reshape") and node.inputs[0] in self._values:
            self._values[node.outputs[0]] = self._values[node.inputs[0]]

    def _checked_operator(self, node: ParsedNode) -> Operator:
        """A damaged node may lack any input and attribute of its kind, and have any number in them."""
        try:
            return self._operator(node)
        except (ValueError, IndexError, TypeError, KeyError, AttributeError, ArithmeticError) as error:
            raise DataError(
                f"expected the inputs and attributes of a {node.kind}, got others at {node.outputs[0]!r} "
                f"({type(error).__name__}); export the model again"
            ) from error

    def _operator(self, node: ParsedNode) -> Operator:
        first, *more = [name for name in node.outputs if name]  # of an LSTM the first output may be left out
        shape, dtype, known = self._type(first)
        others = {name: self._type(name) for name in more}
        inputs = tuple(name for name in node.inputs if name and name not in self._origins)
        fixed = {number: name for number, name in enumerate(node.inputs) if name in self._origins}
        weights, constants = self._arrays(node, fixed)
        types = {name: self._type(name)[1] for name in (*weights, *constants)}
        reading = Reading(
            node=node,
            in_shapes=tuple(self._type(name)[0] if self._type(name)[2] else None for name in node.inputs),
            values={number: self._values[name] for number, name in fixed.items() if name in self._values},
            fixed=frozenset(fixed),
            shape=shape if known else None,
        )
        kind = kind_of(reading)
        attributes = attributes_of(kind, reading)
        if kind in TRAINED_KINDS and not weights:
            attributes["untrained"] = 1
        return Operator(
            name=first,
            kind=kind,
            inputs=inputs,
            shape=shape,
            attributes=attributes,
            dtype=dtype,
            more_outputs={name: other for name, (other, _, _) in others.items()},
            weights=weights,
            constants=constants,
            array_types={name: its for name, its in types.items() if its != dtype},
            known=known and all(is_known for _, _, is_known in others.values()),
        )

    def _arrays(self, node: ParsedNode, fixed: Mapping[int, str]) -> tuple[dict[str, Shape], dict[str, Shape]]:
        """Trained and other arrays that a node reads, by name."""
        weights: dict[str, Shape] = {}
        constants: dict[str, Shape] = {}
        for number, name in fixed.items():
            if number in _STEERING.get(node.kind, ()):
                continue
            for origin in sorted(self._origins[name]):
                shape, dtype, _ = self._type(origin)
                if shape not in ((), (1,)) and self._trained(node, number, origin):
                    weights[origin] = shape
                elif "int64" not in dtype:  # whole numbers steer an operator, they are not worked on
                    constants[origin] = shape
        return weights, constants

    def _trained(self, node: ParsedNode, number: int, origin: str) -> bool:
        """Whether an array that a node reads at a position is of parameters, if it has more than one element."""
        if node.kind in INTEGER_OPERANDS:
            return number in INTEGER_OPERANDS[node.kind]
        if node.kind == "Gather" and node.outputs[0] in self._read_quantised:  # rows of a quantised embedding
            return number == 0
        if node.kind == "Mul" and not self._scales.isdisjoint(node.inputs):
            return False
        of_numbers = "float" in self._type(origin)[1] or origin in self._quantised
        return of_numbers and number not in _UNTRAINED.get(node.kind, ())

    def _type(self, name: str) -> tuple[Shape, str, bool]:
        """Shape, type, and whether the shape is known."""
        shape, dtype = self._model.types.get(name, (None, "unknown"))
        return shape or (), dtype, shape is not None
