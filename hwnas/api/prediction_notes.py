"""What a prediction of a whole network leaves out and why, whether that is more than a little, and other notes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, final

import numpy as np

from hwnas.graphs import Kernel
from hwnas.latency.kernels.model import NetworkCost
from hwnas.latency.kernels.space_costs import LITTLE_PERCENT

Lack = Literal["no model", "shape not known", "kind not known"]
_WHY: Final[Mapping[Lack, str]] = {
    "no model": "as the device has no model of them",
    "shape not known": "as their shapes are not known",
    "kind not known": "as their kind of operator is not known",
}
_FAR: Final = 1.5  # times the largest that was measured
# Types that a network computes in; indices and masks are of others in networks of float32 too.
_TYPES: Final = ("float64", "float16", "bfloat16", "float8", "int8", "uint8")
_SLOWER: Final = ("float64",)  # than float32
# Kinds that go from one type to another: a model of them was measured in both.
_CONVERTING: Final = ("quantize_linear", "dequantize_linear", "dynamic_quantize_linear", "cast")
_MOVING: Final = ("reshape", "transpose", "identity", "reorder")  # what they hand on is in the type of what they read


@final
@dataclass(frozen=True, kw_only=True)
class Uncovered:
    """Kernels of one kind whose cost is not in the total, and their share of the work.

    lack: why. Of kernels whose shape or kind is not known the work is not known either: their shares are lower bounds.
    """

    kind: str
    count: int
    macs_percent: float
    bytes_percent: float
    lack: Lack = "no model"


def lack_of(kernel: Kernel) -> Lack:
    """Why a kernel has no cost, if it has none."""
    if kernel.kind.startswith("unknown:"):
        return "kind not known"
    return "no model" if kernel.known else "shape not known"


def uncovered_kinds(kernels: Sequence[Kernel], missing: Iterable[int]) -> tuple[Uncovered, ...]:
    """The kernels of these numbers by kind, the most work first."""
    macs = sum(kernel.macs for kernel in kernels) or 1
    moved = sum(kernel.bytes_read + kernel.bytes_written for kernel in kernels) or 1
    groups: dict[tuple[str, Lack], list[Kernel]] = {}
    for row in missing:
        groups.setdefault((kernels[row].kind, lack_of(kernels[row])), []).append(kernels[row])
    found = [
        Uncovered(
            kind=kind,
            count=len(group),
            macs_percent=100 * sum(kernel.macs for kernel in group) / macs,
            bytes_percent=100 * sum(kernel.bytes_read + kernel.bytes_written for kernel in group) / moved,
            lack=lack,
        )
        for (kind, lack), group in groups.items()
    ]
    return tuple(sorted(found, key=lambda u: (-u.macs_percent, -u.bytes_percent)))


def work_unknown(uncovered: Iterable[Uncovered]) -> bool:
    """Whether the network does more than its MACs and bytes say."""
    return any(part.lack != "no model" for part in uncovered)


def lacks_much(uncovered: Sequence[Uncovered]) -> bool:
    """Whether the total lacks more than a little: over 1 % of the MACs, over 5 % of the bytes, or unknown work."""
    macs, moved = sum(part.macs_percent for part in uncovered), sum(part.bytes_percent for part in uncovered)
    return work_unknown(uncovered) or macs > LITTLE_PERCENT[0] or moved > LITTLE_PERCENT[1]


def other_types(kernels: Sequence[Kernel], covered: Iterable[int]) -> dict[str, tuple[int, ...]]:
    """Which of the covered kernels compute in another type than float32, in which the models were measured, by type."""
    types, found = _types(kernels), dict[str, tuple[int, ...]]()
    for row in covered:
        its = types[row]
        if its is not None and kernels[row].kind not in _CONVERTING:
            found[its] = (*found.get(its, ()), row)
    return dict(sorted(found.items()))


def prediction_notes(kernels: Sequence[Kernel], answer: NetworkCost, uncovered: Sequence[Uncovered]) -> tuple[str, ...]:
    """What is not in the total, what is taken for another type, and what lies outside of what was measured."""
    notes = [
        f"not in the total, {why}: {', '.join(_named(part) for part in uncovered if part.lack == lack)}"
        for lack, why in _WHY.items()
        if any(part.lack == lack for part in uncovered)
    ]
    count, macs = len(kernels), sum(kernel.macs for kernel in kernels) or 1
    other = other_types(kernels, np.flatnonzero(answer.covered).tolist())
    for name, rows in other.items():
        share = 100 * sum(kernels[row].macs for row in rows) / macs
        notes.append(
            f"{name}: {len(rows)} of {count} kernels ({share:.1f} % of MACs) are predicted by models of float32 "
            f"kernels and may be {'slower' if name in _SLOWER else 'faster'}"
        )
    if other and lacks_much(uncovered):
        notes.append(f"the total is that of {int(answer.covered.sum())} of {count} kernels, and no bound of the whole")
    far = answer.covered & (answer.outside > _FAR)
    if far.any():
        share = 100 * float(np.nansum(answer.mean[far])) / answer.total
        notes.append(
            f"{int(far.sum())} kernels ({share:.1f} % of the total) lie outside of what was measured, "
            f"by a factor of up to {float(answer.outside[far].max()):.1f}; their intervals are widened"
        )
    return tuple(notes)


def _named(part: Uncovered) -> str:
    if part.lack == "kind not known":
        return f"{part.kind.removeprefix('unknown:')} ({part.count})"
    if part.lack == "shape not known":
        return f"{part.kind} ({part.count})"
    return f"{part.kind} ({part.count}: {part.macs_percent:.1f} % of MACs, {part.bytes_percent:.1f} % of bytes)"


def _types(kernels: Iterable[Kernel]) -> list[str | None]:
    """The type that each kernel computes in: that of what it reads through a dequantisation, else of its result.

    None for float32 and for types of indices and masks.
    """
    quantised: dict[str, str] = {}
    made: dict[str, str] = {}
    found: list[str | None] = []
    for kernel in kernels:
        read = [name for operator in kernel.operators for name in operator.inputs]
        own = kernel.dtype if kernel.dtype.partition("_")[0] in _TYPES else None
        found.append(next((quantised[name] for name in read if name in quantised), own))
        for operator in kernel.operators:
            made |= dict.fromkeys(operator.outputs, operator.dtype)
            if operator.kind == "dequantize_linear":
                quantised[operator.name] = made.get(operator.inputs[0], "int8")
            elif operator.kind in _MOVING and operator.inputs[0] in quantised:
                quantised[operator.name] = quantised[operator.inputs[0]]
    return found
