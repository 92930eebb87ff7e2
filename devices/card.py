"""What is known of a device: frozen facts, each with its source, and where its measurements are.

A `Card` is one TOML file; a `Device` is a card with one of its variants (batch sizes, for example) chosen.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, final

from hwnas.errors import UnknownNameError

Kind = Literal["gpu", "edge-gpu", "cpu", "single-board", "phone", "edge-tpu", "asic-simulator", "fpga", "npu", "mcu"]
Evidence = Literal["measured", "simulated", "measured or estimated"]
Target = Literal["latency", "energy"]  # as in hwnas.estimates, which a look-up of a name need not import
NOT_STATED: Final = "not stated"


@final
@dataclass(frozen=True, kw_only=True)
class Statement:
    """Something said about a measurement, and who says it.

    value: the statement, or "not stated" where no source that was read says it.
    source: document, repository file or thread; for "not stated", where one might look, or empty.
    """

    value: str
    source: str


@final
@dataclass(frozen=True, kw_only=True)
class Fact:
    """A hardware fact such as `memory`: "8 GB LPDDR4", with the document that it was read in."""

    name: str
    value: str
    source: str


@final
@dataclass(frozen=True, kw_only=True)
class Measurement:
    """How the numbers of a device were obtained: software, precision, power mode, and the two procedures."""

    runtime: Statement
    precision: Statement
    power_mode: Statement
    latency: Statement
    energy: Statement


@final
@dataclass(frozen=True, kw_only=True)
class Column:
    """Where the measurements of one target on one data set of one space are: a column of a table of `hwnas.data`."""

    space: str
    dataset: str
    target: Target
    table: str
    column: str
    note: str = ""


@final
@dataclass(frozen=True, kw_only=True)
class Variant:
    """One way in which the device was used. batch_size: images per run; None where the source does not state it."""

    name: str
    batch_size: int | None
    columns: tuple[Column, ...]


@final
@dataclass(frozen=True, kw_only=True)
class Card:
    """Everything known of one physical device, as its TOML file says it.

    name, aliases: lower case, words joined by "-". title, vendor: for people.
    evidence: whether the numbers come from the hardware or from a simulator of it.
    traps: what has misled readers of these numbers, one sentence each.
    variants: at least one; default_variant: the name of the one that a bare device name stands for.
    """

    name: str
    aliases: tuple[str, ...]
    title: str
    kind: Kind
    vendor: str
    evidence: Evidence
    default_variant: str
    measurement: Measurement
    facts: tuple[Fact, ...]
    traps: tuple[str, ...]
    variants: tuple[Variant, ...]

    def columns(self) -> Iterator[Column]:
        """Columns of all variants."""
        return (column for variant in self.variants for column in variant.columns)

    def has(self, target: Target) -> bool:
        """Whether any variant has measurements of `target`, in any space."""
        return any(column.target == target for column in self.columns())

    def device(self, variant: str | None = None) -> Device:
        """The device in one variant, by default `default_variant`. Raises `UnknownNameError`."""
        variants = {known.name: known for known in self.variants}
        wanted = self.default_variant if variant is None else variant
        if wanted not in variants:
            raise UnknownNameError(f"variant of device {self.name!r}", wanted, variants)
        return Device(card=self, variant=variants[wanted])


@final
@dataclass(frozen=True, kw_only=True)
class Device:
    """A card and the variant that is meant. `gtx-1080-ti` is the default variant, `gtx-1080-ti@32` another one."""

    card: Card
    variant: Variant

    @property
    def name(self) -> str:
        """Name of the card, the same for all variants: one physical device."""
        return self.card.name

    @property
    def reference(self) -> str:
        """The shortest text that `get_device` reads back as this device: `name`, or `name@variant`."""
        is_default = self.variant.name == self.card.default_variant
        return self.name if is_default else f"{self.name}@{self.variant.name}"

    def column(self, *, space: str, dataset: str, target: Target) -> Column | None:
        """Where the measurements are; None where this variant was not measured so."""
        wanted = (space, dataset, target)
        for column in self.variant.columns:
            if (column.space, column.dataset, column.target) == wanted:
                return column
        return None
