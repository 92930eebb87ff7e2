"""Worker processes that live on between the generations of a search, and need not import torch for each. No torch."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final, final


@final
@dataclass
class _Place:
    """Where a block of `keep_pool` keeps a pool, by what it was started for."""

    kept: tuple[str, ProcessPoolExecutor] | None = None

    def end(self) -> None:
        if self.kept is not None:
            (_, pool), self.kept = self.kept, None
            pool.shutdown(wait=True, cancel_futures=True)


_PLACE: Final[ContextVar[_Place | None]] = ContextVar("hwnas_kept_pool", default=None)  # each thread has its own


@contextmanager
def keep_pool() -> Iterator[None]:
    """Within the block, processes that are done wait for the next tasks of the same function and state.

    Those of the latest alone: others end when it starts, and all when the block does.
    """
    place = _Place()
    token = _PLACE.set(place)
    try:
        yield
    finally:
        _PLACE.reset(token)
        place.end()


def pool_for(key: object, start: Callable[[], ProcessPoolExecutor]) -> tuple[str, ProcessPoolExecutor]:
    """What to give the pool back by, and the pool: the one that waits, if it was started for an equal `key`, or new."""
    digest, place = hashlib.sha256(pickle.dumps(key)).hexdigest(), _PLACE.get()
    if place is not None:
        if place.kept is not None and place.kept[0] == digest:
            (_, pool), place.kept = place.kept, None
            return digest, pool
        place.end()
    return digest, start()


def give_back(digest: str, pool: ProcessPoolExecutor, *, usable: bool) -> None:
    """Keep the pool where a block of `keep_pool` is entered and it is `usable`; else end it."""
    place = _PLACE.get()
    if usable and place is not None and place.kept is None:
        place.kept = digest, pool
    else:
        pool.shutdown(wait=True, cancel_futures=True)
