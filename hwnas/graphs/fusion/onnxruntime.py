"""What onnxruntime's CPU provider makes of a graph at its default level of optimisation ("all")."""

from __future__ import annotations

from typing import Final

from hwnas.graphs.fusion.rules import Absorb, Blocked, Pattern, Rules, Step

_CONVS: Final = ("conv", "depthwise_conv", "grouped_conv")
_CONV_ACTIVATIONS: Final = ("relu", "sigmoid", "tanh", "leaky_relu", "clip", "hard_sigmoid", "hard_swish")
_THROUGH: Final = (
    *("relu", "sigmoid", "tanh", "silu", "gelu", "add", "mul"),
    *("batch_norm", "concat", "global_avg_pool", "global_max_pool", "resize"),
)
_GEMM_ACTIVATIONS: Final = ("relu", "sigmoid", "tanh", "leaky_relu", "elu", "softplus", "softsign")

_HALF_ERF: Final = (
    Step(kind="div", reads=("x",), number=2**0.5),
    Step(kind="erf", reads=(0,)),
    Step(kind="add", reads=(1,), number=1.0),
)
_ERF: Final = (Step(kind="mul", reads=("x",), number=0.5**0.5), *_HALF_ERF[1:])
_NORM: Final = (
    Step(kind="mean", reads=("x",)),
    Step(kind="sub", reads=("x", 0)),
    Step(kind="pow", reads=(1,), number=2.0),
    Step(kind="mean", reads=(2,)),
    Step(kind="add", reads=(3,)),
    Step(kind="sqrt", reads=(4,)),
    Step(kind="div", reads=(1, 5)),
    Step(kind="mul", reads=(6,)),
    Step(kind="add", reads=(7,)),
)
_PATTERNS: Final = (
    *(
        Pattern(kind="gelu", steps=(*erf, *rest))
        for erf in (_HALF_ERF, _ERF)
        for rest in (
            (Step(kind="mul", reads=("x", 2)), Step(kind="mul", reads=(3,), number=0.5)),
            (Step(kind="mul", reads=("x",), number=0.5), Step(kind="mul", reads=(3, 2))),
        )
    ),
    Pattern(kind="layer_norm", steps=_NORM),
    Pattern(kind="silu", steps=(Step(kind="sigmoid", reads=("x",)), Step(kind="mul", reads=("x", 0)))),
    Pattern(kind="hard_swish", steps=(Step(kind="hard_sigmoid", reads=("x",)), Step(kind="mul", reads=("x", 0)))),
    Pattern(
        kind="skip_layer_norm",
        steps=(Step(kind="add", reads=("x", "y")), Step(kind="layer_norm", reads=(0,))),
        rank=3,
    ),
)
_ABSORBS: Final = (
    Absorb(leading=_CONVS, kinds=("batch_norm",), slot="norm"),
    Absorb(leading=_CONVS, kinds=("mul", "add"), slot="norm", needs="channels"),
    Absorb(leading=_CONVS, kinds=("mul",), slot="norm", needs="second_number"),
    Absorb(leading=("conv_transpose",), kinds=("batch_norm",), slot="norm"),
    Absorb(leading=_CONVS, kinds=_CONV_ACTIVATIONS, slot="activation", closed=("sum",)),
    Absorb(leading=("linear",), kinds=("add",), slot="bias", needs="bias"),
    Absorb(leading=("linear",), kinds=_GEMM_ACTIVATIONS, slot="activation", needs="matrix"),
    Absorb(leading=("matmul",), kinds=("mul", "div"), slot="scale", needs="number"),
)

RULES: Final = Rules(
    runtime="onnxruntime",
    source=(
        "onnxruntime 1.32, CPU provider on a processor with AVX2: the graph that the runtime itself writes "
        "(SessionOptions.optimized_model_filepath); tests/graphs/test_fusion_onnxruntime.py compares them"
    ),
    dropped=("identity", "dropout"),
    merges_equal=True,
    joins=("slice", "transpose"),
    patterns=_PATTERNS,
    absorbs=_ABSORBS,
    before={"matmul": ("transpose", "reshape", "mul", "div"), **dict.fromkeys(_CONVS, ("pad",))},
    blocked=Blocked(
        block=8,
        into=(*_CONVS, "max_pool", "avg_pool"),
        through=_THROUGH,
        activations=("relu", "sigmoid", "tanh", "hard_swish", "hard_sigmoid"),
    ),
)
