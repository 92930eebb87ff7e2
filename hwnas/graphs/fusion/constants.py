"""What a runtime leaves out of a network when it builds it: products with 0, which are constants, and what nobody reads
then.

What reads such a constant is executed: on a Jetson TX2 operators of NAS-Bench-201 on zeros take as long as others, and
those whose results are only multiplied by 0 take no time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hwnas.graphs.graph import Operator


def without_zeros(operators: Iterable[Operator], outputs: Sequence[str]) -> list[Operator]:
    """The operators but for products with 0 and what only these read; what the network returns stays."""
    operators = list(operators)
    wanted = set(outputs)
    found = []
    for operator in reversed(operators):
        if wanted.isdisjoint(operator.outputs):
            continue
        zero = operator.kind == "mul" and operator.attributes.get("scalar") == 0
        if not zero or operator.name in outputs:
            wanted |= set(operator.inputs)
            found.append(operator)
    return found[::-1]
