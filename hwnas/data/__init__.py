"""Public tables in one cache folder: what there is, how it comes here, and how it is read. See README.md."""

from hwnas.data.checking import CheckResult, SourceStatus, list_sources, verify
from hwnas.data.folders import table_path
from hwnas.data.importing import ImportResult, import_file
from hwnas.data.packages import truth_from_package
from hwnas.data.pulling import Progress, PullResult, pull
from hwnas.data.sources import SOURCES, TABLES, Source
from hwnas.data.table_files import TableSource
from hwnas.data.tables import Table, open_table
from hwnas.folders import cache_folder

__all__ = [
    "SOURCES",
    "TABLES",
    "CheckResult",
    "ImportResult",
    "Progress",
    "PullResult",
    "Source",
    "SourceStatus",
    "Table",
    "TableSource",
    "cache_folder",
    "import_file",
    "list_sources",
    "open_table",
    "pull",
    "table_path",
    "truth_from_package",
    "verify",
]
