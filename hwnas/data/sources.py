"""What is published, where, under which licence, and with which checksum: the list in sources.json."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hwnas.errors import UnknownNameError


@dataclass(frozen=True, kw_only=True)
class SourceFile:
    """One published file.

    path: where it lies in a mirror and in the cache, with forward slashes.
    size, sha256: of its bytes; None for a file that is only imported and was not pinned.
    upstream: `<owner>/<repository>/<commit>/<path there>`; None for a file that no address brings as it is.
    """

    path: str
    size: int | None
    sha256: str | None
    upstream: str | None


@dataclass(frozen=True, kw_only=True)
class Part:
    """What is converted together: files that suffice for these tables. No tables: the files are kept as they are."""

    files: tuple[SourceFile, ...]
    tables: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Source:
    """A publication: its files, the tables made of them, and what they add.

    kind: "files" (mirror or network), "package" (files of an installed package), "import" (files that the user has).
    """

    name: str
    title: str
    adds: str
    licence: str
    url: str
    note: str
    kind: str
    parts: tuple[Part, ...]

    @property
    def tables(self) -> tuple[str, ...]:
        """Tables that it brings."""
        return tuple(table for part in self.parts for table in part.tables)

    @property
    def files(self) -> tuple[SourceFile, ...]:
        """All its files."""
        return tuple(file for part in self.parts for file in part.files)

    @property
    def size(self) -> int:
        """Bytes of all its files, as far as they are known."""
        return sum(file.size or 0 for file in self.files)


def _load(path: Path) -> dict[str, Source]:
    entries = json.loads(path.read_text(encoding="utf-8"))["sources"]
    return {entry["name"]: _source(entry) for entry in entries}


def _source(entry: dict[str, object]) -> Source:
    fields = {key: entry[key] for key in ("name", "title", "adds", "licence", "url", "note", "kind")}
    parts = tuple(
        Part(files=tuple(SourceFile(**file) for file in part["files"]), tables=tuple(part["tables"]))
        for part in entry["parts"]  # type: ignore[attr-defined]
    )
    return Source(**fields, parts=parts)  # type: ignore[arg-type]


def _tables(sources: Mapping[str, Source]) -> dict[str, tuple[str, ...]]:
    tables: dict[str, tuple[str, ...]] = {}
    for source in sources.values():
        for table in source.tables:
            tables[table] = (*tables.get(table, ()), source.name)
    return tables


SOURCES: Final[Mapping[str, Source]] = _load(Path(__file__).with_name("sources.json"))
# Names of the sources that bring each table, the preferred one first.
TABLES: Final[Mapping[str, tuple[str, ...]]] = _tables(SOURCES)


def get_source(name: str) -> Source:
    """The source called `name`. Raises `UnknownNameError`."""
    if name not in SOURCES:
        raise UnknownNameError("data source", name, SOURCES)
    return SOURCES[name]


def repair_command(table: str) -> str:
    """The command that makes `table` again."""
    source = SOURCES[TABLES[table][0]]
    if source.kind == "import":
        return f"hwnas data import {Path(source.files[0].path).name}"
    return f"hwnas data pull {source.name}"
