"""The card of a user's own device, from what its measurements say of the way they were made."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from hwnas.api.board_measurements import runtime_text, way_of
from hwnas.api.measure import RUNTIMES
from hwnas.devices import NOT_STATED, Adapted, Card, Fact, Measurement, Statement, Variant
from hwnas.errors import UsageError
from hwnas.latency.measurements import Measurements

UNSTATED: Final = "batch-not-stated"  # variant of measurements that do not say how many images a run takes
_FACTS: Final = ("board", "cpu", "machine", "cores", "memory_gb", "os", "governors", "cpu_max_mhz", "tegra")
_NO_STATEMENT: Final = Statement(value=NOT_STATED, source="")


def variant_name(batch_size: int | None) -> str:
    """How the variant of a batch size is called."""
    return UNSTATED if batch_size is None else str(batch_size)


def board_card(before: Card | None, measured: Measurements, *, name: str, source: str, afresh: bool = False) -> Card:
    """The card as it was, or a new one, with a variant for the batch size of the measurements; no models are added.

    source: who says what the card states. afresh: what the card states of the device and of how it was measured is
    replaced by what these measurements say, because nothing else will rest on it.
    Raises `UsageError` where the card is of another machine or way of measuring and more than these will rest on it.
    """
    variant = variant_name(measured.batch_size)
    if before is None:
        card = _new_card(measured, name=name, source=source)
    elif afresh:
        card = _stated_anew(before, measured, source)
    else:
        _require_same_way(before, measured, source)
        card = before
    if variant not in [known.name for known in card.variants]:
        more = Variant(name=variant, batch_size=measured.batch_size, columns=())
        card = replace(card, variants=(*card.variants, more))
    return card


def other_way(card: Card, how: dict[str, Any]) -> str | None:
    """In which way measurements differ from what a card with models states of machine and measuring; None: in none.

    how: facts of device and runtime as the agent writes them. What either side leaves open is not asked.
    """
    if not any(card.adapted()):
        return None
    stated = {fact.name: fact.value for fact in card.facts}
    stated |= {part: getattr(card.measurement, part).value for part in ("runtime", "precision", "power_mode")}
    for name, now in way_of(how).items():
        if stated.get(name, NOT_STATED) not in (NOT_STATED, now):
            return f"expected measurements of {card.name} with {name} {stated[name]!r}, as its card says, got {now!r}"
    return None


def measured_by(card: Card) -> tuple[str, int | None] | None:
    """Runtime by which the card says that its models were measured, and its threads, None for the runtime's choice.

    None for a card without models and a runtime that `hwnas measure` does not have.
    """
    name, _, others = card.measurement.runtime.value.partition(" ")
    if name not in RUNTIMES or not any(card.adapted()):
        return None
    threads = re.search(r"\bthreads (\d+)(,|$)", others)
    return name, int(threads[1]) if threads else None


def all_replaced(card: Card, model: Adapted) -> bool:
    """Whether nothing on the card but what stands in one folder rests on what it states of measuring."""
    columns = any(variant.columns for variant in card.variants)
    return not columns and {known.folder for known in card.adapted()} <= {model.folder}


def with_models(card: Card, variant: str, models: Sequence[Adapted]) -> Card:
    """The card with these models in place of those of the same space and data set in one variant."""
    settings = {(model.space, model.dataset) for model in models}
    return replace(
        card,
        variants=tuple(
            replace(
                known,
                adapted=(*(m for m in known.adapted if (m.space, m.dataset) not in settings), *models),
            )
            if known.name == variant
            else known
            for known in card.variants
        ),
    )


def _new_card(measured: Measurements, *, name: str, source: str) -> Card:
    facts = measured.device.get("device", {})
    variant = variant_name(measured.batch_size)
    return Card(
        name=name,
        aliases=(),
        title=str(facts.get("board") or facts.get("cpu") or name),
        kind="not stated",
        vendor=NOT_STATED,
        evidence="measured",
        default_variant=variant,
        measurement=_measurement(measured, source),
        facts=tuple(Fact(name=key, value=_text(facts[key]), source=source) for key in _FACTS if key in facts),
        traps=(),
        variants=(Variant(name=variant, batch_size=measured.batch_size, columns=()),),
    )


def _stated_anew(before: Card, measured: Measurements, source: str) -> Card:
    """The card with what these measurements say; the user's own title and facts stay."""
    new = _new_card(measured, name=before.name, source=source)
    titles = {before.name} | {fact.value for fact in before.facts if fact.name in ("board", "cpu")}
    return replace(
        before,
        title=new.title if before.title in titles else before.title,
        measurement=new.measurement,
        facts=(*new.facts, *(fact for fact in before.facts if fact.name not in _FACTS)),
    )


def _measurement(measured: Measurements, source: str) -> Measurement:
    how = measured.device
    if not how:
        return Measurement(**dict.fromkeys(("runtime", "precision", "power_mode", "latency", "energy"), _NO_STATEMENT))
    runtime, facts, protocol, meter = how["runtime"], how["device"], how["protocol"], how["meter"]
    latency = (
        f"median over {protocol['rounds']} rounds of the median of the runs of {protocol['window_s']:g} s, after "
        f"{protocol['warmup_s']:g} s of warm-up; {runtime.get('timed', 'what is timed is not stated')}"
    )
    reason = f"not measured: {meter.get('reason') or 'no meter'}"
    energy = f"{meter['name']}, {meter.get('kind', '')}, idle power included" if meter.get("name") else reason
    said = {
        "runtime": runtime_text(runtime),
        "precision": runtime.get("precision"),
        "power_mode": facts.get("power_mode"),
        "latency": latency,
        "energy": energy,
    }
    return Measurement(
        **{part: Statement(value=str(v), source=source) if v else _NO_STATEMENT for part, v in said.items()}
    )


def _require_same_way(before: Card, measured: Measurements, source: str) -> None:
    difference = other_way(before, measured.device)
    if difference:
        raise UsageError(
            f"{difference} in {source}; give the device another --name, for example with that in it, or forget it "
            f"first: `hwnas devices {before.name} --remove`"
        )


def _text(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
