"""Boosted regression trees as plain arrays: stored in an npz, evaluated by numpy alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np

from hwnas.arrays import Array, Float, Integer
from hwnas.errors import DataError

_FIELDS: Final = ("feature", "threshold", "left", "right", "value")


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Tree:
    """One tree: node 0 is the root; a row goes left where its feature is at most the threshold.

    A leaf has feature -1, and itself as both children.
    """

    feature: Integer[Array, " m"]
    threshold: Float[Array, " m"]
    left: Integer[Array, " m"]
    right: Integer[Array, " m"]
    value: Float[Array, " m"]


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Trees:
    """A sum of trees and an offset; shorter trees are filled up with leaves that nothing reaches."""

    offset: float
    feature: Integer[Array, "t m"]
    threshold: Float[Array, "t m"]
    left: Integer[Array, "t m"]
    right: Integer[Array, "t m"]
    value: Float[Array, "t m"]

    def __len__(self) -> int:
        return len(self.feature)

    def predict(self, rows: Float[Array, "n f"]) -> Float[Array, " n"]:
        """The sum for each row. NaN goes right, as no comparison with it holds."""
        return np.asarray(self.offset + self.value[np.arange(len(self)), self.leaves(rows)].sum(axis=1))

    def leaves(self, rows: Float[Array, "n f"]) -> Integer[Array, "n t"]:
        """The leaf of every tree that each row ends in."""
        # Flat indices: half the time of pairs of them, which is what 500 kernels take.
        feature, threshold = np.maximum(self.feature, 0).ravel(), self.threshold.ravel()
        left, right = self.left.ravel(), self.right.ravel()
        first = np.arange(len(self)) * self.feature.shape[1]
        cells, starts = np.ascontiguousarray(rows).ravel(), np.arange(len(rows))[:, None] * rows.shape[1]
        node = np.zeros((len(rows), len(self)), dtype=np.intp)
        while True:
            at = first + node
            following = np.where(cells[starts + feature[at]] <= threshold[at], left[at], right[at])
            if np.array_equal(following, node):
                return node
            node = following

    def arrays(self) -> dict[str, Array]:
        """What a file holds: numbers as float32, indices in the smallest integers that hold them."""
        small = np.int16 if self.feature.shape[1] < 2**15 else np.int32
        return {
            "offset": np.array(self.offset),
            "feature": self.feature.astype(np.int16),
            "threshold": self.threshold.astype(np.float32),
            "left": self.left.astype(small),
            "right": self.right.astype(small),
            "value": self.value.astype(np.float32),
        }


def stack_trees(trees: Sequence[Tree], *, offset: float) -> Trees:
    """Trees of any sizes side by side."""
    width = max((len(tree.feature) for tree in trees), default=1)
    columns: dict[str, Array] = {}
    for field in _FIELDS:
        kind = np.float64 if field in ("threshold", "value") else np.intp
        filled = np.tile(np.arange(width, dtype=kind), (len(trees), 1))
        for number, tree in enumerate(trees):
            filled[number, : len(tree.feature)] = getattr(tree, field)
            if field not in ("left", "right"):
                filled[number, len(tree.feature) :] = -1 if field == "feature" else 0
        columns[field] = filled
    return Trees(offset=offset, **columns)


def trees_from_arrays(arrays: dict[str, Array]) -> Trees:
    """What `Trees.arrays` gave. Raises `DataError` where nodes lead nowhere or in circles."""
    try:
        columns = {field: np.asarray(arrays[field]) for field in _FIELDS}
        offset = float(arrays["offset"])
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"expected the arrays of boosted trees ({', '.join(_FIELDS)}, offset), got {error}") from None
    shapes = {column.shape for column in columns.values()}
    if len(shapes) != 1 or len(next(iter(shapes))) != 2:
        raise DataError(f"expected arrays of boosted trees of one shape, got {sorted(shapes)}")
    nodes = np.arange(columns["left"].shape[1])
    leaf = columns["feature"] < 0
    for side in ("left", "right"):
        # A child comes after its parent, so that every walk ends.
        after = (columns[side] > nodes) & (columns[side] < len(nodes))
        if not np.where(leaf, columns[side] == nodes, after).all():
            raise DataError(f"expected trees whose {side} children come after their parents, got others")
    floats = {field: columns[field].astype(np.float64) for field in ("threshold", "value")}
    return Trees(offset=offset, **{f: columns[f].astype(np.intp) for f in ("feature", "left", "right")}, **floats)
