"""What a prediction of a whole network leaves out and why, whether that is more than a little, and other notes."""

from __future__ import annotations

from collections import Counter
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


def is_lower_bound(uncovered: Sequence[Uncovered]) -> bool:
    """Whether the total lacks more than a little: over 1 % of the MACs, over 5 % of the bytes, or unknown work."""
    macs, moved = sum(part.macs_percent for part in uncovered), sum(part.bytes_percent for part in uncovered)
    return work_unknown(uncovered) or macs > LITTLE_PERCENT[0] or moved > LITTLE_PERCENT[1]


def prediction_notes(kernels: Sequence[Kernel], answer: NetworkCost, uncovered: Sequence[Uncovered]) -> tuple[str, ...]:
    """What is not in the total, what is taken for another type, and what lies outside of what was measured."""
    notes = [
        f"not in the total, {why}: {', '.join(_named(part) for part in uncovered if part.lack == lack)}"
        for lack, why in _WHY.items()
        if any(part.lack == lack for part in uncovered)
    ]
    types = _types(kernels)
    counts = Counter(types[row] for row in np.flatnonzero(answer.covered).tolist())
    notes += [
        f"{name}: {counts[name]} of {len(kernels)} kernels are predicted by models of float32 kernels"
        for name in _TYPES
        if counts[name]
    ]
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


def _types(kernels: Iterable[Kernel]) -> list[str]:
    """The type that each kernel computes in: that of what it reads through a dequantisation, else of its result."""
    quantised: dict[str, str] = {}
    made: dict[str, str] = {}
    found = []
    for kernel in kernels:
        read = [name for operator in kernel.operators for name in operator.inputs]
        found.append(next((quantised[name] for name in read if name in quantised), kernel.dtype))
        for operator in kernel.operators:
            made |= dict.fromkeys(operator.outputs, operator.dtype)
            if operator.kind == "dequantize_linear":
                quantised[operator.name] = made.get(operator.inputs[0], "int8")
    return found
