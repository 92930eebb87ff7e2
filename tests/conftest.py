"""Fixtures that all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def mirror() -> Path:
    """Folder of the public data files: HWNAS_MIRROR, else `../shared/data` beside the checkout; skips without it."""
    folder = Path(os.environ.get("HWNAS_MIRROR") or Path(__file__).parents[2] / "shared" / "data")
    if not (folder / "MANIFEST.csv").is_file():
        pytest.skip(f"the public data files are not in {folder}; set HWNAS_MIRROR to the folder with MANIFEST.csv")
    return folder
