"""What TensorRT documents that it fuses; the names of the layers that it really builds come from its own profiler."""

from __future__ import annotations

from typing import Final

from hwnas.graphs.fusion.rules import Absorb, Pattern, Rules, Step

_CONVS: Final = ("conv", "depthwise_conv", "grouped_conv", "conv_transpose")
_ACTIVATIONS: Final = ("relu", "sigmoid", "tanh", "leaky_relu", "clip", "elu", "gelu", "silu", "hard_swish")

RULES: Final = Rules(
    runtime="tensorrt",
    source="NVIDIA TensorRT developer guide, section 'Layer Fusion'; not compared with a built engine here",
    dropped=("identity", "dropout"),
    drops_zeros=True,
    patterns=(
        Pattern(kind="silu", steps=(Step(kind="sigmoid", reads=("x",)), Step(kind="mul", reads=("x", 0)))),
        Pattern(kind="hard_swish", steps=(Step(kind="hard_sigmoid", reads=("x",)), Step(kind="mul", reads=("x", 0)))),
    ),
    absorbs=(
        Absorb(leading=_CONVS, kinds=("batch_norm",), slot="norm", closed=("sum", "activation")),
        Absorb(leading=_CONVS, kinds=("mul", "add"), slot="norm", closed=("sum", "activation"), needs="channels"),
        Absorb(leading=_CONVS, kinds=("add",), slot="sum", closed=("activation",), needs="same_shape"),
        Absorb(leading=_CONVS, kinds=_ACTIVATIONS, slot="activation"),
        Absorb(leading=("linear",), kinds=("add",), slot="bias", needs="bias"),
        Absorb(leading=("linear",), kinds=("relu",), slot="activation"),
        Absorb(leading=("batch_norm", "add", "mul"), kinds=("relu",), slot="activation"),
    ),
    before=dict.fromkeys(_CONVS, ("pad",)),
)
