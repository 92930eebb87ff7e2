"""Measure nets of a front again: do the measurements lie in their intervals, and do the budgets hold?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, final

import numpy as np

from hwnas.api.adapt import AdaptSettings, adapt_measurements
from hwnas.api.adapt_forms import AdaptResult
from hwnas.api.board_cards import measured_by, other_way
from hwnas.api.front_files import SavedFront, SavedNet, read_front, spaced
from hwnas.api.joined_measurements import selected
from hwnas.api.measure import TFLITE_RUNTIMES, MeasureSettings, measure, way_here
from hwnas.api.plan import write_nets
from hwnas.api.verified import comparison_notes, summary, unmeasured_net, verified_net, where_measured
from hwnas.api.verify_forms import VerifiedNet, VerifyResult
from hwnas.devices import NOT_STATED, Device, get_device
from hwnas.devices.kit import Format, KitFacts, OtherKitError, Precision
from hwnas.devices.user_devices import own_card
from hwnas.errors import UsageError
from hwnas.latency.measurements import Measurements, read_measurements
from hwnas.latency.observations import FEWEST
from hwnas.spaces import get_space


@final
@dataclass(frozen=True, kw_only=True)
class VerifySettings:
    """What of a front is measured, and where.

    front: name of the front; None for the first. nets: how many of it, evenly along its costs.
    results: a results file of a kit, which is compared; nothing is measured. kit: folder for the nets; by default one
    beside the front. runtime: measures them here; without it a kit that was named is only written, for another machine.
    measure: how; runtime and threads that are left open are those by which a device of one's own was measured.
    feed_back: adds the measurements to those that the device was adapted from.
    """

    front: str | None = None
    nets: int = 5
    results: Path | None = None
    kit: Path | None = None
    runtime: str | None = None
    measure: MeasureSettings | None = None
    feed_back: bool = False

    def __post_init__(self) -> None:
        """Raise `UsageError` for values that cannot be."""
        if self.nets < FEWEST:
            raise UsageError(f"expected at least {FEWEST} nets to measure again, got {self.nets}")
        if self.results is not None and (self.kit is not None or self.runtime is not None):
            raise UsageError("expected results to compare, or a kit or runtime to measure with, got both; drop one")


def verify(
    front: Path,
    settings: VerifySettings | None = None,
    *,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> VerifyResult:
    """Compare measurements of some nets of a front with what was predicted of them.

    front: JSON of `hwnas pareto --out front.json`. progress: called with the numbers of measurements done and in all.
    Raises `UsageError`, `UnknownNameError` and `DataError` for files that cannot be used; for feeding back the device
    must be one that was adapted, and must have been measured in the same way.
    """
    settings = settings or VerifySettings()
    saved = read_front(front, settings.front)
    device = get_device(saved.device)
    if settings.feed_back:
        _require_adapted(device, saved)
    if settings.results is not None:
        return _compared(saved, device, settings.results, settings)
    kit = settings.kit or front.with_name(f"{front.stem}-kit")
    nets = spaced(saved, settings.nets)
    if len(nets) < FEWEST:
        raise UsageError(f"{front}: expected a front of at least {FEWEST} nets, got {len(nets)}; raise the budget")
    if settings.kit is not None and settings.runtime is None:
        _write_kit(kit, _kit_facts(saved, device, settings.runtime), saved, nets, elsewhere="--kit FOLDER")
        unmeasured = tuple(unmeasured_net(saved, net) for net in nets)
        return _result(saved, nets=unmeasured, kit=str(kit), notes=_way_note(device))
    runtime, how = _way(device, settings)
    elsewhere = f"--kit FOLDER --runtime {runtime}"
    _write_kit(kit, _kit_facts(saved, device, runtime), saved, nets, elsewhere=elsewhere)
    if settings.feed_back:
        here = way_here(kit, runtime=runtime, threads=how.threads)
        _require_same_way(device, here, _as_the_card(device, runtime, how.threads))
    done = measure(kit, runtime=runtime, settings=how, elsewhere=f"another folder by {elsewhere}", progress=progress)
    return replace(_compared(saved, device, done.path, settings), kit=str(kit))


def _way(device: Device, settings: VerifySettings) -> tuple[str, MeasureSettings]:
    """Runtime and settings: those asked for, else those of a device of one's own as its card says, else the usual."""
    how = settings.measure or MeasureSettings()
    known = measured_by(device.card) if own_card(device.name) else None
    runtime, threads = known or ("onnxruntime", None)
    if settings.runtime not in (None, runtime):
        return str(settings.runtime), how
    return runtime, replace(how, threads=threads if how.threads is None else how.threads)


def _way_note(device: Device) -> tuple[str, ...]:
    """How a kit is to be measured on a device of one's own."""
    runtime = device.card.measurement.runtime.value
    if own_card(device.name) is None or runtime == NOT_STATED:
        return ()
    return (f"{device.name} was measured by {runtime}: measure these nets in the same way",)


