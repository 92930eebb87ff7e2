"""Files of an installed package as a source: found through its metadata, never imported."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Final

from hwnas.data.checksums import checked
from hwnas.data.converting import table_source
from hwnas.data.sources import SOURCES, SourceFile
from hwnas.data.table_files import write_table
from hwnas.data.tables import Table, open_table, table_in_memory
from hwnas.errors import DataError, MissingExtraError

ANALOG_NASBENCH: Final = "analog-nasbench"


def truth_from_package() -> Table | None:
    """CIFAR-10 accuracies of analog-nasbench: the converted table, else made now where the package is installed.

    Making it takes a third of a second, once; where the cache cannot be written, every time.
    None where neither is there. Raises `DataError` where the package holds another file than the published one.
    """
    try:
        table = open_table(ANALOG_NASBENCH)
    except DataError:
        if find_package_file() is None:
            raise
        table = None  # damaged, but the package can make it again
    if table is not None or find_package_file() is None:
        return table
    return _make_table()


def _make_table() -> Table:
    from hwnas.data.converters import CONVERTERS

    source = SOURCES[ANALOG_NASBENCH]
    (part,) = source.parts
    files = {file.path: read_package_file(file) for file in part.files}
    ((name, contents),) = CONVERTERS[ANALOG_NASBENCH](files, part.tables)
    made_from = table_source(source, files)
    with suppress(DataError):  # a cache that cannot be written costs time, not the answer
        write_table(name, made_from, contents)
    return table_in_memory(name, made_from, contents)


def find_package_file() -> Path | None:
    """Where the installed package keeps its data; None where it is not installed."""
    from importlib.metadata import PackageNotFoundError, files

    try:
        entries = files(ANALOG_NASBENCH) or []
    except PackageNotFoundError:
        return None
    paths = (Path(str(entry.locate())) for entry in entries if entry.parts == ("analognasbench", "data.anb"))
    return next(paths, None)


def read_package_file(file: SourceFile) -> bytes:
    """Its checked bytes. Raises `MissingExtraError` without the package, `DataError` for another version of it."""
    path = find_package_file()
    if path is None:
        raise MissingExtraError(f"data source {ANALOG_NASBENCH!r}", "truth")
    try:
        return checked(path.read_bytes(), file, got_from=f"package {ANALOG_NASBENCH} (needed: version 0.1.3)")
    except OSError as error:
        raise DataError(f"expected the data of package {ANALOG_NASBENCH} in {path}, got: {error.strerror}") from error
