"""Device cards as TOML files: read and checked field by field, written so that reading gives the same card.

Checked by hand and not by pydantic, whose import alone takes ten times as long as reading a card.
"""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any, cast, get_args

from hwnas.devices.card import (
    NOT_STATED,
    Adapted,
    Card,
    Column,
    Evidence,
    Fact,
    Kind,
    Measurement,
    Statement,
    Target,
    Variant,
)
from hwnas.devices.fields import Fields
from hwnas.errors import DataError, UsageError
from hwnas.folders import write_whole

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def read_card(path: Path) -> Card:
    """The card in a TOML file. Raises `DataError` naming the file and the field, what it expects and what it got."""
    fields = Fields(path, "", parse_toml(_read_text(path), path))
    card = _card(fields)
    if path.stem != card.name:
        fields.fail("name", f"{path.stem!r}, as the file is called {path.name}", card.name)
    return card


def read_names(path: Path) -> tuple[str, ...]:
    """Name and aliases of the card, the name first, without parsing all of it.

    Both stand at the head of the file, before the first empty line: parsing that much takes 0.05 ms, a card 1 ms.
    """
    text = _read_text(path)
    head = parse_toml(text.partition("\n\n")[0], path)
    if not {"name", "aliases"} <= head.keys():
        head = parse_toml(text, path)
    fields = Fields(path, "", head)
    return (fields.name("name"), *fields.names("aliases"))


def write_card(card: Card, path: Path) -> None:
    """Write a card to `path`, which must be called `<name>.toml`; `read_card` gives an equal card back.

    Raises `UsageError` for another file name, `DataError` for a card that `read_card` would refuse or a folder that
    cannot be written.
    """
    if path.name != f"{card.name}.toml":
        raise UsageError(f"the card of device {card.name!r} must be called {card.name}.toml, got {path.name}")
    text = _toml(card)
    _card(Fields(path, "", parse_toml(text, path)))  # a card that could not be read back is not written
    write_whole(path, text.encode())


