"""A torch module as a `Graph`, by `torch.export`: plain ATen operators, in-place ones replaced by others.

What depends on no input (masks, index tables) is no operator, as in `onnx_reader.py`; a trained array that goes through
such arithmetic counts with the operator that reads its result.
"""

from __future__ import annotations

import contextlib
import math
import operator as python_operator
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, final

from hwnas.errors import MissingExtraError, UsageError
from hwnas.graphs.graph import RECURRENT_KINDS, TRAINED_KINDS, Graph, Operator, Shape
from hwnas.graphs.module_kinds import Call, attention_parts, attributes_of, kind_of
from hwnas.graphs.module_recurrent import layers_of

if TYPE_CHECKING:
    from torch import nn
    from torch.export import ExportedProgram
    from torch.fx import Node

# Calls that only check something: they have no result that is read.
_CHECKS: Final = ("_assert_tensor_metadata", "_assert_scalar", "_assert_async", "sym_constrain_range_for_size")


def read_module(module: nn.Module, example_shape: Sequence[int]) -> Graph:
    """The graph of a module in evaluation mode for one float32 input of `example_shape`, batch first.

    Names of operators are those of the exported program. An operator that is not known stays, as kind
    "unknown:aten.name". The module keeps its weights, its device and the mode of each of its layers.
    Raises `UsageError` for a module that `torch.export` cannot follow, `MissingExtraError` without torch.
    """
    return _Reader(_exported(module, tuple(example_shape))).graph()


def _exported(module: nn.Module, shape: Shape) -> ExportedProgram:
    try:
        import torch
    except ImportError:
        raise MissingExtraError("reading torch modules", "torch") from None
    first = next(iter(module.parameters()), None)
    example = torch.zeros(shape, device=None if first is None else first.device)
    with _evaluating(module), torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own deprecations while it traces
        try:
            program: ExportedProgram = torch.export.export(module, (example,), strict=False).run_decompositions({})
        except Exception as error:  # whatever the module's own code raises, and torch's many kinds
            what = " ".join(str(error).split())[:200]
            raise UsageError(
                f"expected a module that torch.export can follow with one input of shape {shape}, got "
                f"{type(error).__name__}: {what}; wrap it so that it takes one tensor, or read its ONNX file"
            ) from error
    return program


