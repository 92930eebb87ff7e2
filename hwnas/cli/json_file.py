"""The answer of a command as a JSON file beside what it prints."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hwnas.errors import UsageError
from hwnas.folders import write_whole


def check_json_path(out: Path | None) -> None:
    """Refuse, before any work, a file that does not end in .json or has no folder. Raises `UsageError`."""
    if out is None:
        return
    if out.suffix.lower() != ".json":
        raise UsageError(f"expected a file that ends in .json, got {str(out)!r}")
    if not out.parent.is_dir():
        raise UsageError(f"expected a folder to write {out} in, got {out.parent}, which is none; make it first")


def write_json_file(out: Path | None, answer: dict[str, Any]) -> None:
    """Write the answer, whole or not at all; nothing for None."""
    if out is not None:
        write_whole(out, (json.dumps(answer, indent=2, allow_nan=False, ensure_ascii=False) + "\n").encode())
