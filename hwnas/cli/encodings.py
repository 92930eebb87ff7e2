"""Output to terminals and files whose encoding is not UTF-8: older Windows, `PYTHONIOENCODING`, bare locales."""

from __future__ import annotations

import codecs
import io
import sys
from typing import Final

ERRORS: Final = "hwnas-plain"
_PLAIN: Final = dict(zip("→…×≤≥−–±µ·", ("->", "...", "x", "<=", ">=", "-", "-", "+-", "u", "*"), strict=True))


def print_in_any_encoding() -> None:
    """Have both streams write what their encoding lacks in plain signs, else as `\\u2192`, where they would raise."""
    codecs.register_error(ERRORS, _plain)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors=ERRORS)


def is_unicode(encoding: str | None) -> bool:
    """Whether an encoding has every sign; None, of a stream that has no encoding, does."""
    return encoding is None or codecs.lookup(encoding).name.startswith("utf-")


def _plain(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    signs = error.object[error.start : error.end]
    # What has no plain sign either is ASCII after this: the handler is not asked again.
    return "".join(_PLAIN.get(sign, sign).encode("ascii", "backslashreplace").decode() for sign in signs), error.end