@contextlib.contextmanager
def _evaluating(module: nn.Module) -> Iterator[None]:
    modes = [(layer, layer.training) for layer in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for layer, mode in modes:
            layer.training = mode


@final
class _Reader:
    """Turns the nodes of an exported program into operators, in order."""

    def __init__(self, program: ExportedProgram) -> None:
        signature = program.graph_signature
        self._nodes = list(program.graph.nodes)
        self._trained = dict(signature.inputs_to_parameters)
        self._fixed_inputs = {**signature.inputs_to_buffers, **signature.inputs_to_lifted_tensor_constants}
        self._inputs = signature.user_inputs
        self._origins: dict[str, frozenset[str]] = {}
        self._aliases: dict[str, str] = {}
        self._shapes: dict[str, Shape] = {}
        self._operators: list[Operator] = []

    def graph(self) -> Graph:
        """Inputs first, then every node that depends on one."""
        outputs: tuple[str, ...] = ()
        for node in self._nodes:
            if node.op == "placeholder":
                self._placeholder(node)
            elif node.op == "output":
                outputs = tuple(self._name(read) for read in node.all_input_nodes)
            elif _target(node) not in _CHECKS:
                self._call(node)
        read = tuple(name for name in outputs if name not in self._origins)
        if not read:
            raise UsageError("expected a module whose output depends on its input, got constants alone")
        return Graph(operators=tuple(self._operators), outputs=read)

    def _placeholder(self, node: Node) -> None:
        shape, dtype = _typed(node.meta.get("val"))
        if node.name in self._trained or node.name in self._fixed_inputs:
            self._origins[node.name] = frozenset([node.name])
            self._shapes[node.name] = shape
        elif node.name in self._inputs:
            self._operators.append(Operator(name=node.name, kind="input", inputs=(), shape=shape, dtype=dtype))

    def _call(self, node: Node) -> None:
        reads = [self._name(read) for read in node.all_input_nodes]
        if all(name in self._origins for name in reads):
            self._origins[node.name] = frozenset[str]().union(*(self._origins[name] for name in reads))
        elif node.target is python_operator.getitem:
            number = int(node.args[1])  # type: ignore[arg-type]
            self._aliases[node.name] = reads[0] if number == 0 else f"{reads[0]}:{number}"
        else:
            self._operators += self._made(node)

    def _name(self, node: Node) -> str:
        return self._aliases.get(node.name, node.name)

    def _made(self, node: Node) -> list[Operator]:
        values = node.meta.get("val")
        listed = list(values) if isinstance(values, (list, tuple)) else [values]
        (shape, dtype), others = _typed(listed[0]), [_typed(value)[0] for value in listed[1:]]
        call = Call(
            target=_target(node),
            arguments=_arguments(node),
            shapes={name: _typed(read.meta.get("val"))[0] for read in node.all_input_nodes for name in (read.name,)},
            fixed=frozenset(read.name for read in node.all_input_nodes if self._name(read) in self._origins),
            shape=shape,
        )
        kind = kind_of(call)
        weights, constants = self._arrays([read.name for read in node.all_input_nodes])
        attributes = attributes_of(kind, call)
        if kind in TRAINED_KINDS and not weights:
            attributes["untrained"] = 1
        made = Operator(
            name=node.name,
            kind=kind,
            inputs=tuple(name for name in map(self._name, node.all_input_nodes) if name not in self._origins),
            shape=shape,
            attributes=attributes,
            dtype=dtype,
            more_outputs={f"{node.name}:{i}": s for i, s in enumerate(others, 1) if s and all(s)},
            weights=weights,
            constants=constants,
            known=listed[0] is not None,
        )
        if kind in RECURRENT_KINDS:
            return layers_of(made, call, lambda names: self._arrays(names)[0])
        return attention_parts(made, call) if kind == "attention" else [made]

    def _arrays(self, read: Sequence[str]) -> tuple[dict[str, Shape], dict[str, Shape]]:
        """Trained and other arrays that these nodes are or come from, by their names in the module."""
        names = [self._aliases.get(name, name) for name in read]
        origins = {origin for name in names if name in self._origins for origin in self._origins[name]}
        weights = {self._trained[o]: self._shapes[o] for o in sorted(origins) if o in self._trained}
        constants = {str(self._fixed_inputs[o]): self._shapes[o] for o in sorted(origins) if o in self._fixed_inputs}
        return weights, {name: shape for name, shape in constants.items() if math.prod(shape) > 1}


def _target(node: Node) -> str:
    """`conv2d` of `aten.conv2d.default`; another library's operators keep their library's name."""
    full = str(node.target)
    library, _, rest = full.partition(".")
    return rest.partition(".")[0] if library == "aten" else full


def _arguments(node: Node) -> Mapping[str, Any]:
    """All arguments by name, defaults too; nodes among them by their own name."""

    def plain(value: Any) -> Any:
        if isinstance(value, (list, tuple)):
            return tuple(plain(item) for item in value)
        return f"%{value.name}" if hasattr(value, "all_input_nodes") else value

    schema = getattr(node.target, "_schema", None)
    found: dict[str, Any] = {}
    for number, argument in enumerate(schema.arguments if schema is not None else ()):
        if number < len(node.args):
            found[argument.name] = plain(node.args[number])
        elif argument.name in node.kwargs:
            found[argument.name] = plain(node.kwargs[argument.name])
        elif argument.has_default_value():
            found[argument.name] = argument.default_value
    return found


def _typed(value: Any) -> tuple[Shape, str]:
    """Shape and type of a tensor; of anything else an empty shape."""
    shape = getattr(value, "shape", None)
    if shape is None:
        return (), "unknown"
    return tuple(int(length) for length in shape), str(value.dtype).removeprefix("torch.")
