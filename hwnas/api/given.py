"""Architectures and names as people write them in Python, in the one form that the rest reads."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from typing import Any, SupportsIndex

from hwnas.errors import UsageError

Architecture = str | SupportsIndex | tuple[SupportsIndex, ...]


def architecture_strings(architectures: Any) -> list[str]:
    """Strings that a space parses, of a list of strings, indices and tuples of codes. Raises `UsageError`.

    One architecture alone is no list: a string would be read character by character, a tuple code by code.
    """
    given = list(architectures) if isinstance(architectures, Iterable) else None
    alone = isinstance(architectures, tuple) and all(isinstance(item, SupportsIndex) for item in architectures)
    if given is None or isinstance(architectures, str) or (alone and given):
        one = repr(architectures)
        raise UsageError(f"expected a list of architectures, got {one}; write [{one}] for one")
    return [_string(item) for item in given]


def names_of(what: str, value: Any) -> tuple[str, ...]:
    """Names given as a list, or as one name alone; `what` is their option. Raises `UsageError` for anything else."""
    names = (value,) if isinstance(value, str) or not isinstance(value, Iterable) else tuple(value)
    for word in names:
        if not isinstance(word, str):
            name = getattr(word, "name", None)
            if name is None:
                raise UsageError(f"expected {what} to be names, got {value!r}")
            raise UsageError(
                f"expected {what} to be names, got the {type(word).__name__} {name!r} itself; give its name {name!r}, "
                "one of your own after hwnas.proxies.register(it)"
            )
    return names


def _string(item: Any) -> str:
    if isinstance(item, str):
        return item
    try:
        codes = tuple(map(operator.index, item)) if isinstance(item, tuple) else operator.index(item)
    except TypeError:
        raise UsageError(
            "expected architectures as strings, indices or tuples of codes, "
            f"got a {type(item).__name__}: {item!r}; `strings` of the space writes vectors so"
        ) from None
    return str(codes)
