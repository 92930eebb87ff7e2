"""What arrives from a caller, in the type that searches count with; what cannot be read so is refused by name."""

from __future__ import annotations

from typing import Any

import numpy as np

from hwnas.arrays import Array
from hwnas.errors import UsageError
from hwnas.pareto.feasibility import whole_number

__all__ = ["architectures", "numbers", "require_flag", "whole_number"]


def require_flag(what: str, value: Any) -> None:
    """Raise `UsageError` unless the value is True or False: of words, "no" would count as true."""
    if not isinstance(value, bool | np.bool_):
        raise UsageError(f"expected {what} to be True or False, got {value!r}")


def architectures(value: Any) -> Array:
    """Rows of choices, (n, v) integers. Raises `UsageError` for what is none."""
    rows = _array("architectures", value)
    if rows.ndim != 2 or rows.dtype.kind not in "iu":
        raise UsageError(
            f"expected architectures as whole numbers of shape (n, v), got {rows.dtype} of shape {rows.shape}; "
            "`Space.parse` reads strings"
        )
    return rows


def numbers(what: str, value: Any, *, axes: int) -> Array:
    """Float64 numbers on so many axes. Raises `UsageError` for what is none."""
    array = _array(what, value)
    shape = "(n, m)" if axes == 2 else "(n,)"
    try:
        read = array.astype(np.float64)
    except (TypeError, ValueError):
        raise UsageError(f"expected {what} as numbers of shape {shape}, got {array.dtype}; give floats") from None
    if read.ndim != axes:
        raise UsageError(f"expected {what} as numbers of shape {shape}, got shape {read.shape}; reshape them")
    return read


def _array(what: str, value: Any) -> Array:
    try:
        return np.asarray(value)
    except ValueError:
        raise UsageError(f"expected {what} as one array, got rows of different lengths") from None
