"""`import`: files that the user has already, recognised by their contents."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hwnas.data.checksums import checked, digest
from hwnas.data.converting import convert
from hwnas.data.folders import file_path
from hwnas.data.pulling import remove_files
from hwnas.data.sources import SOURCES, Part, Source, SourceFile, get_source
from hwnas.errors import DataError, UsageError
from hwnas.folders import write_whole


@dataclass(frozen=True, kw_only=True)
class ImportResult:
    """What became of an imported file: tables that were made, or files of its source that are still missing."""

    path: str
    source: str
    tables: tuple[str, ...]
    missing: tuple[str, ...]


def import_file(path: Path, *, as_name: str | None = None) -> ImportResult:
    """Take a published file into the cache and make tables of it as soon as its source is complete.

    The file is recognised by its sha256, or, where none is pinned, by its name or by the source `as_name`.
    Raises `UsageError` for a file that cannot be opened or is not known, `UnknownNameError` for `as_name`, and
    `DataError` where the file is not of the published form or the cache cannot be written.
    """
    try:
        content = path.expanduser().read_bytes()
    except OSError as error:
        raise UsageError(f"expected a file to import, got {path}: {error.strerror}") from error
    source, part, file = _recognise(path, content, as_name)
    if len(part.files) == 1 and part.tables:
        tables = convert(source, part, lambda _: content)
        return ImportResult(path=file.path, source=source.name, tables=tables, missing=())
    write_whole(file_path(file.path), content)
    missing = tuple(other.path for other in part.files if not file_path(other.path).exists())
    if missing or not part.tables:
        return ImportResult(path=file.path, source=source.name, tables=(), missing=missing)
    tables = convert(source, part, _read_imported)
    remove_files(part)
    return ImportResult(path=file.path, source=source.name, tables=tables, missing=())


def _recognise(path: Path, content: bytes, as_name: str | None) -> tuple[Source, Part, SourceFile]:
    known = digest(content)
    sources = [get_source(as_name)] if as_name else list(SOURCES.values())
    entries = [(source, part, file) for source in sources for part in source.parts for file in part.files]
    for entry in entries:
        if entry[2].sha256 == known:
            return entry
    for entry in entries:
        if entry[2].sha256 is None and (as_name or Path(entry[2].path).name == path.name):
            return entry
    if as_name:
        raise DataError(
            f"{path}: expected a published file of {as_name!r}, got {len(content)} bytes with sha256 {known[:12]}…, "
            "which is none of them; `hwnas data list --json` names their addresses and checksums"
        )
    raise UsageError(
        f"{path}: expected a published file, got {len(content)} bytes with sha256 {known[:12]}…, which no source has; "
        "for HW-NAS-Bench's own pickle under another name add `--as hw-nas-bench-pickle`"
    )


def _read_imported(file: SourceFile) -> bytes:
    path = file_path(file.path)
    try:
        return checked(path.read_bytes(), file, got_from=str(path))
    except OSError as error:
        raise DataError(f"expected to read {path}, got: {error.strerror}; import the file again") from error
