"""Devices as plain values: the list, and one with its facts and with where its costs come from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, final

from hwnas import data
from hwnas.api.found_devices import find_device
from hwnas.data.sources import repair_command
from hwnas.devices import Adapted, Card, Device, load_devices
from hwnas.devices.registry import kept_name
from hwnas.energy.boards import board_energy
from hwnas.errors import DataError, HwnasError, UnknownNameError, UsageError
from hwnas.latency.boards import board_latency
from hwnas.latency.kernels.cards import devices_without_card
from hwnas.latency.regressions import open_regressions
from hwnas.predictors.shipped import SHIPPED_FOLDER, head_id, open_shipped_costs
from hwnas.spaces import get_space
from hwnas.spaces.registry import TO_KNOW


@final
@dataclass(frozen=True, kw_only=True)
class KnownCost:
    """One cost that can be asked for, and its sources.

    device: reference with the variant. table: "present" or "absent" in the cache, "damaged" where it cannot be read,
    "none" where a few measurements of the user's are all there is.
    get: the command that brings an absent table, else "". prediction: what is shipped,
    `GCN, 1.8 %`, or adapted, or why an adapted model cannot be used here, else "".
    """

    device: str
    batch_size: int | None
    space: str
    dataset: str
    target: str
    table: Literal["present", "absent", "damaged", "none"]
    get: str
    prediction: str
    note: str


@final
@dataclass(frozen=True, kw_only=True)
class DeviceResult:
    """A card and the costs that are known of its variants."""

    card: Card
    costs: tuple[KnownCost, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        plain = asdict(self)
        for variant in plain["card"]["variants"]:
            del variant["columns"], variant["adapted"]  # where a number lies is no matter of the caller
        return plain


def list_devices() -> list[dict[str, Any]]:
    """Each device: name, other names, title, kind, evidence, variants, and the targets and spaces that are known.

    Those without a card, of which nothing but a kernel model is known, come last.
    """
    cards = [*load_devices().values(), *(device.card for device in devices_without_card())]
    return [
        {
            "name": card.name,
            "aliases": list(card.aliases),
            "title": card.title,
            "kind": card.kind,
            "evidence": card.evidence,
            "variants": [card.device(variant.name).reference for variant in card.variants],
            "targets": sorted({known.target for known in card.known()}, reverse=True),
            "spaces": sorted({known.space for known in card.known()}),
            "adapted": adapted_text(card),
        }
        for card in cards
    ]


def adapted_text(card: Card) -> str:
    """`adapted from 10 measurements, leave-one-out error 4.2 %`, of the latency; empty for other devices."""
    models = [model for model in card.adapted() if model.target == "latency"]
    texts = [f"adapted from {model.nets} measurements{_left_out(model)}" for model in models]
    return "; ".join(texts if len(texts) < 2 else [f"{m.space}: {text}" for m, text in zip(models, texts, strict=True)])


def describe_device(name: str) -> DeviceResult:
    """The device called `name`, all its variants. Raises `UnknownNameError`, `DataError` for a wrong card."""
    card = find_device(name).card
    shipped = {space: _shipped(space) for space in {column.space for column in card.columns()}}
    costs = []
    for variant in card.variants:
        device = card.device(variant.name)
        for column in variant.columns:
            status = _table_status(column.table)
            costs.append(
                KnownCost(
                    device=device.reference,
                    batch_size=variant.batch_size,
                    space=column.space,
                    dataset=column.dataset,
                    target=column.target,
                    table=status,
                    get="" if status == "present" else repair_command(column.table),
                    prediction=shipped[column.space](head_id(kept_name(device), column.dataset, column.target)),
                    note=column.note,
                )
            )
        costs += [_adapted_cost(model, device) for model in variant.adapted]
    return DeviceResult(card=card, costs=tuple(costs))


def unknown_space(model: Adapted) -> str:
    """Why nothing can be said of an adapted model here, as its space is not to be had; empty where it is."""
    try:
        get_space(model.space)
    except UnknownNameError:
        return f"space {model.space} is not known here; {TO_KNOW}"
    except UsageError as error:  # the environment names one that cannot be imported
        return f"space {model.space} is not known here: {error}"
    return ""


def adapted_fault(model: Adapted, device: Device) -> str:
    """What is wrong with the files of an adapted model; empty where they can be read, and for an `unknown_space`."""
    if unknown_space(model):
        return ""
    load = board_latency if model.target == "latency" else board_energy
    try:
        load(device, space=get_space(model.space), dataset=model.dataset)
    except HwnasError as error:
        return str(error)
    return ""


def _adapted_cost(model: Adapted, device: Device) -> KnownCost:
    made = f"{model.method}, {model.nets} measurements on {model.date}{_left_out(model)}"
    return KnownCost(
        device=device.reference,
        batch_size=device.variant.batch_size,
        space=model.space,
        dataset=model.dataset,
        target=model.target,
        table="none",
        get="",
        prediction="DAMAGED, adapt the device again" if adapted_fault(model, device) else unknown_space(model) or made,
        note="",
    )


def _left_out(model: Adapted) -> str:
    return "" if model.error_percent is None else f", leave-one-out error {model.error_percent:.1f} %"


def _table_status(table: str) -> Literal["present", "absent", "damaged"]:
    try:
        return "absent" if data.open_table(table) is None else "present"
    except DataError:
        return "damaged"


def _shipped(space: str) -> Callable[[str], str]:
    """What is shipped for a head of the space: model and median error, `GCN, 1.8 %`; empty where nothing is."""
    costs, regressions = open_shipped_costs(SHIPPED_FOLDER, space), open_regressions(SHIPPED_FOLDER, space)

    def prediction(head: str) -> str:
        if costs is not None and head in costs:
            record = costs.record(head)
            return _with_error(record.model, record.figures)
        return _with_error("ridge regression", regressions[head].figures) if head in regressions else ""

    return prediction


def _with_error(model: str, figures: Mapping[str, float]) -> str:
    error = figures.get("median_ape")
    return model if error is None else f"{model}, {error:.1f} %"
