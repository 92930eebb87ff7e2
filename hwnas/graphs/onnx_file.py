"""A `Graph` as an ONNX file, operator by operator: what was written is what a device gets. The only importer of onnx.

torch's exporter is not used: in release 2.13 it writes no operator set below 18, which boards with TensorRT 8 cannot
read, merges operations that are equal (45 of the 90 `none` of the empty NAS-Bench-201 network), takes seconds for a net
and needs torch. Operator set 13 is read by TensorRT 8, onnxruntime 1.7 and everything later.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from hwnas.errors import MissingExtraError, UsageError
from hwnas.graphs.graph import Graph
from hwnas.graphs.onnx_nodes import WRITERS, NodeBuilder

if TYPE_CHECKING:
    from onnx import ModelProto

OPERATOR_SET: Final = 13
IR_VERSION: Final = 7


def onnx_bytes(graph: Graph, *, batch_size: int = 1, seed: int = 0) -> bytes:
    """The ONNX file of a network in evaluation mode, float32, with random weights named as the module's parameters.

    Weights have He's variance (He 2015, eq. 10), and batch norms random statistics near 1: activations stay far from
    denormal numbers, which slow arithmetic down, and no batch norm is the identity, which a runtime might drop. Dead
    operations are written like all others, and `none` is a product with 0, as the published networks compute it.
    Nothing is folded or fused here: it is the device's runtime that decides what it executes.
    Raises `MissingExtraError` without onnx, `UsageError` for an operator that has no ONNX form yet.
    """
    content: bytes = onnx_model(graph, batch_size=batch_size, seed=seed).SerializeToString(deterministic=True)
    return content


def onnx_model(graph: Graph, *, batch_size: int = 1, seed: int = 0) -> ModelProto:
    """As `onnx_bytes`, as a model of the onnx library; its input is `input`, its output `logits`."""
    try:
        import onnx
    except ImportError:
        raise MissingExtraError("writing ONNX files", "onnx") from None
    if batch_size < 1:
        raise UsageError(f"expected a batch size of at least 1, got {batch_size}")
    for operator in graph.operators:
        if operator.kind not in WRITERS:
            got = f"{operator.name!r} of kind {operator.kind!r}"
            raise UsageError(f"expected operators that have an ONNX form ({', '.join(WRITERS)}), got {got}")
    builder = NodeBuilder(rng=np.random.default_rng(seed), batch_size=batch_size)
    for operator in graph.operators:
        builder.write(operator)
    first, last = graph.operators[0], graph.operators[-1]
    builder.node("Identity", [last.name], "logits")
    ends = [
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, (batch_size, *operator.shape[1:]))
        for name, operator in ((first.name, first), ("logits", last))
    ]
    nodes = [onnx.helper.make_node(n.kind, n.inputs, [n.output], name=n.output, **n.attributes) for n in builder.nodes]
    weights = [onnx.numpy_helper.from_array(values, name) for name, values in builder.weights.items()]
    model = onnx.helper.make_model(
        onnx.helper.make_graph(nodes, "network", ends[:1], ends[1:], weights),
        producer_name="hwnas",
        ir_version=IR_VERSION,
        opset_imports=[onnx.helper.make_opsetid("", OPERATOR_SET)],
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def check_upload(path: Path, *, most_nodes: int) -> None:
    """Refuse what a stranger's file must not be: no ONNX, larger than can be looked at, or with weights elsewhere.

    Raises `MissingExtraError` without onnx, `UsageError`.
    """
    try:
        import onnx
        from google.protobuf.message import DecodeError
    except ImportError:
        raise MissingExtraError("reading ONNX files", "onnx") from None
    try:
        model = onnx.load_model_from_string(path.read_bytes())
    except (DecodeError, ValueError) as error:
        raise UsageError(f"expected an ONNX file, got one that cannot be read: {str(error)[:100]}") from None
    nodes = len(model.graph.node)
    if not 1 <= nodes <= most_nodes:
        raise UsageError(f"expected a network of 1 to {most_nodes:,} operators, got {nodes:,}")
    if any(tensor.external_data or tensor.data_location for tensor in model.graph.initializer):
        raise UsageError("expected an ONNX file with its weights in it, got one that names other files")
    try:
        onnx.checker.check_model(model)
    except onnx.checker.ValidationError as error:
        raise UsageError(f"expected a valid ONNX network, got: {' '.join(str(error).split())[:200]}") from None
