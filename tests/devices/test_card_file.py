"""Cards as TOML files: what is written is what is read, and a wrong file says what is wrong with it."""

from __future__ import annotations

import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwnas.devices import Card, Column, Fact, Measurement, Statement, Variant, read_card, write_card
from hwnas.devices.card import Evidence, Kind
from hwnas.devices.card_file import read_names
from hwnas.errors import DataError, UsageError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

# Quotes, backslashes, control characters (DEL too) and letters of any script; not blank.
texts = st.text(max_size=12).map(lambda text: f"x{text}")
names = st.from_regex(r"[a-z0-9]{1,4}([.-][a-z0-9]{1,4}){0,2}", fullmatch=True)
statements = st.fixed_dictionaries({"value": texts, "source": texts}) | st.just({"value": "not stated", "source": ""})
columns = st.fixed_dictionaries(
    {
        **dict.fromkeys(("space", "dataset", "table", "column"), texts),
        "target": st.sampled_from(["latency", "energy"]),
        "note": texts | st.just(""),
    }
)
variants = st.fixed_dictionaries(
    {
        "name": names,
        "batch_size": st.none() | st.integers(1, 4096),
        "columns": st.lists(columns, max_size=3, unique_by=lambda c: (c["space"], c["dataset"], c["target"])),
    }
)
# Plain values, of which the test builds the card: what checks types at run time draws random numbers of its own.
cards = st.fixed_dictionaries(
    {
        "name": names,
        "aliases": st.lists(names, max_size=3),
        "title": texts,
        "kind": st.sampled_from(get_args(Kind)),
        "vendor": texts,
        "evidence": st.sampled_from(get_args(Evidence)),
        "measurement": st.fixed_dictionaries(dict.fromkeys(Measurement.__annotations__, statements)),
        "facts": st.lists(st.fixed_dictionaries(dict.fromkeys(Fact.__annotations__, texts)), max_size=2),
        "traps": st.lists(texts, max_size=2),
        "variants": st.lists(variants, min_size=1, max_size=3, unique_by=lambda variant: variant["name"]),
    }
)


def _card(plain: dict[str, Any]) -> Card:
    some = tuple(
        Variant(**{**variant, "columns": tuple(Column(**column) for column in variant["columns"])})
        for variant in plain["variants"]
    )
    return Card(
        **{key: plain[key] for key in ("name", "title", "kind", "vendor", "evidence")},
        aliases=tuple(plain["aliases"]),
        traps=tuple(plain["traps"]),
        measurement=Measurement(**{part: Statement(**said) for part, said in plain["measurement"].items()}),
        facts=tuple(Fact(**fact) for fact in plain["facts"]),
        variants=some,
        default_variant=some[-1].name,
    )


@given(plain=cards)
@settings(max_examples=60, deadline=None)
def test_a_written_card_is_read_back_as_it_was(plain: dict[str, Any]) -> None:
    card = _card(plain)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "new" / f"{card.name}.toml"
        write_card(card, path)
        assert read_card(path) == card
        assert read_names(path) == (card.name, *card.aliases)
        assert [file.name for file in path.parent.iterdir()] == [path.name], "nothing temporary stays behind"


BOARD = Card(
    name="my-board",
    aliases=("mb",),
    title="My board",
    kind="single-board",
    vendor="Me",
    evidence="measured",
    default_variant="1",
    measurement=Measurement(**{part: Statement(value="v", source="s") for part in Measurement.__annotations__}),
    facts=(Fact(name="memory", value="4 GB", source="label on the box"),),
    traps=(),
    variants=(Variant(name="1", batch_size=1, columns=()),),
)


def test_a_file_of_another_name_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"must be called my-board\.toml, got board\.toml"):
        write_card(BOARD, tmp_path / "board.toml")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "wrong",
    [
        replace(BOARD, default_variant="2"),
        replace(BOARD, name="My Board"),
        replace(BOARD, facts=(Fact(name="memory", value="4 GB", source=""),)),
    ],
)
def test_a_card_that_could_not_be_read_back_is_not_written(tmp_path: Path, wrong: Card) -> None:
    with pytest.raises(DataError, match="expected"):
        write_card(wrong, tmp_path / f"{wrong.name}.toml")
    assert not list(tmp_path.iterdir())