def _as_the_card(device: Device, runtime: str, threads: int | None) -> str:
    """What to do where measuring by these here is not what the card says."""
    known = measured_by(device.card)
    if known is None or known == (runtime, threads):
        return "measure on the device as it was then (--kit FOLDER, its agent.py, then --results)"
    return f"measure with --runtime {known[0]} " + (f"--threads {known[1]}" if known[1] else "and without --threads")


def _require_same_way(device: Device, how: dict[str, Any], otherwise: str) -> None:
    """Measurements that are fed back must be made as the card says. Raises `UsageError`."""
    difference = other_way(device.card, how)
    if difference:
        raise UsageError(f"{difference}; {otherwise}, or leave out --feed-back, to compare alone")


def _kit_facts(saved: SavedFront, device: Device, runtime: str | None) -> KitFacts:
    """What the nets of a front are written as: files that the runtime reads, None for the one that the card states.

    They are as precise as those by which a device of one's own was measured.
    """
    how = device.card.measurement
    precision: Precision = "int8" if how.precision.value == "int8 files" else "float32"
    form: Format = "tflite" if (runtime or how.runtime.value.split(" ")[0]) in TFLITE_RUNTIMES else "onnx"
    return KitFacts(
        space=get_space(saved.space).name,
        dataset=saved.dataset,
        batch_size=device.variant.batch_size or 1,
        seed=0,
        method="front",
        chosen=f"Evenly along the front {saved.name} for {saved.device}.",
        format=form,
        precision=precision if form == "tflite" else "float32",
    )


def _write_kit(kit: Path, facts: KitFacts, saved: SavedFront, nets: Sequence[SavedNet], *, elsewhere: str) -> None:
    """A kit with the nets as checks; the same kit again where it is there, so that measuring can go on.

    elsewhere: the options for another folder. Raises `UsageError` where the folder holds other nets.
    """
    space = get_space(saved.space)
    vectors = space.parse([net.arch for net in nets])
    try:
        write_nets(kit, facts, calibrate=vectors[:0], check=vectors)
    except OtherKitError as error:
        raise UsageError(
            f"expected these nets or nothing in the folder {kit}, got another kit; give another folder by {elsewhere}"
        ) from error


def _compared(saved: SavedFront, device: Device, path: Path, settings: VerifySettings) -> VerifyResult:
    space = get_space(saved.space)
    measured = read_measurements(path, space=saved.space, dataset=saved.dataset)
    by_key = dict(zip(space.key(space.parse([net.arch for net in saved.nets])).tolist(), saved.nets, strict=True))
    known = np.isin(space.key(measured.vectors), list(by_key))
    if not known.any():
        raise UsageError(f"{path}: expected measurements of nets of the front {saved.name!r}, got none of them")
    other = int((~known).sum())
    measured = selected(measured, known)
    pairs = [by_key[key] for key in space.key(measured.vectors).tolist()]
    nets = tuple(verified_net(saved, net, measured, row) for row, net in enumerate(pairs))
    notes = [*measured.notes, *comparison_notes(saved, device, measured)]
    if other:
        notes.append(f"{other} measured nets are not in the front and were left out")
    return _result(
        saved,
        results=str(path),
        measured_on=where_measured(measured),
        nets=nets,
        costs=tuple(summary(cost, nets) for cost in saved.costs if any(net.costs[cost.id].measured for net in nets)),
        adapted=_fed_back(device, measured, path) if settings.feed_back else None,
        notes=tuple(notes),
    )


def _result(saved: SavedFront, *, nets: tuple[VerifiedNet, ...], **facts: object) -> VerifyResult:
    empty = {"kit": None, "results": None, "measured_on": None, "costs": (), "adapted": None, "notes": ()}
    return VerifyResult(
        space=saved.space,
        dataset=saved.dataset,
        device=saved.device,
        front=saved.name,
        interval_level=saved.interval_level,
        nets=nets,
        **{**empty, **facts},  # type: ignore[arg-type]
    )


def _require_adapted(device: Device, saved: SavedFront) -> None:
    known = device.adapted(space=saved.space, dataset=saved.dataset, target="latency")
    if own_card(device.name) is None or known is None:
        raise UsageError(
            f"expected a front for a device of your own to feed measurements back to, got {saved.device!r}, which was "
            f"not adapted on {saved.dataset} ({saved.space}); `hwnas adapt` makes one"
        )


def _fed_back(device: Device, measured: Measurements, path: Path) -> AdaptResult:
    """The device adapted again with these measurements too."""
    known = device.adapted(space=measured.space, dataset=measured.dataset, target="latency")
    size = device.variant.batch_size
    if known is None or measured.batch_size not in (None, size, size or 1):
        raise UsageError(f"expected measurements of batches of {size or 1}, got {measured.batch_size} in {path}")
    _require_same_way(device, measured.device, f"measure again for {path}, as the card says")
    more = replace(measured, roles=("calibrate",) * len(measured), batch_size=size, notes=())  # which were said
    settings = AdaptSettings(method=known.method, add=True)
    return adapt_measurements(more, name=device.name, source=path.name, settings=settings)
