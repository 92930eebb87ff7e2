"""The most memory that activations take at once, by which of them are still read while each operator runs."""

from __future__ import annotations

import math
from typing import Final

from hwnas.graphs.graph import Graph

BYTES: Final = 4  # of a number in float32
# What gives each number from the same number alone can be written over what it reads.
IN_PLACE: Final = frozenset({"batch_norm", "relu", "identity", "gelu", "hard_swish", "hard_sigmoid", "reshape"})


def peak_activation_bytes(graph: Graph) -> int:
    """Bytes of all activations that are alive at once, at worst, for one image in float32; weights are not counted.

    Operators run in the order of the graph. While one runs, its inputs and its output are alive, and everything that a
    later one reads. Normalisations and activation functions are written over their input where nobody else reads it.
    """
    last: dict[str, int] = {}
    for place, operator in enumerate(graph.operators):
        last.update(dict.fromkeys(operator.inputs, place))
    kept = set(graph.output_names)
    alive: dict[str, int] = {}
    peak = 0
    for place, operator in enumerate(graph.operators):
        done = [name for name in set(operator.inputs) - kept if last[name] == place]
        if operator.kind in IN_PLACE and len(operator.inputs) == 1 and done:
            alive[operator.name] = alive.pop(done[0])
            continue
        alive[operator.name] = math.prod(operator.shape)
        peak = max(peak, sum(alive.values()))
        unread = [operator.name] if operator.name not in last and operator.name not in kept else []
        for name in done + unread:
            del alive[name]
    return BYTES * peak
