"""What the answer of a job depends on beside its question: the version, tables, models and cards, by their contents.

A question about another world is another job; processes that have the same files agree.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final, get_args

from hwnas.devices.registry import user_cards
from hwnas.estimates import Target
from hwnas.folders import cache_folder
from hwnas.latency.kernels.store import canonical, found_path
from hwnas.service.store.jobs import canonical as one_text
from hwnas.spaces import get_space
from hwnas.spaces.fingerprint import fingerprint
from hwnas.version import __version__

_DIGITS: Final = 32
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]*")


def world_of_scores(space: str, *, tables: bool) -> str:
    """Of proxy scores: images, where they count the tables of scores of the space, and what a space of one's own is."""
    scores = _files("scores", f"{space}_*") if tables else ()
    return _world(*_files("tables"), *scores, own=fingerprint(get_space(space)))


def world_of_costs(devices: Sequence[str]) -> str:
    """Of costs on devices: measured tables, trained predictors, their cards, and their kernel models."""
    return _world(*_files("tables"), *_files("predictors"), *_of_devices(devices))


def world_of_kernels(device: str) -> str:
    """Of costs kernel by kernel."""
    return _world(*_of_devices([device]))


def world_of_searches(space: str, devices: Sequence[str]) -> str:
    """Of a search: all of the above."""
    scores = _files("scores", f"{space}_*")
    files = (*_files("tables"), *_files("predictors"), *scores, *_of_devices(devices))
    return _world(*files, own=fingerprint(get_space(space)))


def world_of_adapting() -> str:
    """Of what a device is adapted from beside its measurements."""
    return _world(*_files("tables"), *_files("predictors"))


def _world(*files: Path, own: str = "") -> str:
    contents = sorted((f"{path.parent.name}/{path.name}", _content_of(path)) for path in files)
    return hashlib.sha256(one_text([__version__, contents, *filter(None, [own])]).encode()).hexdigest()[:_DIGITS]


def _files(folder: str, names: str = "*") -> Iterator[Path]:
    """Files of a folder of the cache that are whole: others begin with a dot, and locks are none."""
    for path in (cache_folder() / folder).glob(names):
        if path.is_file() and not path.name.startswith(".") and path.suffix != ".lock":
            yield path


def _of_devices(devices: Sequence[str]) -> Iterator[Path]:
    """Cards that users added, with the names of their models, which are sums; and kernel models, a user's own first."""
    for name in sorted({canonical(device.partition("@")[0]) for device in devices}):
        if _NAME.fullmatch(name):
            yield user_cards() / f"{name}.toml"
            yield from (found_path(name, target) for target in get_args(Target))


def _content_of(path: Path) -> str:
    try:
        facts = path.stat()
        return _sum(path, facts.st_mtime_ns, facts.st_size)
    except OSError:  # not there, or gone by now
        return ""


@lru_cache(maxsize=1024)
def _sum(path: Path, _changed_ns: int, _size: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
