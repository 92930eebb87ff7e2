"""ONNX files: written operator by operator, so that what was written is what a device gets, and parsed.

The only importer of the library onnx. Where there is a graph, torch's exporter is not used: in release 2.13 it writes
no operator set below 18, which boards with TensorRT 8 cannot read, merges operations that are equal (45 of the 90 zero
operations of the empty NAS-Bench-201 network), takes seconds for a net and needs torch. Operator set 13 is read by
TensorRT 8, onnxruntime 1.7 and everything later.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from hwnas.arrays import Array
from hwnas.errors import DataError, MissingExtraError, UsageError
from hwnas.graphs.graph import Graph
from hwnas.graphs.onnx_checks import check_model, fix_inputs, hide_external, is_external
from hwnas.graphs.onnx_external import require_values
from hwnas.graphs.onnx_folding import SMALL, fold
from hwnas.graphs.onnx_nodes import WRITERS, NodeBuilder
from hwnas.graphs.onnx_parsed import ParsedModel, ParsedNode, Type
from hwnas.graphs.onnx_shapes import check_shapes

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto, TensorProto, TypeProto

OPERATOR_SET: Final = 13
IR_VERSION: Final = 7
EXPORTED_OPERATOR_SET: Final = 18
EXPORTED_IR_VERSION: Final = 9
FOLDS: Final = 50  # rounds of shapes from values and values from shapes: a chain of reshapes needs one for each


def onnx_bytes(graph: Graph, *, batch_size: int = 1, seed: int = 0, arrays: Mapping[str, Array] | None = None) -> bytes:
    """The ONNX file of a network in evaluation mode, float32, with random weights named as the module's parameters.

    Weights have He's variance (He 2015, eq. 10), and batch norms random statistics near 1: activations stay far from
    denormal numbers, which slow arithmetic down, and no batch norm is the identity, which a runtime might drop. Dead
    operations are written like all others, and `none` is a product with 0, as the published networks compute it.
    Nothing is folded or fused here: it is the device's runtime that decides what it executes.
    arrays: weights to take instead of random ones, by the names of the module's parameters and buffers.
    Raises `MissingExtraError` without onnx, `UsageError` for an operator that has no ONNX form yet.
    """
    content: bytes = onnx_model(graph, batch_size=batch_size, seed=seed, arrays=arrays).SerializeToString(
        deterministic=True
    )
    return content


def onnx_model(
    graph: Graph, *, batch_size: int = 1, seed: int = 0, arrays: Mapping[str, Array] | None = None
) -> ModelProto:
    """As `onnx_bytes`, as a model of the onnx library; its input is `input`, its output `logits`."""
    if batch_size < 1:
        raise UsageError(f"expected a batch size of at least 1, got {batch_size}")
    for operator in graph.operators:
        if operator.kind not in WRITERS:
            got = f"{operator.name!r} of kind {operator.kind!r}"
            raise UsageError(f"expected operators that have an ONNX form ({', '.join(WRITERS)}), got {got}")
    builder = NodeBuilder(rng=np.random.default_rng(seed), batch_size=batch_size, given=arrays or {})
    for operator in graph.operators:
        builder.write(operator)
    first, last = graph.operators[0], graph.operators[-1]
    builder.node("Identity", [last.name], "logits")
    ends = {first.name: (batch_size, *first.shape[1:]), "logits": (batch_size, *last.shape[1:])}
    return _model(builder, ends, operator_set=OPERATOR_SET, ir_version=IR_VERSION)


def nodes_model(builder: NodeBuilder, ends: dict[str, tuple[int, ...]]) -> bytes:
    """The ONNX file of nodes that were written one by one, in the operator set that torch exports.

    ends: name and shape of the input, then of the output. Raises `MissingExtraError` without onnx.
    """
    model = _model(builder, ends, operator_set=EXPORTED_OPERATOR_SET, ir_version=EXPORTED_IR_VERSION)
    content: bytes = model.SerializeToString(deterministic=True)
    return content


class RuntimeNode(NamedTuple):
    """A node of a graph that a runtime optimised."""

    name: str
    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


def optimised_nodes(path: Path) -> tuple[RuntimeNode, ...]:
    """Nodes of the optimised graph that a runtime wrote to a file. Raises `MissingExtraError` without onnx."""
    try:
        import onnx
    except ImportError:
        raise MissingExtraError("reading ONNX files", "onnx") from None
    nodes = onnx.load(str(path), load_external_data=False).graph.node
    return tuple(RuntimeNode(node.name, node.op_type, tuple(node.input), tuple(node.output)) for node in nodes)


def _model(builder: NodeBuilder, ends: dict[str, tuple[int, ...]], *, operator_set: int, ir_version: int) -> ModelProto:
    try:
        import onnx
    except ImportError:
        raise MissingExtraError("writing ONNX files", "onnx") from None
    values = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape) for name, shape in ends.items()]
    nodes = [
        onnx.helper.make_node(n.kind, n.inputs, [n.output, *n.more_outputs], name=n.output, **n.attributes)
        for n in builder.nodes
    ]
    weights = [onnx.numpy_helper.from_array(values, name) for name, values in builder.weights.items()]
    model = onnx.helper.make_model(
        onnx.helper.make_graph(nodes, "network", values[:1], values[1:], weights),
        producer_name="hwnas",
        ir_version=ir_version,
        opset_imports=[onnx.helper.make_opsetid("", operator_set)],
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def check_upload(content: bytes, *, most_nodes: int) -> None:
    """Refuse what a stranger's file must not be: no ONNX, or larger than can be looked at. No other file is looked for.

    Raises `MissingExtraError` without onnx, `UsageError`.
    """
    try:
        import onnx
        from google.protobuf.message import DecodeError
    except ImportError:
        raise MissingExtraError("reading ONNX files", "onnx") from None
    try:
        model = onnx.load_model_from_string(content)
    except (DecodeError, ValueError) as error:
        raise UsageError(f"expected an ONNX file, got one that cannot be read: {str(error)[:100]}") from None
    nodes = len(model.graph.node)
    if not 1 <= nodes <= most_nodes:
        raise UsageError(f"expected a network of 1 to {most_nodes:,} operators, got {nodes:,}")
    hide_external(model)
    try:
        onnx.checker.check_model(model)
    except (onnx.checker.ValidationError, UnicodeDecodeError) as error:  # what it says may hold any bytes of the file
        raise UsageError(f"expected a valid ONNX network, got: {' '.join(str(error).split())[:200]}") from None


def parse_onnx(content: bytes, *, batch_size: int | None, sizes: Mapping[str, int]) -> ParsedModel:
    """The contents of an ONNX file with all shapes that can be inferred. Nothing outside `content` is read or run.

    Weights may be in another file: their shapes and types are in this one.
    sizes: values of symbolic dimensions by name; `batch_size` is that of the first axis of every input that has none.
    Raises `DataError` for what is no whole ONNX model, `UsageError` for what is not read here and for shapes that do
    not fit together.
    """
    try:
        import onnx
    except ImportError:
        raise MissingExtraError("reading ONNX files", "onnx") from None
    model = onnx.ModelProto()
    try:
        model.ParseFromString(content)
    except Exception as error:  # protobuf's DecodeError, which differs between its implementations
        raise DataError(f"expected an ONNX model, got what does not parse ({error}); export it again") from None
    check_model(model)
    if model.functions:
        import onnx.inliner

        model = onnx.inliner.inline_local_functions(model)
    graph = model.graph
    fix_inputs(graph, batch_size=batch_size, sizes=sizes)
    arrays = {tensor.name: tensor for tensor in graph.initializer}
    values = {name: _values(t) for name, t in arrays.items() if _small(t)}
    nodes = tuple(_parsed(node) for node in graph.node)
    fold(nodes, values, {})
    types = _types(model, values)
    for _ in range(FOLDS):
        if not fold(nodes, values, types):
            break
        types = _types(model, values)
    check_shapes(nodes, types)
    parsed = ParsedModel(
        nodes=nodes,
        inputs=tuple(value.name for value in graph.input if value.name not in arrays),
        outputs=tuple(value.name for value in graph.output),
        arrays=frozenset(arrays),
        values=values,
        types=types,
    )
    require_values(parsed, frozenset(name for name, tensor in arrays.items() if is_external(tensor)))
    return parsed


def _types(model: ModelProto, values: Mapping[str, Any]) -> dict[str, Type]:
    """Shapes and types of all arrays and results, so far as they can be inferred with what has a value already."""
    graph = _inferred(model, values).graph
    types = {value.name: _typed(value.type) for value in (*graph.input, *graph.value_info, *graph.output)}
    types |= {name: (tuple(value.shape), str(value.dtype)) for name, value in values.items()}
    arrays = {tensor.name: tensor for tensor in model.graph.initializer}
    return types | {name: (tuple(tensor.dims), _dtype(tensor.data_type)) for name, tensor in arrays.items()}


def _inferred(model: ModelProto, values: Mapping[str, Any]) -> ModelProto:
    """The model with inferred shapes; large and external arrays are inputs of the copy: they need not go through it."""
    import onnx

    copy = onnx.ModelProto(ir_version=max(model.ir_version, 4), opset_import=model.opset_import)
    graph = copy.graph
    graph.name = model.graph.name
    graph.node.extend(node for node in model.graph.node if node.output[0] not in values)
    graph.output.extend(onnx.ValueInfoProto(name=value.name) for value in model.graph.output)
    known = {tensor.name for tensor in model.graph.initializer}
    graph.initializer.extend(
        onnx.numpy_helper.from_array(np.asarray(value), name) for name, value in values.items() if name not in known
    )
    graph.input.extend(value for value in model.graph.input if value.name not in known)
    for tensor in model.graph.initializer:
        if _small(tensor):
            graph.initializer.append(tensor)
        else:
            graph.input.append(onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))
    try:
        return onnx.shape_inference.infer_shapes(copy, data_prop=True, strict_mode=False)
    except Exception as error:  # the library's own errors have no common base class
        raise DataError(
            f"the shapes of the ONNX model contradict one another: {_line(error)}; export it again"
        ) from None


def _parsed(node: NodeProto) -> ParsedNode:
    import onnx

    values = {entry.name: onnx.helper.get_attribute_value(entry) for entry in node.attribute if not entry.ref_attr_name}
    return ParsedNode(
        name=node.name,
        kind=node.op_type,
        domain="" if node.domain == "ai.onnx" else node.domain,
        inputs=tuple(node.input),
        outputs=tuple(node.output),
        attributes={name: _plain_value(value) for name, value in values.items()},
    )


def _plain_value(value: Any) -> Any:
    import onnx

    if isinstance(value, onnx.TensorProto):
        return _values(value)
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return tuple(value) if isinstance(value, Sequence) and not isinstance(value, str) else value


def _values(tensor: TensorProto) -> Array:
    import onnx

    try:
        return np.asarray(onnx.numpy_helper.to_array(tensor))
    except Exception as error:  # of several kinds: too few values, too many, or of no type
        raise DataError(
            f"expected as many values as its shape says in the array {tensor.name!r}, got another content: "
            f"{_line(error)}; export the model again"
        ) from None


def _typed(value: TypeProto) -> tuple[tuple[int, ...] | None, str]:
    """Shape, None where it is not known, and type of the elements."""
    tensor = value.tensor_type
    dims = tensor.shape.dim
    whole = tensor.HasField("shape") and all(dim.HasField("dim_value") for dim in dims)
    return tuple(dim.dim_value for dim in dims) if whole else None, _dtype(tensor.elem_type)


def _dtype(number: int) -> str:
    import onnx

    try:
        return str(onnx.helper.tensor_dtype_to_np_dtype(number))
    except KeyError:
        return "unknown"


def _small(tensor: TensorProto) -> bool:
    """Whether the values of an array are here, and few enough to be looked at."""
    return not is_external(tensor) and math.prod(tensor.dims) <= SMALL


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
