"""Train the meta-learned latency model of new devices, which `hwnas adapt --method meta` uses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from hwnas.latency.meta import train_meta as learn
from hwnas.spaces import get_space


def train_meta(
    *,
    space: str = "nasbench201",
    out: Path | None = None,
    seed: int = 0,
    progress: Callable[[str, int, int], None] = lambda _what, _done, _total: None,
) -> Path:
    """Meta-learn from all known devices of a space; the file of weights, `<space>_meta.safetensors`.

    out: by default the cache, where it is looked for first. About seven minutes of one core; an interrupted training
    goes on where it was. Raises `MissingExtraError` without torch, `DataError` where nothing is known of the space.
    """
    return learn(get_space(space), out=out, seed=seed, progress=progress)