def parse_toml(text: str, path: Path) -> dict[str, Any]:
    """The table that `text` holds; `path` is for the message of the `DataError` that bad TOML raises."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DataError(f"{path}: expected a TOML file, got {error}; see devices/README.md for the form") from error


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: expected a readable TOML file in UTF-8, got {error}") from error


def _card(fields: Fields) -> Card:
    card = Card(
        name=fields.name("name"),
        aliases=fields.names("aliases"),
        title=fields.text("title"),
        kind=cast("Kind", fields.choice("kind", get_args(Kind))),
        vendor=fields.text("vendor"),
        evidence=cast("Evidence", fields.choice("evidence", get_args(Evidence))),
        default_variant=fields.name("default_variant"),
        traps=fields.texts("traps"),
        measurement=_measurement(fields.table("measurement")),
        facts=tuple(_fact(fact) for fact in fields.tables("facts")),
        variants=tuple(_variant(variant) for variant in fields.tables("variants")),
    )
    names = [variant.name for variant in card.variants]
    if len(set(names)) < len(names):
        fields.fail("variants", "variants of different names", names)
    if card.default_variant not in names:
        fields.fail(
            "default_variant", f"the name of a variant ({', '.join(names) or 'none is given'})", card.default_variant
        )
    fields.done()
    return card


def _measurement(fields: Fields) -> Measurement:
    parts = {
        part: _statement(fields.table(part)) for part in ("runtime", "precision", "power_mode", "latency", "energy")
    }
    fields.done()
    return Measurement(**parts)


def _statement(fields: Fields) -> Statement:
    value = fields.text("value")
    statement = Statement(value=value, source=fields.text("source", empty=value == NOT_STATED))
    fields.done()
    return statement


def _fact(fields: Fields) -> Fact:
    fact = Fact(name=fields.text("name"), value=fields.text("value"), source=fields.text("source"))
    fields.done()
    return fact


def _variant(fields: Fields) -> Variant:
    batch_size = None
    if fields.present("batch_size"):
        batch_size = cast("int", fields.take("batch_size", "a whole number of images", int))
        if batch_size < 1:
            fields.fail("batch_size", "a whole number of images, at least 1", batch_size)
    variant = Variant(
        name=fields.name("name"),
        batch_size=batch_size,
        columns=tuple(_column(column) for column in fields.tables("columns")),
        adapted=tuple(map(_adapted, fields.tables("adapted"))) if fields.present("adapted") else (),
    )
    for name, one_of_it, known in (("columns", "column", variant.columns), ("adapted", "model", variant.adapted)):
        keys = [(one.space, one.dataset, one.target) for one in known]
        for key in keys:
            if keys.count(key) > 1:
                fields.fail(name, f"one {one_of_it} for each space, data set and target", key)
    fields.done()
    return variant


def _column(fields: Fields) -> Column:
    column = Column(
        space=fields.text("space"),
        dataset=fields.text("dataset"),
        target=cast("Target", fields.choice("target", get_args(Target))),
        table=fields.text("table"),
        column=fields.text("column"),
        note=fields.text("note") if fields.present("note") else "",
    )
    fields.done()
    return column


def _adapted(fields: Fields) -> Adapted:
    nets = cast("int", fields.take("nets", "a number of measured nets", int))
    error = (
        cast("float", fields.take("error_percent", "a decimal number", float))
        if fields.present("error_percent")
        else None
    )
    if nets < 0:
        fields.fail("nets", "a number of measured nets", nets)
    if error is not None and not (math.isfinite(error) and error >= 0):
        fields.fail("error_percent", "a number of at least 0", error)
    model = Adapted(
        space=fields.text("space"),
        dataset=fields.text("dataset"),
        target=cast("Target", fields.choice("target", get_args(Target))),
        folder=fields.name("folder"),  # a name has no "/": nothing outside of the user's folder can be meant
        method=fields.text("method"),
        nets=nets,
        date=fields.text("date"),
        error_percent=error,
    )
    fields.done()
    return model


def _toml(card: Card) -> str:
    lines = [_line("name", card.name), f"aliases = [{', '.join(map(_quote, card.aliases))}]", ""]
    lines += [_line(key, getattr(card, key)) for key in ("title", "kind", "vendor", "evidence", "default_variant")]
    lines += ["traps = [", *(f"    {_quote(trap)}," for trap in card.traps), "]"]
    lines += ["", "[measurement]"] if card.facts else ["facts = []", "", "[measurement]"]
    for part in ("runtime", "precision", "power_mode", "latency", "energy"):
        statement: Statement = getattr(card.measurement, part)
        lines.append(f"{part} = {_inline(value=statement.value, source=statement.source)}")
    lines.append("")
    for fact in card.facts:
        lines += ["[[facts]]", *(_line(key, getattr(fact, key)) for key in ("name", "value", "source")), ""]
    for variant in card.variants:
        lines += ["[[variants]]", _line("name", variant.name)]
        lines += [] if variant.batch_size is None else [f"batch_size = {variant.batch_size}"]
        lines += ["columns = [", *(f"    {_column_toml(column)}," for column in variant.columns), "]"]
        if variant.adapted:
            lines += ["adapted = [", *(f"    {_adapted_toml(model)}," for model in variant.adapted), "]"]
        lines.append("")
    return "\n".join(lines[:-1]) + "\n"


def _column_toml(column: Column) -> str:
    keys = ["space", "dataset", "target", "table", "column", *(["note"] if column.note else [])]
    return _inline(**{key: getattr(column, key) for key in keys})


def _adapted_toml(model: Adapted) -> str:
    texts = {key: getattr(model, key) for key in ("space", "dataset", "target", "folder", "method", "date")}
    error = "" if model.error_percent is None else f", error_percent = {float(model.error_percent)!r}"
    return _inline(**texts).removesuffix(" }") + f", nets = {model.nets}{error} }}"


def _inline(**texts: str) -> str:
    return f"{{ {', '.join(_line(key, text) for key, text in texts.items())} }}"


def _line(key: str, text: str) -> str:
    return f"{key} = {_quote(text)}"


def _quote(text: str) -> str:
    # JSON's escapes are also TOML's; DEL is the one control character that only TOML wants escaped.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
