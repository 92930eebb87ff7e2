"""A cost model of a user's own device from about ten measurements, and a card by which every command knows it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Final, cast, final, get_args

import numpy as np

from hwnas.api.adapt_energy import EnergyFit, fit_energy
from hwnas.api.adapt_forms import AdaptResult, Suspicion, figures
from hwnas.api.board_cards import board_card, variant_name, with_models
from hwnas.api.board_measurements import TABLE, read_board, table_text
from hwnas.api.joined_measurements import joined, selected
from hwnas.devices import Adapted, Card
from hwnas.devices.card import Kind
from hwnas.devices.user_devices import keep_card, keep_models, own_card, require_new_name
from hwnas.energy.boards import save_energy
from hwnas.errors import UnknownNameError, UsageError
from hwnas.folders import write_whole
from hwnas.latency.adapted_files import save_adapted
from hwnas.latency.boards import get_method, model_path
from hwnas.latency.fewshot import AdaptedModel
from hwnas.latency.measurements import FEWEST, Measurements, read_measurements
from hwnas.predictors.fewshot_baselines import BASELINES
from hwnas.spaces import Space, get_space

_NAME: Final = re.compile(r"[a-z0-9]+([.-][a-z0-9]+)*")
_NEXT: Final = 3
_POPULATION: Final = 1000  # networks over which the width of intervals is reported


@final
@dataclass(frozen=True, kw_only=True)
class AdaptSettings:
    """method: "auto" or a key of `hwnas.latency.boards.METHODS`. unit: of the latencies in a table: ms, s or us.

    replace: put this in the place of an earlier model of the device; add: measure into it, that is, keep what it was
    made from and add to it. power_w: power of the device, for energy from latency where none was measured;
    power_error: its relative error between nets. batch_size: of a table, which does not say. kind, title: for the card.
    """

    method: str = "auto"
    unit: str | None = None
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
        if self.batch_size is not None and self.batch_size < 1:
            raise UsageError(f"expected a batch size of at least 1, got {self.batch_size}")
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

    measurements: `results.json` of a kit, or a CSV file (architecture, latency_ms[, energy_mj]); several of one board
    are taken together. name: how commands will call the device. space, dataset: of a table, which does not say; a kit
    must be of them. Nothing is written unless all is well.
    Raises `UsageError` for measurements that cannot be used and a name that is taken, `DataError` for files that cannot
    be read or written and for spaces of which nothing was learned.
    """
    settings = settings or AdaptSettings()
    _check_name(name)
    single = isinstance(measurements, Path | str)
    paths = [Path(path) for path in ([measurements] if single else measurements)]  # type: ignore[list-item, union-attr]
    measured = read_board(paths, space=space, dataset=dataset, unit=settings.unit)
    return adapt_measurements(measured, name=name, source=", ".join(path.name for path in paths), settings=settings)


def adapt_measurements(
    measured: Measurements, *, name: str, source: str, settings: AdaptSettings | None = None
) -> AdaptResult:
    """As `adapt`, from measurements that were read. source: who says what the card states."""
    settings = settings or AdaptSettings()
    _check_name(name)
    if measured.batch_size is None and settings.batch_size is not None:
        measured = _with_batch_size(measured, settings.batch_size)
    before = own_card(name)
    earlier = _earlier(before, measured, settings, name)
    if settings.add and earlier is not None:
        measured = joined([_kept(earlier, measured), measured], [f"what {name} was adapted from", source])
    kind = cast("Kind | None", settings.kind)
    card = board_card(before, measured, name=name, source=source, kind=kind, title=settings.title)
    fit = _fit(measured, card, settings)
    models = _write_models(fit, card)
    path = keep_card(with_models(card, variant_name(measured.batch_size), models))
    return _answer(fit, card=path, replaced=earlier is not None, dated=models)


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class _Fit:
    """Models of one board and what they were made from. used: the measurements that calibrate."""

    measured: Measurements
    used: Measurements
    space: Space
    method: str
    latency: AdaptedModel
    left_out: Any
    energy: EnergyFit


def _fit(measured: Measurements, card: Card, settings: AdaptSettings) -> _Fit:
    used = selected(measured, np.array([role == "calibrate" for role in measured.roles]))
    if len(used) < FEWEST:
        raise UsageError(f"expected at least {FEWEST} nets to calibrate a model with, got {len(used)}; measure more")
    method, adapter = get_method(settings.method)
    space = get_space(measured.space)
    reference = card.device(variant_name(measured.batch_size)).reference
    latency = adapter(space, used.vectors, used.latency_ms, device=reference, unit_is_right=True)
    left_out = latency.left_out()[0]
    energy = fit_energy(latency, used, left_out, power_w=settings.power_w, power_error=settings.power_error)
    return _Fit(
        measured=measured, used=used, space=space, method=method, latency=latency, left_out=left_out, energy=energy
    )


def _write_models(fit: _Fit, card: Card) -> list[Adapted]:
    """The files of the models, and the lines of the card that name them."""
    measured = fit.used

    def write(folder: Path) -> None:
        save_adapted(folder, "latency", fit.latency)
        if fit.energy.model is not None:
            save_energy(folder, fit.energy.model, measured=fit.energy.answer.nets)
        write_whole(folder / TABLE, table_text(measured).encode())

    about = f"{card.name}-{measured.space}-{measured.dataset}-{variant_name(measured.batch_size)}".lower()
    shared = {
        "space": measured.space,
        "dataset": measured.dataset,
        "folder": keep_models(re.sub(r"[^a-z0-9]+", "-", about), write),
        "date": datetime.now(timezone.utc).date().isoformat(),
    }
    error = figures(measured.latency_ms, fit.left_out).median_error_percent
    models = [
        Adapted(**shared, target="latency", method=fit.method, nets=len(measured), error_percent=round(error, 3))
    ]
    if fit.energy.model is not None:
        known = fit.energy.answer
        error_percent = None if known.left_out is None else round(known.left_out.median_error_percent, 3)
        method = fit.energy.method
        models.append(
            Adapted(**shared, target="energy", method=method, nets=known.nets, error_percent=error_percent)
        )
    return models


def _answer(fit: _Fit, *, card: Path, replaced: bool, dated: Sequence[Adapted]) -> AdaptResult:
    used, space, model = fit.used, fit.space, fit.latency
    spread = used.spread[np.isfinite(used.spread)]
    estimate = model.predict(space.sample(min(_POPULATION, space.size), seed=0))
    assert estimate.lower is not None and estimate.upper is not None
    next_nets = tuple(space.strings(model.next_nets(_NEXT)))
    return AdaptResult(
        device=model.device,
        card=str(card),
        replaced=replaced,
        space=space.name,
        dataset=used.dataset,
        batch_size=used.batch_size,
        method=dated[0].method,
        nets=len(used),
        known_devices=len(model.model.facts.get("devices", ())),
        repeat_error_percent=100 * float(spread.mean()) if len(spread) else None,
        left_out=figures(used.latency_ms, fit.left_out, coverage_percent=model.leave_one_out().coverage),
        checked=_checked(fit),
        baselines={name: _baseline_error(name, fit) for name in BASELINES},
        width_percent=100 * float(np.median((estimate.upper - estimate.lower) / estimate.mean)),
        suspects=_suspects(fit),
        next_nets=next_nets,
        next_command=_next_command(used, next_nets),
        energy=fit.energy.answer,
        notes=used.notes,
    )
