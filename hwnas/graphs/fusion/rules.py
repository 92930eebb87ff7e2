"""The words in which the fusion of a runtime is written down; hwnas/graphs/fusion/engine.py applies them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import final


@final
@dataclass(frozen=True, kw_only=True)
class Step:
    """One operator of a pattern.

    kind: of the operator. reads: what its inputs are, in order: the number of an earlier step, or a letter for anything
    that comes from outside, the same letter for the same thing. number: the one fixed number that it reads, if any.
    """

    kind: str
    reads: tuple[int | str, ...]
    number: float | None = None


@final
@dataclass(frozen=True, kw_only=True)
class Pattern:
    """Operators that become one of another kind: the last step gives the result, and nobody else reads the others.

    rank: number of axes that the result must have, where the runtime asks for one.
    """

    kind: str
    steps: tuple[Step, ...]
    rank: int | None = None


@final
@dataclass(frozen=True, kw_only=True)
class Absorb:
    """A kernel takes in the only reader of its result.

    leading: kinds of kernels that do. kinds: of the operators that are taken in. slot: what the kernel has from then
    on; it takes nothing for a slot that it has, or that is listed in `closed`.
    needs: what must hold of the operator: "channels" (the other input is a fixed array with one number per channel),
    "bias" (a fixed array along the last axis alone), "number" (one fixed number), "second_number" (one without axes
    that stands second), "same_shape" (two inputs of one shape), "matrix" (the result has two axes), "" (nothing).
    """

    leading: tuple[str, ...]
    kinds: tuple[str, ...]
    slot: str
    closed: tuple[str, ...] = ()
    needs: str = ""


@final
@dataclass(frozen=True, kw_only=True)
class Blocked:
    """A second layout of feature maps, blocks of `block` channels, in which some kernels work.

    Where a feature map goes from one layout to the other there is a kernel of kind "reorder". into: kinds of kernels
    that bring their input into the layout; through: those that keep it where their inputs have it already. A
    convolution takes in a sum that alone reads it, and then one of `activations`.
    """

    block: int
    into: tuple[str, ...]
    through: tuple[str, ...]
    activations: tuple[str, ...]


@final
@dataclass(frozen=True, kw_only=True)
class Rules:
    """What one runtime does with a graph, step by step in this order.

    source: where that is written, and how it was checked. dropped: kinds that vanish. merges_equal: whether operators
    that compute the same are computed once. joins: kinds of operators that become one where they belong together:
    "slice" (those that cut one result into all of its parts are a "split") and "transpose" (one of another).
    drops_zeros: whether products with 0, and what they alone read, are left out.
    before: what a kind of kernel takes in from the operators that it reads (kind to kinds).
    """

    runtime: str
    source: str
    dropped: tuple[str, ...] = ()
    merges_equal: bool = False
    joins: tuple[str, ...] = ()
    drops_zeros: bool = False
    patterns: tuple[Pattern, ...] = ()
    absorbs: tuple[Absorb, ...] = ()
    before: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    blocked: Blocked | None = None
