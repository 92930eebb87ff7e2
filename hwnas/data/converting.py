"""Published files in, tables in the cache out."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from hwnas.data.checksums import digest
from hwnas.data.folders import file_path
from hwnas.data.sources import Part, Source, SourceFile
from hwnas.data.table_files import TableSource, write_table
from hwnas.folders import write_whole

Read = Callable[[SourceFile], bytes]


def convert(source: Source, part: Part, read: Read) -> tuple[str, ...]:
    """Write the tables of one part; `read` gives the checked bytes of a file. Returns the names of the tables.

    Raises `DataError` where a file is not of the published form or the cache cannot be written.
    """
    from hwnas.data.converters import CONVERTERS

    files = {file.path: read(file) for file in part.files}
    for table, contents in CONVERTERS[source.name](files, part.tables):
        write_table(table, table_source(source, files), contents)
    return part.tables


def keep(part: Part, read: Read) -> None:
    """Put the files of a part into the cache as they are. Raises `DataError` where it cannot be written."""
    for file in part.files:
        content, target = read(file), file_path(file.path)
        if not (target.exists() and target.read_bytes() == content):  # a download is there already
            write_whole(target, content)


def table_source(source: Source, files: Mapping[str, bytes]) -> TableSource:
    """What a table made of these files remembers of them."""
    return TableSource(
        title=source.title,
        licence=source.licence,
        url=source.url,
        sha256={path: digest(content) for path, content in files.items()},
        note=source.note,
    )
