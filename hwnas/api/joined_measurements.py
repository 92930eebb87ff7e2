"""Sets of measurements of one board put together, and taken apart."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import final

import numpy as np

from hwnas.arrays import Array, Bool, Float, Integer
from hwnas.errors import UsageError
from hwnas.latency.measurements import Measurements
from hwnas.latency.observations import CONTRADICTION
from hwnas.spaces import Space, get_space


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class _Net:
    """One net of one part; `part` is its number, the rest as in `Measurements`."""

    part: int
    vector: Integer[Array, " v"]
    rounds_ms: Float[Array, " r"]
    energy_mj: float
    energy_reason: str
    role: str


def joined(parts: Sequence[Measurements], names: Sequence[str]) -> Measurements:
    """One set of measurements; a net in several parts has the rounds of all, and calibrates if it does so in any.

    A net with exactly the same median latency in two parts, or all of whose rounds are in another part, was measured
    once: it counts once, and a note says so.
    names: of the parts, for messages. Facts of device and way of measuring are those of the first part that has some.
    Raises `UsageError` where parts contradict each other.
    """
    space = get_space(parts[0].space)
    groups: dict[int, list[_Net]] = {}
    for number, part in enumerate(parts):
        for row, key in enumerate(space.key(part.vectors).tolist()):
            groups.setdefault(key, []).append(_net(number, part, row))
    nets = [_merged(space, group, names) for group in groups.values()]
    rounds = np.full((len(nets), max(len(net.rounds_ms) for net in nets)), np.nan)
    for row, net in enumerate(nets):
        rounds[row, : len(net.rounds_ms)] = net.rounds_ms
    return replace(
        parts[0],
        batch_size=next((part.batch_size for part in parts if part.batch_size is not None), None),
        vectors=np.stack([net.vector for net in nets]),
        latency_ms=np.array([float(np.median(net.rounds_ms)) for net in nets]),
        rounds_ms=rounds,
        energy_mj=np.array([net.energy_mj for net in nets]),
        energy_reasons=tuple(net.energy_reason for net in nets),
        roles=tuple(net.role for net in nets),
        device=next((part.device for part in parts if part.device), {}),
        notes=(*(note for part in parts for note in part.notes), *_again_note(list(groups.values()))),
        warnings=tuple(dict.fromkeys(warning for part in parts for warning in part.warnings)),
    )


def _again_note(groups: Sequence[Sequence[_Net]]) -> list[str]:
    again = sum(len(_once(group)) < len(group) for group in groups)
    return [f"nets with the very same latency as was there already, which count once: {again}"] if again else []


def _once(group: Sequence[_Net]) -> list[_Net]:
    """The nets of which no other has all rounds, as after they were joined, nor the same median and more rounds."""
    found: dict[float, _Net] = {}
    for net in sorted(group, key=lambda net: (-len(net.rounds_ms), math.isnan(net.energy_mj))):
        if not any(Counter(net.rounds_ms.tolist()) <= Counter(other.rounds_ms.tolist()) for other in found.values()):
            found.setdefault(float(np.median(net.rounds_ms)), net)
    return list(found.values())


def selected(measured: Measurements, rows: Bool[Array, " n"]) -> Measurements:
    """Some of the measurements."""
    there = np.flatnonzero(rows).tolist()
    return replace(
        measured,
        vectors=measured.vectors[rows],
        latency_ms=measured.latency_ms[rows],
        rounds_ms=measured.rounds_ms[rows],
        energy_mj=measured.energy_mj[rows],
        energy_reasons=tuple(measured.energy_reasons[row] for row in there),
        roles=tuple(measured.roles[row] for row in there),
    )


def _net(number: int, part: Measurements, row: int) -> _Net:
    rounds = part.rounds_ms[row]
    return _Net(
        part=number,
        vector=part.vectors[row],
        rounds_ms=rounds[np.isfinite(rounds)],
        energy_mj=float(part.energy_mj[row]),
        energy_reason=part.energy_reasons[row],
        role=part.roles[row],
    )


def _merged(space: Space, group: Sequence[_Net], names: Sequence[str]) -> _Net:
    """The same net of several parts as one."""
    medians = [float(np.median(net.rounds_ms)) for net in group]
    low, high = medians.index(min(medians)), medians.index(max(medians))
    if medians[high] > CONTRADICTION * medians[low]:
        raise UsageError(
            f"expected about the same latency of {space.strings(group[0].vector[None])[0]}, got {medians[low]:g} ms in "
            f"{names[group[low].part]} and {medians[high]:g} ms in {names[group[high].part]}; remove the wrong one"
        )
    once = _once(group)
    known = {(float(np.median(net.rounds_ms)), net.energy_mj) for net in once if np.isfinite(net.energy_mj)}
    energies = [energy for _, energy in known] or [net.energy_mj for net in group if np.isfinite(net.energy_mj)]
    return replace(
        group[0],
        rounds_ms=np.concatenate([net.rounds_ms for net in once]),
        energy_mj=float(np.median(energies)) if energies else float("nan"),
        energy_reason="" if energies else group[0].energy_reason,
        role="calibrate" if any(net.role == "calibrate" for net in group) else "check",
    )
