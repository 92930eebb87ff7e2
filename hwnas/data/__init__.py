"""Public tables in one cache folder: what there is, how it comes here, and how it is read. See README.md."""

from hwnas.data.folders import cache_folder, table_path
from hwnas.data.sources import SOURCES, TABLES
from hwnas.data.table_files import TableSource
from hwnas.data.tables import Table, open_table

__all__ = [
    "SOURCES",
    "TABLES",
    "Table",
    "TableSource",
    "cache_folder",
    "open_table",
    "table_path",
]