def _edited(tmp_path: Path, old: str, new: str) -> Path:
    path = tmp_path / "my-board.toml"
    write_card(BOARD, path)
    text = path.read_text(encoding="utf-8")
    assert text.count(old) >= 1
    path.write_text(text.replace(old, new), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('kind = "single-board"', 'kind = "toaster"', r"field kind: expected one of gpu, .*, got 'toaster'"),
        ('title = "My board"', "title = 3", "field title: expected text, got 3"),
        ('title = "My board"', 'title = " "', "field title: expected text that is not empty, got ' '"),
        ('title = "My board"\n', "", "field title: expected text, got nothing"),
        ('title = "My board"', 'titel = "x"\ntitle = "y"', "field titel: expected no field of this name, got 'x'"),
        ("batch_size = 1", "batch_size = 0", r"field variants\[0\]\.batch_size: expected .* at least 1, got 0"),
        ("batch_size = 1", "batch_size = true", r"field variants\[0\]\.batch_size: expected a whole .*, got True"),
        ('aliases = ["mb"]', 'aliases = ["MB"]', r"field aliases\[0\]: expected lower-case .*, got 'MB'"),
        ('aliases = ["mb"]', 'aliases = ["a@b"]', r"field aliases\[0\]: expected lower-case"),
        ("traps = [\n]", "traps = [1]", r"field traps\[0\]: expected text, got 1"),
        ("columns = [\n]", "columns = [1]", r"field variants\[0\]\.columns\[0\]: expected a table, got 1"),
        ('runtime = { value = "v", source = "s" }', "runtime = 1", "field measurement.runtime: expected a table"),
        (
            'runtime = { value = "v", source = "s" }',
            'runtime = { value = "v", source = "" }',
            r"field measurement\.runtime\.source: expected text that is not empty",
        ),
        ('default_variant = "1"', 'default_variant = "2"', r"field default_variant: expected .*\(1\), got '2'"),
        ('name = "my-board"', 'name = "other"', "field name: expected 'my-board', as the file is called my-board.toml"),
        ('name = "my-board"', "name = ", "expected a TOML file, got"),
    ],
)
def test_a_wrong_card_names_file_field_expected_and_got(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = _edited(tmp_path, old, new)
    with pytest.raises(DataError, match=message) as error:
        read_card(path)
    assert str(path) in str(error.value)


def test_two_columns_for_the_same_thing_are_refused(tmp_path: Path) -> None:
    column = '{ space = "s", dataset = "d", target = "latency", table = "t", column = "c" }'
    path = _edited(tmp_path, "columns = [\n]", f"columns = [{column}, {column}]")
    with pytest.raises(DataError, match=r"variants\[0\]\.columns: expected one column for each"):
        read_card(path)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    with pytest.raises(DataError, match="expected a readable TOML file"):
        read_card(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(DataError, match="expected a readable TOML file"):
        read_card(path)


def test_names_are_found_wherever_they_stand(tmp_path: Path) -> None:
    path = tmp_path / "b.toml"
    path.write_text('title = "x"\n\nname = "b"\n\naliases = ["c"]\n', encoding="utf-8")
    assert read_names(path) == ("b", "c")


def test_the_written_form_is_plain_toml(tmp_path: Path) -> None:
    write_card(BOARD, tmp_path / "my-board.toml")
    table: dict[str, Any] = tomllib.loads((tmp_path / "my-board.toml").read_text(encoding="utf-8"))
    assert table["variants"] == [{"name": "1", "batch_size": 1, "columns": []}]
    assert table["facts"] == [{"name": "memory", "value": "4 GB", "source": "label on the box"}]
