"""Numbers of the command line, refused in one line that says what was got."""

from __future__ import annotations

from collections.abc import Callable

from hwnas.errors import UsageError


def number(option: str) -> Callable[[str], float]:
    """A parser for the value of `option`. It raises `UsageError` for what is no number."""

    def parse(text: str) -> float:
        try:
            return float(text)
        except ValueError:
            raise UsageError(f"expected {option} to be a number, got {text!r}") from None

    return parse
