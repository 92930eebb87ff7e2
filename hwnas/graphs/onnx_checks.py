"""What an ONNX model must be before it is read: whole, of a size that can be handled, and closed in itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from hwnas.errors import DataError, UsageError
from hwnas.graphs.onnx_external import ADVICE

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto

FILE_BYTES: Final = 2**31 - 1  # the largest message of protobuf
NODES: Final = 100_000
ELEMENTS: Final = 2**31
OLDEST_SET: Final = 11
EXTERNAL: Final = 1  # TensorProto.EXTERNAL


def check_model(model: ModelProto) -> None:
    """Raise `DataError` for a damaged model, `UsageError` for one that is not read here."""
    graph = model.graph
    if not graph.node or not graph.output:
        raise DataError("expected an ONNX model with nodes and outputs, got one without; export it again")
    versions = [entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")]
    if versions and max(versions) < OLDEST_SET:
        raise UsageError(f"expected an operator set of at least {OLDEST_SET}, got {max(versions)}; export it again")
    nodes = [*graph.node, *(node for function in model.functions for node in function.node)]
    if len(nodes) > NODES:
        raise UsageError(f"expected at most {NODES:,} nodes, got {len(nodes):,}; give a part of the network")
    _check_texts(graph, nodes)
    _check_arrays(graph, nodes)
    for node in nodes:
        inner = [entry.name for entry in node.attribute if entry.HasField("g") or entry.graphs]
        if inner:
            raise UsageError(
                f"expected a network without branches and loops, got node {node.name or node.output[0]!r} of type "
                f"{node.op_type!r} with graphs of its own; export the network for one fixed shape"
            )
    _check_names(graph)


def _check_texts(graph: GraphProto, nodes: Iterable[NodeProto]) -> None:
    """Protobuf gives bytes in the place of a text that is none."""
    texts = [entry.name for entry in (graph, *graph.input, *graph.output, *graph.value_info, *graph.initializer)]
    for node in nodes:
        texts += [node.name, node.op_type, node.domain, *node.input, *node.output]
        texts += [text for entry in node.attribute for text in (entry.name, entry.ref_attr_name)]
    for text in texts:
        if not isinstance(text, str):
            raise DataError(f"expected names in UTF-8, got {text!r:.60}; export the model again")


def _check_arrays(graph: GraphProto, nodes: Iterable[NodeProto]) -> None:
    if graph.sparse_initializer:
        raise UsageError("expected dense weights, got sparse ones; export the network with dense weights")
    inner = [entry.t for node in nodes for entry in node.attribute if entry.HasField("t")]
    if any(map(is_external, inner)):
        raise UsageError(
            "expected the constants of nodes inside the ONNX file, got one in another file; save the model in one file "
            "(torch.onnx.export with external_data=False)"
        )
    for tensor in (*graph.initializer, *inner):
        elements = 1
        for length in tensor.dims:
            if length < 0:
                raise DataError(f"expected lengths of at least 0, got {length} in the array {tensor.name!r}")
            elements *= length
        if elements > ELEMENTS:
            raise UsageError(f"expected arrays of at most {ELEMENTS:,} elements, got {elements:,} in {tensor.name!r}")
        short = 0 < len(tensor.raw_data) * 8 < elements * 4
        if short and not is_external(tensor):
            raise DataError(f"the array {tensor.name!r} has fewer bytes than elements; export the model again")


def _check_names(graph: GraphProto) -> None:
    """Each name is made once, each that is read is made, and no node waits for its own result."""
    given = {value.name for value in graph.input} | {tensor.name for tensor in graph.initializer}
    made = Counter(name for node in graph.node for name in node.output if name)
    twice = sorted(name for name, count in made.items() if count > 1 or name in given)
    if twice:
        raise DataError(f"expected each name once in the ONNX model, got {twice[0]!r} several times; export it again")
    wanted = [name for node in graph.node for name in node.input if name] + [value.name for value in graph.output]
    for name in wanted:
        if name not in given and name not in made:
            raise DataError(f"nothing in the ONNX model makes {name!r}, which is read; export it again")
    _sort(graph, given | {""})


def _sort(graph: GraphProto, given: set[str]) -> None:
    """Put the nodes into an order in which they can be executed. Raises `DataError` for a cycle."""
    nodes = list(graph.node)
    seen = set(given)
    sorted_so_far = 0
    for node in nodes:
        if not seen.issuperset(node.input):
            break
        seen.update(node.output)
        sorted_so_far += 1
    if sorted_so_far == len(nodes):
        return
    order = _order(nodes, given)
    if len(order) < len(nodes):
        stuck = nodes[min(set(range(len(nodes))) - set(order))]
        raise DataError(f"the ONNX model has a cycle through {stuck.output[0]!r}; export it again")
    copies = [type(nodes[i]).FromString(nodes[i].SerializeToString()) for i in order]
    del graph.node[:]
    graph.node.extend(copies)


def _order(nodes: list[NodeProto], given: set[str]) -> list[int]:
    """Numbers of the nodes as they can be executed, those of a cycle and behind it left out."""
    waiting: dict[str, list[int]] = {}
    missing = []
    for number, node in enumerate(nodes):
        names = set(node.input) - given
        missing.append(len(names))
        for name in names:
            waiting.setdefault(name, []).append(number)
    order = [number for number, count in enumerate(missing) if not count]
    for number in order:  # grows while it is read
        for reader in (reader for name in nodes[number].output for reader in waiting.pop(name, ())):
            missing[reader] -= 1
            if not missing[reader]:
                order.append(reader)
    return order


def fix_inputs(graph: GraphProto, *, batch_size: int | None, sizes: Mapping[str, int]) -> None:
    """Give every symbolic dimension of the inputs a number. Raises `UsageError` where it has none, or is not there."""
    if batch_size is not None and batch_size < 1:
        raise UsageError(f"expected a batch size of at least 1, got {batch_size}")
    arrays = {tensor.name for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in arrays]
    for value in inputs:
        if not value.type.HasField("tensor_type") or not value.type.tensor_type.HasField("shape"):
            raise UsageError(f"expected inputs that are tensors with a shape, got {value.name!r} without")
    _check_sizes(inputs, sizes)
    for value in inputs:
        _fix(value, batch_size=batch_size, sizes=sizes)


def _check_sizes(inputs: Iterable[ValueInfoProto], sizes: Mapping[str, int]) -> None:
    dims = [dim for value in inputs for dim in value.type.tensor_type.shape.dim]
    symbols = sorted({dim.dim_param for dim in dims if dim.dim_param and not dim.dim_value > 0})
    for name, length in sizes.items():
        if name not in symbols:
            known = ", ".join(symbols) or "none, all lengths are fixed"
            raise UsageError(f"expected sizes of the symbolic axes of the inputs ({known}), got one of {name!r}")
        if not 1 <= length <= ELEMENTS:
            raise UsageError(f"expected a size of 1 to {ELEMENTS:,} for the symbol {name!r}, got {length}")


def _fix(value: ValueInfoProto, *, batch_size: int | None, sizes: Mapping[str, int]) -> None:
    for axis, dim in enumerate(value.type.tensor_type.shape.dim):
        if dim.HasField("dim_value") and dim.dim_value > 0:
            if axis == 0 and batch_size not in (None, dim.dim_value):
                raise UsageError(
                    f"expected a batch of {dim.dim_value}, which the ONNX file fixes for {value.name!r}, got "
                    f"{batch_size}; leave the batch size out, or export the model with a symbolic first axis"
                )
            continue
        number: Any = sizes.get(dim.dim_param)
        if number is not None and axis == 0 and batch_size not in (None, number):
            raise UsageError(
                f"expected one length of the first axis {dim.dim_param!r}, got a batch size of {batch_size} and a "
                f"size of {number}; leave one out"
            )
        if number is None and axis == 0:
            number = batch_size or 1
        if number is None:
            raise UsageError(
                f"axis {axis} of the input {value.name!r} has no fixed length but {_way_out(dim.dim_param)}"
            )
        dim.Clear()
        dim.dim_value = int(number)


def _way_out(symbol: str) -> str:
    if not symbol:
        return "a symbol without a name; export the model for a fixed shape"
    return (
        f"the symbol {symbol!r}; give it one (`hwnas predict` here, without --server: --size {symbol}=224; Python: "
        f"sizes={{{symbol!r}: 224}}), or export the model for a fixed shape"
    )


def is_external(tensor: TensorProto) -> bool:
    """Whether the values of an array are in another file."""
    return tensor.data_location == EXTERNAL


def hide_external(model: ModelProto) -> None:
    """Empty the external arrays of the network, so that a check of the model looks for no other file.

    Raises `UsageError` where an array is external that no node reads by its name, as a constant inside a node.
    """
    for tensor in model.graph.initializer:
        if is_external(tensor):
            for field, _ in tensor.ListFields():
                if field.name not in ("name", "data_type"):
                    tensor.ClearField(field.name)
            tensor.dims.append(0)
    for name in _outside(model):
        raise UsageError(f"expected constants inside the ONNX file, got {name!r} in another one; {ADVICE}")


def _outside(message: Any) -> Iterator[str]:
    """Names of all arrays in other files, however deep in a message."""
    if message.DESCRIPTOR.name == "TensorProto":
        if is_external(message):
            yield message.name
        return
    for field, value in message.ListFields():
        if field.message_type is not None:
            for part in [value] if hasattr(value, "ListFields") else value:
                yield from _outside(part)
