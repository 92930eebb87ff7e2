"""What a runtime makes of slices and transposes that belong together, before anything is fused."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

from hwnas.graphs.graph import Operator, Shape


def joined_slices(operators: Iterable[Operator], shapes: Mapping[str, Shape]) -> list[Operator]:
    """Slices that cut one result into all of its parts along one axis are one "split". shapes: of all results."""
    listed = list(operators)
    groups: dict[tuple[str, int], list[tuple[int, int, Operator]]] = {}
    for operator in listed:
        if operator.kind == "slice" and (part := _part(operator, shapes)) is not None:
            axis, start, end = part
            groups.setdefault((operator.inputs[0], axis), []).append((start, end, operator))
    split: dict[str, Operator] = {}
    gone: set[str] = set()
    for (source, axis), parts in groups.items():
        parts.sort(key=lambda part: part[:2])
        edges = [0, *(end for _, end, _ in parts)]
        if len(parts) < 2 or [start for start, _, _ in parts] != edges[:-1] or edges[-1] != shapes[source][axis]:
            continue
        names = {operator.name for _, _, operator in parts}
        first, *others = (operator for operator in listed if operator.name in names)
        split[first.name] = dataclasses.replace(
            first,
            kind="split",
            attributes={"axis": axis, "split": tuple(end - start for start, end, _ in parts)},
            more_outputs={operator.name: operator.shape for operator in others},
            constants={},
        )
        gone |= names - {first.name}
    return [split.get(operator.name, operator) for operator in listed if operator.name not in gone]


def joined_transposes(operators: Iterable[Operator], outputs: Sequence[str]) -> tuple[list[Operator], tuple[str, ...]]:
    """A transpose of a transpose is one, or nothing where the second undoes the first; new names of the outputs."""
    names: dict[str, str] = {}
    made: dict[str, Operator] = {}
    kept = []
    for operator in operators:
        inputs = tuple(names.get(name, name) for name in operator.inputs)
        current = operator if inputs == operator.inputs else dataclasses.replace(operator, inputs=inputs)
        if operator.kind == "transpose":
            first, order = made.get(inputs[0]), _order(operator)
            if first is not None and order and (before := _order(first)):
                order = tuple(before[axis] for axis in order)
                attributes = {**operator.attributes, "perm": order}
                current = dataclasses.replace(operator, inputs=first.inputs, attributes=attributes)
            if order == tuple(range(len(order))) and order:
                names[operator.name] = current.inputs[0]
                continue
            made[operator.name] = current
        kept.append(current)
    outputs = tuple(names.get(name, name) for name in outputs)
    wanted = set(outputs) | {name for operator in kept for name in operator.inputs}
    read = [operator for operator in kept if operator.kind != "transpose" or operator.name in wanted]
    return read, outputs


def _part(operator: Operator, shapes: Mapping[str, Shape]) -> tuple[int, int, int] | None:
    """Axis, first and last element of a slice along one axis by steps of 1; None for any other."""
    a, shape = operator.attributes, shapes.get(operator.inputs[0], ()) if operator.inputs else ()
    defaults = {"starts": None, "ends": None, "axes": 0, "steps": 1}
    single = [a.get(name, (default,)) for name, default in defaults.items()]
    if any(len(values) != 1 or values[0] is None for values in single) or not shape or not operator.known:
        return None
    (start,), (end,), (axis,), (step,) = single
    if step != 1 or not -len(shape) <= axis < len(shape):
        return None
    axis %= len(shape)
    length = shape[axis]
    start, end = (min(max(value + length if value < 0 else value, 0), length) for value in (start, end))
    return (axis, start, end) if end > start else None


def _order(operator: Operator) -> tuple[int, ...]:
    order = tuple(operator.attributes.get("perm", ()))
    return order if len(order) == len(operator.shape) else ()
