"""Applies the rules of a runtime to a graph; the result is groups of operators, each executed as one piece."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, final

from hwnas.graphs.fusion.constants import without_zeros
from hwnas.graphs.fusion.patterns import fuse_patterns
from hwnas.graphs.fusion.rewrites import joined_slices, joined_transposes
from hwnas.graphs.fusion.rules import Absorb, Rules
from hwnas.graphs.graph import Graph, Operator

_BORDERS: Final = ("input",)


@final
@dataclass
class Group:
    """Operators of one kernel, the leading one first; slots: what was taken in; blocked: whether in that layout."""

    operators: list[Operator]
    kind: str
    slots: set[str] = field(default_factory=set)
    blocked: bool = False

    def __post_init__(self) -> None:
        self.last = self.operators[0]  # the operator that makes the result
        self._read: tuple[int, tuple[str, ...]] = (0, ())

    def take(self, operators: Sequence[Operator], slot: str) -> None:
        """Take in the reader of the result, whose result is the group's from then on."""
        self.operators += operators
        self.last = self.operators[-1]
        self.slots.add(slot)

    @property
    def inputs(self) -> tuple[str, ...]:
        """What it reads from others."""
        known, read = self._read
        if known != len(self.operators):  # groups only grow; asked for by every rule, this was a third of all time
            inner = {name for operator in self.operators for name in operator.outputs}
            read = tuple(dict.fromkeys(n for operator in self.operators for n in operator.inputs if n not in inner))
            self._read = len(self.operators), read
        return read


def group_operators(graph: Graph, rules: Rules, kind_of: Callable[[Operator], str]) -> list[Group]:
    """Groups in order of execution. kind_of: the family of kernels that an operator leads."""
    operators = [operator for operator in graph.operators if operator.kind not in _BORDERS]
    operators, outputs = _dropped(operators, graph.output_names, rules.dropped)
    if rules.drops_zeros:
        operators = without_zeros(operators, outputs)
    if rules.merges_equal:
        operators, outputs = _merged(operators, outputs)
    if "slice" in rules.joins:
        operators = joined_slices(operators, {n: shape for o in graph.operators for n, shape in o.outputs.items()})
    if "transpose" in rules.joins:
        operators, outputs = joined_transposes(operators, outputs)
    operators = fuse_patterns(operators, outputs, rules.patterns)
    groups = [Group(operators=[o], kind=kind_of(o)) for o in operators]
    groups = _taken_before(groups, outputs, rules.before)
    for absorb in rules.absorbs:
        groups = _absorbed(groups, outputs, absorb)
    return groups


def reader_counts(inputs: Iterable[Sequence[str]], outputs: Iterable[str]) -> Counter[str]:
    """How often each result is read; what the network returns is read once more."""
    return Counter([name for names in inputs for name in names] + list(outputs))


def _renamed(operator: Operator, names: Mapping[str, str]) -> Operator:
    if not any(name in names for name in operator.inputs):
        return operator
    return dataclasses.replace(operator, inputs=tuple(names.get(name, name) for name in operator.inputs))


def _dropped(
    operators: Iterable[Operator], outputs: Sequence[str], kinds: Sequence[str]
) -> tuple[list[Operator], tuple[str, ...]]:
    """Without operators that hand on what they read."""
    names: dict[str, str] = {}
    kept = []
    for operator in operators:
        renamed = _renamed(operator, names)
        if operator.kind in kinds and renamed.inputs:
            names[operator.name] = renamed.inputs[0]
        else:
            kept.append(renamed)
    return kept, tuple(names.get(name, name) for name in outputs)


def _merged(operators: Iterable[Operator], outputs: Sequence[str]) -> tuple[list[Operator], tuple[str, ...]]:
    """Operators that compute the same from the same are one. Those of a space have weights of their own."""
    names: dict[str, str] = {}
    seen: dict[object, Operator] = {}
    kept = []
    for operator in operators:
        renamed = _renamed(operator, names)
        facts = tuple(sorted((name, str(value)) for name, value in renamed.attributes.items()))
        arrays = (*renamed.weights, *renamed.constants)
        key = (renamed.kind, renamed.inputs, renamed.shape, facts, arrays)
        if (renamed.params and not renamed.weights) or key not in seen:
            seen[key] = renamed
            kept.append(renamed)
        else:
            names |= dict(zip(renamed.outputs, seen[key].outputs, strict=False))
    return kept, tuple(names.get(name, name) for name in outputs)


