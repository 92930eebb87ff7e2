"""Recurrent layers of torch modules: one call of ATen is a stack of layers, here an operator each, as in ONNX files."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any

from hwnas.graphs.graph import Operator, Shape
from hwnas.graphs.module_kinds import Call


def layers_of(whole: Operator, call: Call, trained: Callable[[Sequence[str]], dict[str, Shape]]) -> list[Operator]:
    """A call of a recurrent layer or cell as operators, each of which reads the one before; a cell is one step of one.

    trained: the trained arrays that nodes are or come from. The last operator has the name and the outputs of the call.
    """
    source = call.shape_of("input", "data")
    if "w_ih" in call.arguments:
        cell = [call.shape_of("w_ih"), call.shape_of("w_hh")]
        return [dataclasses.replace(whole, attributes=_attributes(source, cell, both=False, batch=source[0]))]
    matrices = [name[1:] for name in call.arguments["params"]]
    count, both = int(call.arguments["num_layers"]), bool(call.arguments["bidirectional"])
    per_layer, batch = len(matrices) // count, _batch(source, first=bool(call.arguments.get("batch_first")))
    layers: list[Operator] = []
    for number in range(count):
        own = matrices[number * per_layer : (number + 1) * per_layer]
        arrays = [call.shapes[name] for name in own]
        facts = _attributes(source, arrays, both=both, batch=batch)
        made = dataclasses.replace(whole, attributes=facts, weights=trained(own))
        if layers:
            made = dataclasses.replace(made, inputs=(layers[-1].name, *whole.inputs[1:]))
        if number < count - 1:
            made = dataclasses.replace(made, name=f"{whole.name}.layer{number}", more_outputs={})
        layers.append(made)
        source = whole.shape
    return layers


def _batch(source: Shape, *, first: bool) -> int:
    return source[0 if first else 1] if len(source) == 3 else 1


def _attributes(source: Shape, arrays: Sequence[Shape], *, both: bool, batch: int) -> dict[str, Any]:
    """What `Operator.macs` counts, from the matrices of one layer; a projection of the hidden state is one more."""
    first, hidden = arrays[0], arrays[1][1]
    elements = sum(math.prod(shape) for shape in arrays if len(shape) == 2)
    inner = first[1] + hidden
    rows, inner = (elements // inner, inner) if elements % inner == 0 else (elements, 1)
    return {
        "hidden_size": hidden,
        "direction": "bidirectional" if both else "forward",
        "vectors": math.prod(source[:-1]),
        "batch": batch,
        "rows": rows,
        "inner": inner,
    }
