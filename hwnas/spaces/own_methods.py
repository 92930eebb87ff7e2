"""Methods of spaces that are not hwnas's own: indices are read for them, and their errors are told with their line."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from hwnas.errors import HwnasError, UsageError
from hwnas.user_code import told

if TYPE_CHECKING:
    from hwnas.spaces.space import Space

_INDEX: Final = re.compile(r"-?\d+")
_TUPLE: Final = re.compile(r"\(\s*\d+(\s*,\s*\d+)*\s*,?\s*\)")
_BUILDING: Final = ("graph", "module")


def is_own(made: type) -> bool:
    """Whether a class of spaces belongs to somebody else than hwnas."""
    return made.__module__.partition(".")[0] != "hwnas"


def supported(made: type) -> None:
    """Wrap what a class itself defines: `parse` reads indices and tuples too, `graph` and `module` tell their line."""
    own = vars(made)
    if callable(own.get("parse")):
        made.parse = _reading_indices(own["parse"])  # type: ignore[attr-defined]
    for name in _BUILDING:
        if callable(own.get(name)):
            setattr(made, name, _telling_the_line(own[name]))


def _reading_indices(parse: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(parse)
    def read(self: Space, strings: Sequence[str]) -> Any:
        try:
            return parse(self, strings)
        except Exception:  # whatever a space raises for what is no string of its own
            written = [_written(self, text) for text in strings]
            if written == list(strings):
                raise
        return parse(self, written)

    return read


def _written(space: Space, text: str) -> str:
    """An index or a tuple of codes as the string of its architecture; anything else as it is. Raises `UsageError`."""
    if _INDEX.fullmatch(text) and space.enumerable:
        return space.strings(space.vector(np.array([int(text)])))[0]
    if _TUPLE.fullmatch(text):
        vectors = np.array([[int(code) for code in re.findall(r"\d+", text)]])
        space.check(vectors)
        return space.strings(vectors)[0]
    return text


def _telling_the_line(build: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(build)
    def built(self: Space, *given: Any, **options: Any) -> Any:
        try:
            return build(self, *given, **options)
        except HwnasError:
            raise
        except Exception as error:
            what = f"`{build.__name__}` of space {self.name!r}"
            raise UsageError(f"expected {what} to build a network, got {told(error)}; mend it there") from error

    return built