def _taken_before(groups: list[Group], outputs: Iterable[str], before: Mapping[str, tuple[str, ...]]) -> list[Group]:
    """Operators that vanish into the kernel that alone reads them, as a transpose into a matrix product."""
    readers = reader_counts((group.inputs for group in groups), outputs)
    makers = {name: group for group in groups for name in group.last.outputs}
    gone: set[int] = set()
    for group in groups:
        waiting = deque(group.inputs)
        while waiting:
            maker = makers.get(waiting.popleft())
            if maker is None or id(maker) in gone or maker.kind not in before.get(group.kind, ()):
                continue
            chain = [maker]
            if maker.kind == "reshape":  # between a transpose and the product it only drops or adds axes of length 1
                inner = makers.get(maker.inputs[0])
                chain = [inner, maker] if inner is not None and inner.kind == "transpose" else []
            single = all(readers[link.last.name] == 1 for link in chain)
            if chain and single and id(chain[0]) not in gone and _may_go_before(chain[0].last):
                gone.update(map(id, chain))
                group.operators += [operator for link in chain for operator in link.operators]
                waiting.extend(chain[0].inputs)
    return [group for group in groups if id(group) not in gone]


def _may_go_before(operator: Operator) -> bool:
    """A product may take in an exchange of the last two axes and one fixed factor; a window, zeros around the map."""
    if operator.kind == "transpose":
        order = tuple(operator.attributes.get("perm", ()))
        return len(order) > 2 and order == (*range(len(order) - 2), len(order) - 1, len(order) - 2)
    if operator.kind in ("mul", "div"):
        return "scalar" in operator.attributes and (operator.kind == "mul" or operator.attributes["scalar_position"])
    if operator.kind == "pad":
        pads = tuple(operator.attributes.get("pads", (1,)))
        half = len(pads) // 2
        plain = operator.attributes.get("mode", "constant") == "constant"
        return plain and len(pads) == 2 * len(operator.shape) and not any((*pads[:2], *pads[half : half + 2]))
    return False


def _absorbed(groups: list[Group], outputs: Sequence[str], rule: Absorb) -> list[Group]:
    """Every kernel takes in the only reader of its result, if the rule says so, as often as it can."""
    readers = reader_counts((group.inputs for group in groups), outputs)
    by_input: dict[str, list[Group]] = {}
    for group in groups:
        for name in group.inputs:
            by_input.setdefault(name, []).append(group)
    gone: dict[int, Group] = {}
    for group in groups:
        while group.kind in rule.leading and id(group) not in gone and not _full(group, rule):
            name = group.last.name
            following = by_input.get(name, [])
            if readers[name] != 1 or len(following) != 1 or group.last.more_outputs:
                break
            (reader,) = following
            alone = len(reader.operators) == 1 and reader.kind in rule.kinds
            if id(reader) in gone or not alone or not allowed(reader.operators[0], group.operators[0], rule.needs):
                break
            gone[id(reader)] = group
            group.take(reader.operators, rule.slot if rule.slot != "norm" else f"norm:{reader.operators[0].name}")
    return _in_order([group for group in groups if id(group) not in gone]) if gone else groups


def _full(group: Group, rule: Absorb) -> bool:
    return rule.slot in group.slots or any(slot in group.slots for slot in rule.closed)


def _in_order(groups: list[Group]) -> list[Group]:
    """A kernel that took in a sum comes behind everything that the sum reads."""
    makers = {name: group for group in groups for op in group.operators for name in op.outputs}
    done: dict[int, Group] = {}

    def visit(group: Group) -> None:
        stack = [(group, iter(group.inputs))]
        entered = {id(group)}
        while stack:
            current, names = stack[-1]
            for name in names:
                maker = makers.get(name)
                if maker is not None and id(maker) not in done and id(maker) not in entered:
                    entered.add(id(maker))
                    stack.append((maker, iter(maker.inputs)))
                    break
            else:
                stack.pop()
                done[id(current)] = current

    for group in groups:
        if id(group) not in done:
            visit(group)
    return list(done.values())


def allowed(operator: Operator, leading: Operator, needs: str) -> bool:
    """Whether an operator meets the condition of a rule (`Absorb.needs`)."""
    fixed = (*operator.weights.values(), *operator.constants.values())
    if needs == "channels":
        channels = leading.shape[1] if len(leading.shape) > 1 else 0
        second = operator.attributes.get("fixed_position", 1) == 1
        return second and len(operator.inputs) == 1 and len(fixed) == 1 and per_channel(fixed[0], channels)
    if needs == "bias":
        return len(operator.inputs) == 1 and len(fixed) == 1 and fixed[0] == leading.shape[-1:]
    if needs == "number":
        return len(operator.inputs) == 1 and "scalar" in operator.attributes
    if needs == "second_number":
        second = operator.attributes.get("fixed_position") == 1 or operator.attributes.get("scalar_position") == 1
        return second and len(operator.inputs) == 1 and fixed == ((),)
    if needs == "same_shape":
        return len(operator.inputs) == 2 and operator.shape == leading.shape
    return needs != "matrix" or len(operator.shape) == 2


def per_channel(shape: Sequence[int], channels: int) -> bool:
    """Whether an array is (C, 1, 1) or (1, C, 1, 1)."""
    return math.prod(shape) == channels and len(shape) > 2 and shape[-3] == channels
