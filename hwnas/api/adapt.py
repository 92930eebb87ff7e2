"""A cost model of a user's own device from about ten measurements, and a card by which every command knows it."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, cast, final, get_args

import numpy as np

from hwnas import metrics
from hwnas.api import board_doubts, board_fits
from hwnas.api.adapt_forms import AdaptResult
from hwnas.api.board_cards import all_replaced, board_card, variant_name, with_models
from hwnas.api.board_measurements import kept_measurements, read_board
from hwnas.api.joined_measurements import joined
from hwnas.devices import Adapted, Card, Device
from hwnas.devices.card import Kind
from hwnas.devices.user_devices import keep_card, own_card, require_new_name
from hwnas.energy.boards import board_energy
from hwnas.energy.fewshot import ConstantPower
from hwnas.errors import DataError, UnknownNameError, UsageError
from hwnas.latency.boards import load_latency, model_path
from hwnas.latency.kernels.store import THIS_HOST
from hwnas.latency.measurements import Measurements
from hwnas.latency.methods import AUTO, get_method
from hwnas.latency.observations import FEWEST
from hwnas.pareto.feasibility import whole_number
from hwnas.spaces import get_space

_NAME: Final = re.compile(r"[a-z0-9]+([.-][a-z0-9]+)*")
_LONGEST: Final = 60  # characters of a name, which becomes part of file names
_NEXT: Final = 3
_WORSE: Final = 1.25  # of an earlier error, and a point of percent: below, the median of few nets moves by chance
_MOST_W: Final = 1e4  # of a server full of GPUs
_NO_BATCH: Final = "a table does not say how many images one run takes; --batch-size does"


@final
@dataclass(frozen=True, kw_only=True)
class AdaptSettings:
    """How a device is adapted.

    method: "auto" or a key of `hwnas.latency.methods.METHODS`; with `add`, "auto" is that which the device has.
    unit: of the latencies, "ms", "s" or "us", which the name of a table's column (latency_ms, latency_s, latency_us, or
    latency alone) must not contradict; None: as that says, and ms that looks like another unit is asked about.
    energy_unit: of the energies, "mJ", "J" or "uJ", likewise; mJ that come to an unlikely power are asked about.
    replace: the model that the device has goes. add: its measurements stay, these join them.
    power_w: power of the device, for energy from latency where none was measured; power_error: its relative error
    between nets. batch_size: of a table, which does not say. kind, title: for the card.
    """

    method: str = "auto"
    unit: str | None = None
    energy_unit: str | None = None
    replace: bool = False
    add: bool = False
    power_w: float | None = None
    power_error: float = 0.1
    batch_size: int | None = None
    kind: str | None = None
    title: str | None = None

    def __post_init__(self) -> None:
        """Raise `UsageError` or `UnknownNameError` for values that cannot be."""
        get_method(self.method)
        if self.add and self.replace:
            raise UsageError("expected to replace a model or to add to it, got both; drop one")
        if self.batch_size is not None and whole_number("the batch size", self.batch_size) < 1:
            raise UsageError(f"expected a batch size of at least 1, got {self.batch_size}")
        if self.power_w is not None and self.power_w > _MOST_W:
            raise UsageError(f"expected a power in W of at most {_MOST_W:g}, got {self.power_w:g}; say it in W")
        if self.kind is not None and self.kind not in get_args(Kind):
            raise UnknownNameError("kind of device", self.kind, get_args(Kind))


def adapt(
    measurements: Path | str | Sequence[Path | str],
    *,
    name: str,
    space: str | None = None,
    dataset: str | None = None,
    settings: AdaptSettings | None = None,
) -> AdaptResult:
    """Adapt what known devices taught to a new one, and write its card and models into the user's folder.

    measurements: `results.json` of a kit, or a CSV file (architecture, latency_ms[, energy_mj][, role]); several files
    of one board are taken together. name: how commands will call the device. space, dataset: of a table, which does
    not say; a kit must be of them. Nothing changes unless all is well.
    Raises `UsageError` for measurements that cannot be used and a name that is taken, `DataError` for files that cannot
    be read or written and for spaces of which nothing was learned.
    """
    settings = settings or AdaptSettings()
    _check_name(name)
    paths = [Path(measurements)] if isinstance(measurements, Path | str) else [Path(path) for path in measurements]
    fewest = 1 if settings.add else FEWEST  # what the device rests on counts too
    units = {"unit": settings.unit, "energy_unit": settings.energy_unit}
    measured = read_board(paths, space=space, dataset=dataset, **units, fewest=fewest)
    return adapt_measurements(measured, name=name, source=", ".join(path.name for path in paths), settings=settings)


def adapt_measurements(measured: Measurements, *, name: str, source: str, settings: AdaptSettings) -> AdaptResult:
    """As `adapt`, from measurements that were read. source: who says what the card will state."""
    before = _before(name, settings)
    if before is None:
        require_new_name(name)
    measured = replace(measured, batch_size=_batch_size(measured, before, settings))
    earlier = _earlier(before, measured, name, settings)
    power_w, power_error = settings.power_w, settings.power_error
    if settings.add and before is not None and earlier is not None:
        kept = kept_measurements(model_path(earlier), space=measured.space, dataset=measured.dataset)
        measured = joined([kept, measured], [f"what {name} rests on", source])
        if power_w is None:
            power_w, power_error = _given_power(before, measured, power_error)
    kind = cast("Kind | None", settings.kind)
    alone = settings.replace and before is not None and earlier is not None and all_replaced(before, earlier)
    card = board_card(before, measured, name=name, source=source, afresh=alone)
    card = replace(card, kind=kind or card.kind, title=settings.title or card.title)
    variant = variant_name(measured.batch_size)
    fit = board_fits.fit_board(
        measured,
        reference=card.device(variant).reference,
        method=earlier.method if settings.add and earlier is not None and settings.method == AUTO else settings.method,
        power_w=power_w,
        power_error=power_error,
    )
    answer = _answer(fit, name=name, replaced=earlier is not None)
    if settings.add and before is not None and earlier is not None:
        answer = replace(answer, notes=(*_worse_note(fit, answer, before.device(variant), earlier), *answer.notes))
    path = keep_card(with_models(card, variant, board_fits.write_models(fit, name=name)))
    return replace(answer, card=str(path))


def _check_name(name: str) -> None:
    if name == THIS_HOST:
        raise UsageError(
            f"expected a name of its own for the device, got {name!r}, which is this machine by its kernel model; give "
            "it another --name"
        )
    if not _NAME.fullmatch(name) or len(name) > _LONGEST:
        raise UsageError(
            f"expected a name of up to {_LONGEST} lower-case letters and digits in words joined by '-' or '.', got "
            f"{name!r}"
        )


def _before(name: str, settings: AdaptSettings) -> Card | None:
    """The user's card of this name; None where there is none, or where one that cannot be read is replaced."""
    try:
        return own_card(name)
    except DataError as error:
        if settings.replace:
            return None
        raise DataError(f"{error}; --replace puts a new card in the place of this one") from error


