"""Shapes in annotations: `Float[Array, "n m"]`, `Int[Array, "n v"]`, `Bool[Array, "n"]`.

While tests or a type checker run, these are jaxtyping's types, and the tests execute them
(`--jaxtyping-packages=hwnas,beartype.beartype`). Everywhere else they cost nothing: jaxtyping is not imported.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np

Array = np.ndarray

if TYPE_CHECKING or "jaxtyping" in sys.modules:
    from jaxtyping import Bool, Float, Int, Integer
else:

    class _Plain:
        """Stands in for a jaxtyping type: `Float[Array, "n"]` is `Array`."""

        def __class_getitem__(cls, item: tuple[type, str]) -> Any:
            return item[0]

    Bool = Float = Int = Integer = _Plain

__all__ = ["Array", "Bool", "Float", "Int", "Integer"]
