"""Cells of a network and the shortcuts inside them: what `nn_mass` and `nn_degree` count (Bhardwaj 2021)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from hwnas.graphs import Graph, Operator

_WEIGHTED = ("conv", "linear")
_TOKENS = 3  # axes of a tensor (1, tokens, width)


@dataclass(frozen=True, kw_only=True)
class SkipCell:
    """A part of a network between two tensors through which every path leads.

    widths: channels at each level but the last; the level of a tensor is the most weighted layers that lie between the
    first tensor of the cell and it. skips: channels that jump over at least one level, by (level they leave, level
    they join). A path with fewer layers than another, such as the projection in a residual block, is a jump.
    """

    widths: tuple[int, ...]
    skips: Mapping[tuple[int, int], int]

    @property
    def depth(self) -> int:
        """Weighted layers on the longest path."""
        return len(self.widths)

    @property
    def possible(self) -> int:
        """Channels that could jump: to every level, those of all levels but the one before."""
        return sum(sum(self.widths[: level - 1]) for level in range(2, self.depth + 1))

    @property
    def actual(self) -> int:
        """Channels that do."""
        return sum(min(channels, self.widths[start]) for (start, _), channels in self.skips.items())


def skip_cells(graph: Graph) -> list[SkipCell]:
    """Cells from the input to the output; none where no path leads from one to the other.

    Operators that lie on no such path do not count. Sums join where they are; what is concatenated joins the output of
    the weighted layer that reads it, hence one level later.
    """
    live, reads = _paths(graph)
    borders = _borders(live, reads)
    cells = [_cell(live[start : end + 1], reads) for start, end in pairwise(borders)]
    return [cell for cell in cells if cell.depth]


def _borders(live: list[Operator], reads: Mapping[str, tuple[str, ...]]) -> list[int]:
    """Positions of the operators that every path passes: no later one reads an earlier one.

    Between a concatenation and the weighted layer that reads it there is none.
    """
    last_read = {source: index for index, operator in enumerate(live) for source in reads[operator.name]}
    joining: set[str] = set()
    farthest, borders = 0, []
    for index, operator in enumerate(live):
        sources = reads[operator.name]
        if operator.kind not in _WEIGHTED and (len(sources) > len(operator.inputs) or joining.intersection(sources)):
            joining.add(operator.name)
        elif farthest <= index:
            borders.append(index)
        farthest = max(farthest, last_read.get(operator.name, 0))
    return borders


def _paths(graph: Graph) -> tuple[list[Operator], dict[str, tuple[str, ...]]]:
    """Operators on paths from the input to the output, and what each reads.

    A concatenation is replaced by its parts where one of them leads to another: it then is a shortcut. Where none does
    it only puts halves together.
    """
    reads: dict[str, tuple[str, ...]] = {}
    before: dict[str, set[str]] = {}
    parts: dict[str, tuple[str, ...]] = {}
    shapes = {operator.name: operator.shape for operator in graph.operators}
    for operator in graph.operators:
        if operator.kind == "zero":
            continue
        sources = [part for name in _main_inputs(operator, shapes) for part in parts.get(name, ())]
        if operator.kind == "input" or sources:
            reads[operator.name] = tuple(dict.fromkeys(sources))
            before[operator.name] = set(sources).union(*(before[name] for name in sources))
            shortcut = operator.kind == "concat" and any(before[name].intersection(sources) for name in sources)
            last = operator is graph.operators[-1]
            parts[operator.name] = reads[operator.name] if shortcut and not last else (operator.name,)
    needed = set(parts.get(graph.operators[-1].name, ()))
    live = []
    for operator in reversed(graph.operators):
        if operator.name in needed:
            needed.update(reads[operator.name])
            live.append(operator)
    return live[::-1], reads


def _main_inputs(operator: Operator, shapes: Mapping[str, tuple[int, ...]]) -> tuple[str, ...]:
    """Inputs, without the gate of a product: a squeeze-excitation is no second path."""
    if operator.kind != "mul":
        return operator.inputs
    return tuple(name for name in operator.inputs if shapes[name] == operator.shape) or operator.inputs


def _cell(operators: list[Operator], reads: Mapping[str, tuple[str, ...]]) -> SkipCell:
    levels = {operators[0].name: 0}
    widths = {0: _width(operators[0])}
    skips: dict[tuple[int, int], int] = defaultdict(int)
    channels = {operator.name: _width(operator) for operator in operators}
    readers = Counter(name for operator in operators[1:] for name in reads[operator.name])

    def branch(name: str) -> str:
        """Where the path that ends in `name` leaves others: the nearest tensor before it that is read several times."""
        while levels[name] and readers[name] == 1 and len(reads[name]) == 1:
            name = reads[name][0]
        return name

    for operator in operators[1:]:
        sources = reads[operator.name]
        before = max(levels[name] for name in sources)
        level = levels[operator.name] = before + (operator.kind in _WEIGHTED)
        if operator.kind in (*_WEIGHTED, "add", "concat"):
            widths[level] = max(widths.get(level, 0), channels[operator.name])
        joins = level if operator.kind == "add" else before + 1
        if operator.kind == "add" or len(sources) > len(operator.inputs):
            for start in (branch(name) for name in sources if levels[name] < before):
                if joins - levels[start] >= 2:
                    pair = (levels[start], joins)
                    skips[pair] = max(skips[pair], channels[start])
    depth = levels[operators[-1].name]
    return SkipCell(widths=tuple(widths[level] for level in range(depth)), skips=dict(skips))


def _width(operator: Operator) -> int:
    return operator.shape[-1] if len(operator.shape) == _TOKENS else operator.shape[1]
