"""Folders of the user: where downloads and results are kept, and where the user's own devices are."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """`HWNAS_DATA`, else the platform's cache folder for hwnas. It need not exist yet."""
    wanted = os.environ.get("HWNAS_DATA")
    if wanted:
        return Path(wanted).expanduser()
    from platformdirs import user_cache_path

    return user_cache_path("hwnas", appauthor=False)


def config_folder() -> Path:
    """`HWNAS_HOME`, else the platform's configuration folder for hwnas. It need not exist yet."""
    wanted = os.environ.get("HWNAS_HOME")
    if wanted:
        return Path(wanted).expanduser()
    from platformdirs import user_config_path

    return user_config_path("hwnas", appauthor=False)
