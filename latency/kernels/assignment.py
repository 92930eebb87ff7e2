"""Which kernel a node of the runtime's optimised graph belongs to: where our rules and the runtime's work meet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from hwnas.graphs import Kernel
from hwnas.graphs.onnx_file import RuntimeNode

# What onnxruntime appends to the name of the output that a node makes.
_ENDINGS: Final = ("_bn_nchwc", "_nchwc")
_REORDERS: Final = ("ReorderInput", "ReorderOutput")


def assign(kernels: Sequence[Kernel], nodes: Sequence[RuntimeNode]) -> dict[str, int]:
    """The number of the kernel of each node, by the node's name.

    A node that belongs to no kernel for certain goes to the kernel that reads its result, so that no time is lost.
    """
    produced = {name: number for number, kernel in enumerate(kernels) for op in kernel.operators for name in op.outputs}
    reorders = {kernel.leading.inputs[0]: n for n, kernel in enumerate(kernels) if kernel.kind == "reorder"}
    owners = {node.name: found for node in nodes if (found := _named(node, produced)) is not None}
    makers = {output: node.name for node in nodes for output in node.outputs}
    readers: dict[str, list[str]] = {}
    for node in nodes:
        for name in node.inputs:
            if name in makers:
                readers.setdefault(makers[name], []).append(node.name)
    used = set(owners.values())
    for node in nodes:  # in order: what a node reads has its kernel already
        before = [owners[makers[name]] for name in node.inputs if makers.get(name) in owners]
        if node.kind in _REORDERS:
            made = {name for number in before for op in kernels[number].operators for name in op.outputs}
            moves = [reorders[name] for name in (*node.inputs, *sorted(made)) if name in reorders]
            if moves:
                owners[node.name] = moves[0]
                continue
        if node.name not in owners:
            following = [owners[name] for name in readers.get(node.name, []) if name in owners]
            owners[node.name] = _between(kernels, before, following, used)
            used.add(owners[node.name])
    return owners


def _named(node: RuntimeNode, produced: Mapping[str, int]) -> int | None:
    """By an output that keeps its name, or by the name of the node, which begins with that of an output."""
    if node.kind in _REORDERS:
        return None
    for name in node.outputs:
        if name in produced:
            return produced[name]
    stem = node.name.split("/")[0]
    for ending in _ENDINGS:
        stem = stem.removesuffix(ending)
    return produced.get(stem)


def _between(kernels: Sequence[Kernel], before: list[int], after: list[int], used: set[int]) -> int:
    """A kernel that has no node yet and reads what the node reads; else the one that reads the node, or was read."""
    if before:
        made = {name for number in before for op in kernels[number].operators for name in op.outputs}
        for number in range(max(before) + 1, len(kernels)):
            reads = {name for op in kernels[number].operators for name in op.inputs}
            if number not in used and reads & made:
                return number
    return min(after) if after else max(before, default=0)
