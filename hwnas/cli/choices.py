"""Words of the command line that must be one of a few."""

from __future__ import annotations

from typing import cast, get_args

from hwnas.errors import UnknownNameError
from hwnas.estimates import Target
from hwnas.latency.tables import CostSource


def as_target(word: str | None) -> Target | None:
    """ "latency" or "energy", or None. Raises `UnknownNameError`."""
    return None if word is None else cast(Target, _one_of("target", word, get_args(Target)))


def as_source(word: str) -> CostSource:
    """ "auto", "measured" or "predicted". Raises `UnknownNameError`."""
    return cast(CostSource, _one_of("source of costs", word, get_args(CostSource)))


def _one_of(what: str, word: str, known: tuple[str, ...]) -> str:
    if word not in known:
        raise UnknownNameError(what, word, known)
    return word
