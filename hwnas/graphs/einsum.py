"""What an einsum multiplies, read from its equation."""

from __future__ import annotations

import math
from collections.abc import Sequence

from hwnas.graphs.graph import Shape


def einsum_inner(equation: str, shapes: Sequence[Shape | None]) -> int:
    """Products for one element of the output; an ellipsis stands for axes that the output has too.

    Without an arrow the output has the letters that stand once. shapes: of the arrays, in their order.
    """
    left, arrow, right = equation.replace(" ", "").partition("->")
    lengths: dict[str, int] = {}
    for term, shape in zip(left.split(","), shapes, strict=False):
        before, _, after = term.partition("...")
        lengths |= dict(zip(before, shape or (), strict=False))
        lengths |= dict(zip(reversed(after), reversed(shape or ()), strict=False))
    if not arrow:
        right = "".join(letter for letter in lengths if left.count(letter) == 1)
    return math.prod(length for letter, length in lengths.items() if letter not in right)
