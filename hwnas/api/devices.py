"""Devices as plain values: the list, and one with its facts and with where its costs come from."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal, final

from hwnas import data
from hwnas.data.sources import repair_command
from hwnas.devices import Card, get_device, load_devices
from hwnas.errors import DataError
from hwnas.predictors.shipped import SHIPPED_FOLDER, ShippedCosts, head_id, open_shipped_costs


@final
@dataclass(frozen=True, kw_only=True)
class KnownCost:
    """One cost that can be asked for, and its sources.

    device: reference with the variant. table: "present" or "absent" in the cache, "damaged" where it cannot be read.
    get: the command that brings an absent table, else "". prediction: what is shipped, `GCN, 1.8 %`, else "".
    """

    device: str
    batch_size: int | None
    space: str
    dataset: str
    target: str
    table: Literal["present", "absent", "damaged"]
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
            del variant["columns"]  # where a number lies in a table is no matter of the caller
        return plain


def list_devices() -> list[dict[str, Any]]:
    """Each device: name, other names, title, kind, evidence, variants, and the targets and spaces that are known."""
    return [
        {
            "name": card.name,
            "aliases": list(card.aliases),
            "title": card.title,
            "kind": card.kind,
            "evidence": card.evidence,
            "variants": [card.device(variant.name).reference for variant in card.variants],
            "targets": sorted({column.target for column in card.columns()}, reverse=True),
            "spaces": sorted({column.space for column in card.columns()}),
        }
        for card in load_devices().values()
    ]


def describe_device(name: str) -> DeviceResult:
    """The device called `name`, all its variants. Raises `UnknownNameError`, `DataError` for a wrong card."""
    card = get_device(name).card
    shipped = {space: open_shipped_costs(SHIPPED_FOLDER, space) for space in {c.space for c in card.columns()}}
    costs = []
    for variant in card.variants:
        reference = card.device(variant.name).reference
        for column in variant.columns:
            status = _table_status(column.table)
            costs.append(
                KnownCost(
                    device=reference,
                    batch_size=variant.batch_size,
                    space=column.space,
                    dataset=column.dataset,
                    target=column.target,
                    table=status,
                    get="" if status == "present" else repair_command(column.table),
                    prediction=_prediction(shipped[column.space], head_id(reference, column.dataset, column.target)),
                    note=column.note,
                )
            )
    return DeviceResult(card=card, costs=tuple(costs))


def _table_status(table: str) -> Literal["present", "absent", "damaged"]:
    try:
        return "absent" if data.open_table(table) is None else "present"
    except DataError:
        return "damaged"


def _prediction(shipped: ShippedCosts | None, head: str) -> str:
    """Model and median error of a head, `GCN, 1.8 %`; empty where it is not shipped."""
    if shipped is None or head not in shipped:
        return ""
    record = shipped.record(head)
    error = record.figures.get("median_ape")
    return record.model if error is None else f"{record.model}, {error:.1f} %"
