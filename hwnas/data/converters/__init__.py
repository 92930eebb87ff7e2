"""From published files to tables: one file per publication, one line in `CONVERTERS`; see hwnas/data/README.md."""

from hwnas.data.converters.registry import CONVERTERS

__all__ = ["CONVERTERS"]
