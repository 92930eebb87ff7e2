"""What is in the cache, and whether it is what was published."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from hwnas.data.checksums import checked
from hwnas.data.folders import file_path
from hwnas.data.sources import SOURCES, TABLES, Part, Source, SourceFile, get_source, repair_command
from hwnas.data.table_files import Header, check_columns, read_header
from hwnas.errors import DataError

SourceState = Literal["present", "partial", "absent", "damaged"]


@dataclass(frozen=True, kw_only=True)
class SourceStatus:
    """A source and how much of it is in the cache."""

    source: Source
    status: SourceState


@dataclass(frozen=True, kw_only=True)
class CheckResult:
    """What `verify` found of one table or file; `reason` says what is wrong and what to do."""

    name: str
    kind: Literal["table", "file"]
    status: Literal["ok", "damaged", "absent"]
    reason: str = ""


def list_sources() -> list[SourceStatus]:
    """Every source, in the order of the list, with what the cache has of it: tables are checked, of files the sizes."""
    return [SourceStatus(source=source, status=_state(source)) for source in SOURCES.values()]


def _state(source: Source) -> SourceState:
    found = [_check_table(table).status for table in source.tables] or [_size_state(file) for file in source.files]
    if "damaged" in found:
        return "damaged"
    return "present" if "absent" not in found else "partial" if "ok" in found else "absent"


def _size_state(file: SourceFile) -> Literal["ok", "damaged", "absent"]:
    """Of a file that may be too large to read for a list: by its size, as far as that is known."""
    path = file_path(file.path)
    if not path.exists():
        return "absent"
    return "ok" if file.size in (None, path.stat().st_size) else "damaged"


def is_current(part: Part) -> bool:
    """Whether the cache has this part, made from the files that are published now."""
    if not part.tables:
        return all(_check_file(file).status == "ok" for file in part.files)
    return all(_check_table(table).status == "ok" for table in part.tables)


def verify(names: Iterable[str] = ()) -> list[CheckResult]:
    """Compare what is in the cache with the recorded checksums, byte by byte; without names, all sources.

    Tables and files that are not there are reported for named sources only. Raises `UnknownNameError`.
    """
    chosen = [get_source(name) for name in names]
    tables = dict.fromkeys(table for source in chosen or SOURCES.values() for table in source.tables)
    files = [file for source in chosen or SOURCES.values() if not source.tables for file in source.files]
    results = [*map(_check_table, tables), *map(_check_file, files)]
    return [result for result in results if chosen or result.status != "absent"]


def _check_table(table: str) -> CheckResult:
    try:
        header = read_header(table)
        if header is None:
            return CheckResult(name=table, kind="table", status="absent", reason=f"run `{repair_command(table)}`")
        check_columns(header)
    except DataError as error:
        return CheckResult(name=table, kind="table", status="damaged", reason=str(error))
    parts = [part for name in TABLES[table] for part in SOURCES[name].parts if table in part.tables]
    if any(_made_from(header, part) for part in parts):
        return CheckResult(name=table, kind="table", status="ok")
    reason = f"made from files that are not the published ones; run `{repair_command(table)}`"
    return CheckResult(name=table, kind="table", status="damaged", reason=reason)


def _made_from(header: Header, part: Part) -> bool:
    """Whether the table remembers just these files, with their published checksums where they are pinned."""
    recorded = header.source.sha256
    return recorded.keys() == {file.path for file in part.files} and all(
        file.sha256 in (None, recorded[file.path]) for file in part.files
    )


def _check_file(file: SourceFile) -> CheckResult:
    path = file_path(file.path)
    try:
        checked(path.read_bytes(), file, got_from=str(path))
    except FileNotFoundError:
        return CheckResult(name=file.path, kind="file", status="absent")
    except (OSError, DataError) as error:
        return CheckResult(name=file.path, kind="file", status="damaged", reason=str(error))
    return CheckResult(name=file.path, kind="file", status="ok")
