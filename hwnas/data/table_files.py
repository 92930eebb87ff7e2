"""The file of a table: an uncompressed npz of columns, with a JSON header that says what they are."""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import numpy as np

from hwnas.arrays import Array
from hwnas.data.folders import table_path
from hwnas.data.sources import repair_command
from hwnas.errors import DataError
from hwnas.folders import write_whole

FORMAT_VERSION: Final = 1
_HEADER: Final = "header.json"
# What the standard library and numpy raise on a file that is cut short, has changed bytes, or cannot be opened.
ARCHIVE_DAMAGE: Final = (
    *(zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError),
    *(ValueError, KeyError, TypeError, AttributeError, OverflowError, RuntimeError),
)


@dataclass(frozen=True, kw_only=True)
class TableSource:
    """Where a table comes from; sha256 of each published file that it was made from, by its path in a mirror."""

    title: str
    licence: str
    url: str
    sha256: Mapping[str, str]
    note: str = ""


@dataclass(frozen=True, kw_only=True, eq=False)
class Contents:
    """What a converter makes of published files: columns with one entry (or row) per architecture.

    units: unit of each measured column, "ms", "mJ", "%"; columns that are plain numbers or names have none.
    attributes: further facts as plain JSON values, such as how architectures are encoded.
    """

    columns: Mapping[str, Array]
    units: Mapping[str, str] = field(default_factory=dict)
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Header:
    """What is known of a table before a column is read; `columns` maps each name to the sha256 of its bytes."""

    name: str
    rows: int
    columns: Mapping[str, str]
    units: Mapping[str, str]
    attributes: Mapping[str, Any]
    source: TableSource


def make_header(name: str, source: TableSource, contents: Contents) -> Header:
    """The header of `contents`. Raises `DataError` for columns of unequal length."""
    lengths = {len(array) for array in contents.columns.values()}
    if len(lengths) != 1:
        raise DataError(f"table {name!r}: expected columns of one length, got lengths {sorted(lengths)}")
    return Header(
        name=name,
        rows=lengths.pop(),
        columns={column: sha256(_to_npy(array)).hexdigest() for column, array in contents.columns.items()},
        units=contents.units,
        attributes=contents.attributes,
        source=source,
    )


def write_table(name: str, source: TableSource, contents: Contents) -> Path:
    """Write the table into the cache, whole or not at all. Raises `DataError` where it cannot be written."""
    header = {"format_version": FORMAT_VERSION, **asdict(make_header(name, source, contents))}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(zipfile.ZipInfo(_HEADER), json.dumps(header))
        for column, array in contents.columns.items():
            archive.writestr(zipfile.ZipInfo(f"{column}.npy"), _to_npy(array))
    path = table_path(name)
    write_whole(path, buffer.getvalue())
    return path


def read_header(name: str) -> Header | None:
    """The header of a table; None where it is not in the cache.

    Raises `DataError` for a damaged file or another version.
    """
    try:
        fields: dict[str, Any] = json.loads(_read_member(name, _HEADER))
        version = fields.pop("format_version")
        if version != FORMAT_VERSION:
            raise _damaged(name, f"format version {version}, where this hwnas reads version {FORMAT_VERSION}")
        header = Header(**{**fields, "source": TableSource(**fields["source"])})
    except FileNotFoundError:
        return None
    except ARCHIVE_DAMAGE as error:
        raise _damaged(name, f"a file that cannot be read ({error})") from error
    if header.name != name:
        raise _damaged(name, f"table {header.name!r}")
    return header


def read_column(header: Header, column: str) -> Array:
    """One column, read-only. Raises `DataError` where its bytes were changed or cut short."""
    try:
        array = _from_npy(_read_member(header.name, f"{column}.npy"))
    except ARCHIVE_DAMAGE as error:
        raise _damaged(header.name, f"column {column!r} that cannot be read ({error})") from error
    if len(array) != header.rows:
        raise _damaged(header.name, f"column {column!r} with {len(array)} rows instead of {header.rows}")
    return array


def check_columns(header: Header) -> None:
    """Compare every column with the checksum in the header. Raises `DataError` at the first that differs."""
    for column, expected in header.columns.items():
        try:
            got = sha256(_read_member(header.name, f"{column}.npy")).hexdigest()
        except ARCHIVE_DAMAGE as error:
            raise _damaged(header.name, f"column {column!r} that cannot be read ({error})") from error
        if got != expected:
            raise _damaged(header.name, f"column {column!r} with sha256 {got[:12]}… instead of {expected[:12]}…")


def _read_member(name: str, member: str) -> bytes:
    with zipfile.ZipFile(table_path(name)) as archive:
        return archive.read(member)  # reading to the end checks the CRC


def _to_npy(array: Array) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.ascontiguousarray(array), version=(1, 0), allow_pickle=False)
    return buffer.getvalue()


def _from_npy(member: bytes) -> Array:
    """A read-only view of the member: no copy, and safe to share between callers."""
    buffer = io.BytesIO(member)
    if np.lib.format.read_magic(buffer) != (1, 0):
        raise ValueError("not a column of npy version 1.0")
    shape, fortran, dtype = np.lib.format.read_array_header_1_0(buffer)
    if dtype.hasobject or (fortran and len(shape) > 1):
        raise ValueError("not a plain column")
    return np.frombuffer(member, dtype, offset=buffer.tell()).reshape(shape)


def _damaged(name: str, got: str) -> DataError:
    return DataError(f"table {name!r} in {table_path(name)}: got {got}; run `{repair_command(name)}` to make it again")
