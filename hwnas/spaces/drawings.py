"""What a picture of one architecture shows: a cell with its operations, or the layers of the network in words."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, final

from hwnas.arrays import Array, Integer
from hwnas.graphs import Operator
from hwnas.spaces.four_node_cells import EDGES
from hwnas.spaces.space import Space

# Operators of one block share a name up to its last leading number: `cells.3` of `cells.3.layers.0.op.1`.
_BLOCK: Final = re.compile(r"[A-Za-z_]\w*(?:\.\d+)*")
_WORK: Final = ("conv", "linear", "matmul", "avg_pool", "max_pool", "global_avg_pool")


@final
@dataclass(frozen=True, kw_only=True)
class CellDrawing:
    """A cell: `edges[i]` are the nodes that operation i leads from and to, `operations[i]` its name.

    As the form of a space: `operations[c]` is the name of choice c.
    """

    edges: tuple[tuple[int, int], ...]
    operations: tuple[str, ...]


@final
@dataclass(frozen=True, kw_only=True)
class Block:
    """Some operators in a row, as one line. work: those that cost something, in words. output: its shape, no batch."""

    name: str
    work: str
    output: tuple[int, ...]
    params: int
    macs: int


@final
@dataclass(frozen=True, kw_only=True)
class Drawing:
    """One architecture. cell: None where the space has none; blocks: empty where it has no graph, and `reason` why."""

    space: str
    arch: str
    dataset: str
    cell: CellDrawing | None
    blocks: tuple[Block, ...]
    reason: str | None


def drawing(space: Space, vector: Integer[Array, " v"], *, dataset: str) -> Drawing:
    """What to draw of one architecture. Raises `UsageError` for a vector that is none of the space."""
    (arch,), form = space.strings(vector[None]), cell_form(space)
    operations = () if form is None else tuple(form.operations[choice] for choice in vector.tolist())
    return Drawing(
        space=space.name,
        arch=arch,
        dataset=dataset,
        cell=None if form is None else CellDrawing(edges=form.edges, operations=operations),
        blocks=block_list(space.graph(vector, dataset=dataset).operators) if space.has_graphs else (),
        reason=None if space.has_graphs else f"only the library that builds {space.name} knows its layers",
    )


def cell_form(space: Space) -> CellDrawing | None:
    """How to read an index of the space as a cell: its digits say which of `operations` is on which of `edges`."""
    return CellDrawing(edges=EDGES, operations=space.cell_operations) if space.cell_operations else None


def block_list(operators: Iterable[Operator]) -> tuple[Block, ...]:
    """The operators as blocks, in order; one of norms, activations and sums alone joins the block before it."""
    groups: list[list[Operator]] = []
    for _, members in itertools.groupby(operators, key=_block_name):
        group = list(members)
        if groups and not any(operator.kind in _WORK for operator in group):
            groups[-1] += group
        else:
            groups.append(group)
    return tuple(map(_block, groups))


def _block_name(operator: Operator) -> str:
    match = _BLOCK.match(operator.name)
    return operator.name if match is None else match.group()


def _block(members: Sequence[Operator]) -> Block:
    return Block(
        name=_block_name(members[0]),
        work=", ".join(_counted([_words(operator) for operator in members if operator.kind in (*_WORK, "input")])),
        output=members[-1].shape[1:],
        params=sum(operator.params for operator in members),
        macs=sum(operator.macs for operator in members),
    )


def _counted(words: Sequence[str]) -> list[str]:
    """Equal words in a row as one, with how often."""
    runs = [(word, len(list(run))) for word, run in itertools.groupby(words)]
    return [word if times == 1 else f"{times} × {word}" for word, times in runs]


def _words(operator: Operator) -> str:
    """`3×3 conv 16→32 / 2` (kernel, channels, stride) in as few words as a table has room for."""
    facts, shape = operator.attributes, operator.shape
    if operator.kind == "conv":
        size = f"{facts['kernel']}×{facts['kernel']}"
        stride = f" / {facts['stride']}" if facts["stride"] > 1 else ""
        if facts["groups"] == facts["in_channels"] == shape[1] > 1:
            dilated = "dilated " if facts.get("dilation", 1) > 1 else ""
            return f"{size} {dilated}depthwise{stride}"
        grouped = f" in {facts['groups']} groups" if facts["groups"] > 1 else ""
        return f"{size} conv {facts['in_channels']}→{shape[1]}{stride}{grouped}"
    if operator.kind == "linear":
        return f"linear {facts['in_features']}→{shape[-1]}"
    if operator.kind == "matmul":
        return f"matmul {math.prod(shape[1:-1])}×{facts['inner']}×{shape[-1]}"
    if operator.kind in ("avg_pool", "max_pool"):
        stride = f" / {facts['stride']}" if facts.get("stride", 1) > 1 else ""
        return f"{facts['kernel']}×{facts['kernel']} {'average' if operator.kind == 'avg_pool' else 'maximum'}{stride}"
    return {"global_avg_pool": "average of all pixels", "input": "image"}.get(operator.kind, operator.kind)
