"""Where tables and downloaded files lie in the cache."""

from __future__ import annotations

from pathlib import Path

from hwnas.folders import cache_folder


def table_path(name: str) -> Path:
    """Where the converted table `name` lies once it is pulled or imported."""
    return cache_folder() / "tables" / f"{name}.npz"


def file_path(path: str) -> Path:
    """Where a published file lies, by its path in the layout of a mirror."""
    return cache_folder() / "files" / path
