"""Rows of CSV files, and rows of architectures put into the order of their space."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

import numpy as np

from hwnas.arrays import Array, Integer
from hwnas.errors import DataError, UsageError
from hwnas.spaces import NASBench201, Space


def csv_columns(path: str, content: bytes, columns: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The cells of the named columns, top to bottom. Raises `DataError` for other headings or rows cut short."""
    rows = list(csv.reader(io.StringIO(content.decode("utf-8"), newline="")))
    heading, body = (rows[0], rows[1:]) if rows else ([], [])
    missing = [column for column in columns if column not in heading]
    if missing:
        raise DataError(f"{path}: expected a column {missing[0]!r}, got columns {', '.join(heading)}")
    if any(len(row) != len(heading) for row in body):
        raise DataError(f"{path}: expected {len(heading)} cells in each row, got rows of other lengths")
    cells = dict(zip(heading, zip(*body, strict=True), strict=True)) if body else dict.fromkeys(heading, ())
    return {column: cells[column] for column in columns}


def numbers(path: str, cells: Sequence[str]) -> Array:
    """Cells as float64. Raises `DataError` where one is not a number."""
    try:
        return np.array([float(cell) for cell in cells], dtype=np.float64)
    except ValueError as error:
        raise DataError(f"{path}: expected numbers, got {error}") from error


def row_indices(path: str, architectures: Sequence[str]) -> Integer[Array, " n"]:
    """Index in the space NAS-Bench-201 of each architecture, given as the benchmark's string or as a tuple of codes.

    Raises `DataError` where one is not of the space or occurs twice.
    """
    space = NASBench201()
    try:
        if all(text.startswith("(") for text in architectures):  # all at once: a third of the time
            indices = space.index(space.from_tuples(_codes(architectures)))
        else:
            indices = space.index(space.parse(architectures))
    except (UsageError, ValueError) as error:
        raise DataError(f"{path}: {error}") from error
    if len(np.unique(indices)) != len(indices):
        raise DataError(f"{path}: expected each architecture once, got some of them twice")
    return indices


def _codes(tuples: Sequence[str]) -> Integer[Array, "n 6"]:
    codes = [[int(code) for code in text.strip("()").split(",")] for text in tuples]
    if any(len(row) != 6 for row in codes):
        raise ValueError("expected tuples of six operation codes, got tuples of other lengths")
    return np.array(codes, dtype=np.int8).reshape(-1, 6)


def whole_space(path: str, indices: Integer[Array, " n"]) -> Integer[Array, " m"]:
    """The permutation that puts rows with these indices into the order of the space.

    Raises `DataError` unless every architecture is there.
    """
    size = NASBench201().size
    if len(indices) != size:
        raise DataError(f"{path}: expected {size} architectures, got {len(indices)}")
    return np.argsort(indices)


def parsed(path: str, space: Space, architectures: Sequence[str]) -> Integer[Array, "n v"]:
    """Vectors of architectures given in a string form of `space`. Raises `DataError` for others and for repeats."""
    try:
        vectors = space.parse(architectures)
    except UsageError as error:
        raise DataError(f"{path}: {error}") from error
    if len(np.unique(space.key(vectors))) != len(vectors):
        raise DataError(f"{path}: expected each architecture once, got some of them twice")
    return vectors


def in_order(path: str, space: Space, architectures: Sequence[str]) -> Integer[Array, " n"]:
    """The permutation that puts rows of these architectures into the order of `space`.

    Raises `DataError` unless every architecture is there once.
    """
    vectors = parsed(path, space, architectures)
    if len(vectors) != space.size:
        raise DataError(f"{path}: expected {space.size} architectures, got {len(vectors)}")
    return np.argsort(space.index(vectors))
