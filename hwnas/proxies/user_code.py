"""Errors of code that is not ours: what happened, and on which line of it."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Final

from hwnas.errors import HwnasError

_OUR_FOLDER: Final = Path(__file__).parents[1]


def told(error: BaseException) -> str:
    """One line: an error of this package says all itself; any other its type, message and the user's line."""
    if isinstance(error, HwnasError):
        return str(error)
    message = " ".join(str(error).split())
    where = _users_line(error)
    return f"{type(error).__name__}{f': {message}' if message else ''}{f' ({where})' if where else ''}"


def _users_line(error: BaseException) -> str:
    """File, number and text of the innermost line that belongs to no library."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}"
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        path = Path(frame.filename)
        library = "site-packages" in path.parts or "dist-packages" in path.parts or frame.filename.startswith("<")
        if not library and not path.is_relative_to(_OUR_FOLDER) and "importlib" not in path.parts:
            return f"{frame.filename}:{frame.lineno}: {frame.line}"
    return ""
