"""What TensorFlow Lite fuses: activations that its schema has as an option of an operator, and folded batch norms.

A block of squeeze-and-excitation is one kernel here because nn-Meter, whose predictors are of this runtime, has it so.
"""

from __future__ import annotations

from typing import Final

from hwnas.graphs.fusion.rules import Absorb, Pattern, Rules, Step

_CONVS: Final = ("conv", "depthwise_conv", "grouped_conv")
_ACTIVATIONS: Final = ("relu", "clip", "tanh")  # clip: ReLU6


def _squeeze_and_excitation(pool: str, gate: str) -> Pattern:
    steps = (
        Step(kind=pool, reads=("x",)),
        Step(kind="conv", reads=(0,)),
        Step(kind="relu", reads=(1,)),
        Step(kind="conv", reads=(2,)),
        Step(kind=gate, reads=(3,)),
        Step(kind="mul", reads=("x", 4)),
    )
    return Pattern(kind="squeeze_excitation", steps=steps, rank=4)


RULES: Final = Rules(
    runtime="tflite",
    source="TensorFlow Lite's schema (ActivationFunctionType of an operator's options) and its converter, which folds "
    "batch norms; nn-Meter (MIT) for squeeze-and-excitation and for reshapes, which it counts as nothing; not compared "
    "with a converted model here",
    dropped=("identity", "dropout", "reshape"),
    patterns=(
        *(_squeeze_and_excitation(pool, gate) for pool in ("global_avg_pool", "mean")
          for gate in ("sigmoid", "hard_sigmoid")),
        Pattern(kind="hard_swish", steps=(Step(kind="hard_sigmoid", reads=("x",)), Step(kind="mul", reads=("x", 0)))),
    ),
    absorbs=(
        Absorb(leading=_CONVS, kinds=("batch_norm",), slot="norm", closed=("activation",)),
        Absorb(leading=_CONVS, kinds=("mul", "add"), slot="norm", closed=("activation",), needs="channels"),
        Absorb(leading=_CONVS, kinds=_ACTIVATIONS, slot="activation"),
        Absorb(leading=("linear",), kinds=("add",), slot="bias", needs="bias"),
        Absorb(leading=("linear",), kinds=_ACTIVATIONS, slot="activation"),
        Absorb(leading=("batch_norm", "add"), kinds=_ACTIVATIONS, slot="activation"),
    ),
    before=dict.fromkeys(_CONVS, ("pad",)),
)  # fmt: skip
