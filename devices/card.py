"""What is known of a device: frozen facts, each with its source, and where its measurements are.

A `Card` is one TOML file; a `Device` is a card with one of its variants (batch sizes, for example) chosen.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, final

from hwnas.errors import UnknownNameError

Kind = Literal[
    "gpu", "edge-gpu", "cpu", "single-board", "phone", "edge-tpu", "asic-simulator", "fpga", "npu", "mcu", "not stated"
]
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
class Adapted:
    """A model of one target on one data set of one space, made from a few measurements of a user's own device.

    folder: its name in `models/` beside the card (user_devices.py). method: how the model was made.
    nets: measured networks that it rests on. date: when it was made, as YYYY-MM-DD.
    error_percent: median error of predicting each measurement from the others; None where nothing was measured of it.
    """

    space: str
    dataset: str
    target: Target
    folder: str
    method: str
    nets: int
    date: str
    error_percent: float | None


@final
@dataclass(frozen=True, kw_only=True)
class Variant:
    """One way in which the device was used. batch_size: images per run; None where the source does not state it.

    columns: measurements. adapted: models from a few measurements, on cards of users.
    """

    name: str
    batch_size: int | None
    columns: tuple[Column, ...]
    adapted: tuple[Adapted, ...] = ()

    @property
    def known(self) -> tuple[Column | Adapted, ...]:
        """Measurements and models."""
        return (*self.columns, *self.adapted)


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

    def known(self) -> Iterator[Column | Adapted]:
        """Measurements and models of all variants."""
        return (known for variant in self.variants for known in variant.known)

    def adapted(self) -> Iterator[Adapted]:
        """Models of all variants that were adapted from a few measurements."""
        return (model for variant in self.variants for model in variant.adapted)

    def has(self, target: Target) -> bool:
        """Whether any variant has measurements or a model of `target`, in any space."""
        return any(known.target == target for known in self.known())

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

    def adapted(self, *, space: str, dataset: str, target: Target) -> Adapted | None:
        """The model that was adapted from a few measurements of this variant; None where there is none."""
        wanted = (space, dataset, target)
        for model in self.variant.adapted:
            if (model.space, model.dataset, model.target) == wanted:
                return model
        return None

    def knows(self, *, space: str, dataset: str, target: Target) -> bool:
        """Whether this variant was measured so, or has a model."""
        where = {"space": space, "dataset": dataset}
        return bool(self.column(**where, target=target) or self.adapted(**where, target=target))
