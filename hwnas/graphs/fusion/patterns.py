"""Finds the patterns of a runtime in a list of operators and puts one operator in the place of each."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from hwnas.graphs.fusion.rules import Pattern
from hwnas.graphs.graph import Operator

_SYMMETRIC: Final = ("add", "mul")


def fuse_patterns(operators: list[Operator], outputs: Iterable[str], patterns: Iterable[Pattern]) -> list[Operator]:
    """The operators with every pattern replaced, one pattern after the other, in the order of the list."""
    outputs = tuple(outputs)
    for pattern in patterns:
        kinds = Counter(operator.kind for operator in operators)
        if all(kinds[step.kind] for step in pattern.steps):
            operators = _fused(operators, outputs, pattern)
    return operators


def _fused(operators: list[Operator], outputs: Sequence[str], pattern: Pattern) -> list[Operator]:
    makers = {operator.name: operator for operator in operators}
    readers = Counter([name for operator in operators for name in operator.inputs] + list(outputs))
    result: dict[str, Operator] = {}
    gone: set[str] = set()
    for operator in operators:
        if pattern.rank not in (None, len(operator.shape)):
            continue
        found = _match(pattern, len(pattern.steps) - 1, operator, makers, {})
        if found is None:
            continue
        parts = [found[number] for number in range(len(pattern.steps))]
        names = {part.name for part in parts if isinstance(part, Operator)}
        if len(names) < len(parts) or names & gone:
            continue
        inner = [part for part in parts[:-1] if isinstance(part, Operator)]
        own = Counter(name for part in parts if isinstance(part, Operator) for name in part.inputs)
        if any(readers[part.name] != own[part.name] for part in inner):
            continue
        gone |= names - {operator.name}
        result[operator.name] = _one(pattern.kind, [part for part in parts if isinstance(part, Operator)])
    return [result.get(operator.name, operator) for operator in operators if operator.name not in gone]


def _match(
    pattern: Pattern, number: int, operator: Operator, makers: dict[str, Operator], bound: dict[int | str, object]
) -> dict[int | str, object] | None:
    """What each step and letter stands for, if the operator can be step `number`."""
    step = pattern.steps[number]
    if bound.get(number, operator) is not operator or operator.kind != step.kind:
        return None
    if len(operator.inputs) != len(step.reads) or not _number_fits(operator, step.number):
        return None
    orders = [operator.inputs]
    if len(operator.inputs) == 2 and operator.kind in _SYMMETRIC:
        orders.append(operator.inputs[::-1])
    for order in orders:
        found: dict[int | str, object] | None = {**bound, number: operator}
        for read, name in zip(step.reads, order, strict=True):
            if found is None:
                break
            if isinstance(read, str):
                found = {**found, read: name} if found.get(read, name) == name else None
            else:
                found = _match(pattern, read, makers[name], makers, found) if name in makers else None
        if found is not None:
            return found
    return None


def _number_fits(operator: Operator, number: float | None) -> bool:
    """To 0.1 %: exporters round the constants of an activation."""
    if number is None:
        return True
    found = operator.attributes.get("scalar")
    return found is not None and math.isclose(found, number, rel_tol=1e-3)


def _one(kind: str, parts: Sequence[Operator]) -> Operator:
    """The operator that stands for the parts, with the name and shape of the last one."""
    inner = {part.name for part in parts}
    last = parts[-1]
    return Operator(
        name=last.name,
        kind=kind,
        inputs=tuple(dict.fromkeys(name for part in parts for name in part.inputs if name not in inner)),
        shape=last.shape,
        attributes={"parts": tuple(part.name for part in parts)},
        dtype=last.dtype,
        weights={name: shape for part in parts for name, shape in part.weights.items()},
        constants={name: shape for part in parts for name, shape in part.constants.items()},
        array_types=_array_types(parts, last.dtype),
        known=all(part.known for part in parts),
    )


def _array_types(parts: Sequence[Operator], dtype: str) -> dict[str, str]:
    """Types of the fixed arrays of the parts, where they are not that of the one operator."""
    arrays = {
        name: part.array_types.get(name, part.dtype) for part in parts for name in (*part.weights, *part.constants)
    }
    return {name: its for name, its in arrays.items() if its != dtype}
