"""Arrays that an ONNX file leaves in another one, as torch's exporter does with weights: shapes and types are used.

The other file is never opened. It is missed only where a value of it decides what is executed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from hwnas.errors import UsageError
from hwnas.graphs.onnx_parsed import ParsedModel, ParsedNode

# Inputs that hold a shape, sizes, axes or bounds, by position (ONNX operator set 25).
_STEERING: Final[Mapping[str, tuple[int, ...]]] = {
    "Reshape": (1,), "Expand": (1,), "Tile": (1,), "Split": (1,), "Squeeze": (1,), "Unsqueeze": (1,), "TopK": (1,),
    "OneHot": (1,), "Upsample": (1,), "CenterCropPad": (1,), "AffineGrid": (1,), "ConstantOfShape": (0,),
    "Clip": (1, 2), "Resize": (2, 3), "Col2Im": (1, 2), "Pad": (1, 3), "MaxUnpool": (2,), "Range": (0, 1, 2),
    "Slice": (1, 2, 3, 4),
    **dict.fromkeys(
        ("ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceLogSum",
         "ReduceLogSumExp", "ReduceSumSquare"), (1,)
    ),
}  # fmt: skip
# Kinds that runtimes execute in another way by the value of a single number, such as a product with 0.
_SCALAR: Final = ("Add", "Sub", "Mul", "Div", "Pow", "Max", "Min")
ADVICE: Final = (
    "save small arrays in the file (onnx.save_model with size_threshold=1024, torch with external_data=False)"
)


def require_values(model: ParsedModel, external: frozenset[str]) -> None:
    """Raise `UsageError` where a node needs the value of an external array, or of what is made of external ones."""
    origins = {name: name for name in external}
    fixed = {*model.arrays, *model.values}
    for node in model.nodes if origins else ():
        read = [name for name in node.inputs if name]
        for name in _needed(node, model, fixed):
            if name in origins:
                raise UsageError(
                    f"expected the values of {origins[name]!r} inside the ONNX file, as {node.kind} "
                    f"{node.outputs[0]!r} goes by them, got them in another one; {ADVICE}"
                )
        lacking = [origins[name] for name in read if name in origins]
        if lacking and node.kind not in ("Shape", "Size") and fixed.issuperset(read):
            origins |= dict.fromkeys((name for name in node.outputs if name not in model.values), lacking[0])
            fixed |= {name for name in node.outputs if name}


def _needed(node: ParsedNode, model: ParsedModel, fixed: set[str]) -> list[str]:
    """Names of the inputs whose values decide what a node does."""
    if node.domain:
        return []
    found = [node.inputs[position] for position in _STEERING.get(node.kind, ()) if position < len(node.inputs)]
    if node.kind in _SCALAR and not fixed.issuperset(node.inputs):
        shapes = {name: model.types.get(name, (None, ""))[0] for name in node.inputs}
        found += [name for name, shape in shapes.items() if shape is not None and math.prod(shape) == 1]
    return found