def _batch_size(measured: Measurements, before: Card | None, settings: AdaptSettings) -> int | None:
    """Of the measurements; else what the caller says, else what the device has."""
    if measured.batch_size is not None:
        if settings.batch_size not in (None, measured.batch_size):
            raise UsageError(
                f"expected measurements of batches of {settings.batch_size}, got {measured.batch_size} in the kit"
            )
        return measured.batch_size
    if settings.batch_size is None and before is not None:
        return before.device().variant.batch_size
    return settings.batch_size


def _earlier(before: Card | None, measured: Measurements, name: str, settings: AdaptSettings) -> Adapted | None:
    """The latency model that the device has in this setting. Raises `UsageError` unless it may go or is to be there."""
    variants = [] if before is None else [variant.name for variant in before.variants]
    variant, where = variant_name(measured.batch_size), {"space": measured.space, "dataset": measured.dataset}
    known = None
    if before is not None and variant in variants:
        known = before.device(variant).adapted(**where, target="latency")
    what = f"a model of {name} on {measured.dataset} ({measured.space})"
    if known is None and settings.add:
        raise UsageError(f"expected {what} to add to, got none; leave out --add")
    if known is not None and not (settings.add or settings.replace):
        raise UsageError(
            f"expected a new device, got {name!r}, which was adapted from {known.nets} measurements on {known.date}; "
            "--replace puts this in its place, --add adds these measurements to those, or give another --name"
        )
    return known


def _given_power(card: Card, measured: Measurements, otherwise: float) -> tuple[float | None, float]:
    """The power that was given for the device before, and its relative error; None where none was, and where enough
    energies are measured now."""
    taught = np.array([role == "calibrate" for role in measured.roles]) & np.isfinite(measured.energy_mj)
    if taught.sum() >= FEWEST:
        return None, otherwise
    device = card.device(variant_name(measured.batch_size))
    model = board_energy(device, space=get_space(measured.space), dataset=measured.dataset)
    if model is None or model.known.nets or not isinstance(model.model, ConstantPower):
        return None, otherwise
    return model.model.power_w, math.expm1(model.model.power_spread)


def _answer(fit: board_fits.BoardFit, *, name: str, replaced: bool) -> AdaptResult:
    left_out, repeated = board_fits.left_out_figures(fit), board_fits.repeat_error(fit.used)
    checked, baselines = board_fits.check_figures(fit), board_fits.baseline_errors(fit)
    doubts = board_doubts.doubts(fit.used, left_out, checked)
    next_nets = tuple(fit.space.strings(fit.latency.next_nets(_NEXT)))
    return AdaptResult(
        device=fit.latency.device,
        card="",
        replaced=replaced,
        space=fit.space.name,
        dataset=fit.used.dataset,
        batch_size=fit.used.batch_size,
        method=fit.method,
        nets=len(fit.used),
        known_devices=len(fit.latency.model.facts.get("devices", ())),
        repeat_error_percent=repeated[0],
        repeat_error_nets=repeated[1],
        left_out=left_out,
        checked=checked,
        baselines=baselines,
        width_percent=board_fits.interval_width_percent(fit),
        suspects=board_fits.suspicions(fit),
        next_nets=next_nets,
        next_commands=board_fits.next_commands(fit, next_nets, name=name),
        energy=fit.energy.answer,
        notes=(
            *fit.used.notes,
            *([_NO_BATCH] if fit.used.batch_size is None else []),
            *board_doubts.baseline_notes(fit.method, left_out, baselines),
            *doubts,
        ),
        doubts=doubts,
    )


def _worse_note(fit: board_fits.BoardFit, answer: AdaptResult, device: Device, earlier: Adapted) -> list[str]:
    """A warning where measurements that joined made the model clearly worse at nets that only judge it."""
    if answer.checked is None:
        return []
    try:
        known = load_latency(earlier, device).predict(fit.checks.vectors).mean
    except DataError:  # damaged, which is why it is made again
        return []
    was, now = metrics.median_ape(fit.checks.latency_ms, known), answer.checked.median_error_percent
    if now <= _WORSE * was + 1:
        return []
    return [
        f"the model became WORSE: its median error on {len(fit.checks)} nets measured as checks was {was:.0f} %, now "
        f"it is {now:.0f} %; were the nets that joined measured on a busy machine? Adapt from the earlier files alone "
        "by --replace, and measure these nets again"
    ]
