"""Tables of proxy scores: one row per distinct network of a space, with the recipe that made them. No torch here."""

from __future__ import annotations

import json
import os
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from hwnas.arrays import Array, Float, Integer
from hwnas.errors import DataError, UsageError

FORMAT_VERSION: Final = 1


@dataclass(frozen=True, kw_only=True, eq=False)
class ScoreTable:
    """Scores of networks.

    recipe: what makes the scores reproducible: space, data set, images, seed, versions.
    proxies: names of the columns. network_ids: ascending. scores: NaN where a network is not scored yet.
    """

    recipe: Mapping[str, Any]
    proxies: tuple[str, ...]
    network_ids: Integer[Array, " n"]
    scores: Float[Array, "n p"]

    def column(self, proxy: str, network_ids: Integer[Array, " m"]) -> Float[Array, " m"]:
        """Scores of `network_ids` by one proxy, float64; NaN for networks that the table does not have."""
        if proxy not in self.proxies:
            raise UsageError(f"expected one of the scored proxies {', '.join(self.proxies)}, got {proxy!r}")
        column = self.scores[:, self.proxies.index(proxy)].astype(np.float64)
        rows = np.searchsorted(self.network_ids, network_ids).clip(max=len(self.network_ids) - 1)
        return np.where(self.network_ids[rows] == network_ids, column[rows], np.nan)

    @property
    def missing(self) -> Integer[Array, " m"]:
        """Rows without a complete score."""
        return np.flatnonzero(np.isnan(self.scores).any(axis=1))

    def save(self, path: Path) -> None:
        """Write to a temporary name beside `path` and rename, so that a reader never sees half a table."""
        meta = {"format": FORMAT_VERSION, "recipe": dict(self.recipe), "proxies": list(self.proxies)}
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
        try:
            with os.fdopen(handle, "wb") as file:
                np.savez_compressed(
                    file,
                    meta=np.frombuffer(json.dumps(meta, sort_keys=True).encode(), dtype=np.uint8),
                    network_ids=self.network_ids,
                    scores=self.scores,
                )
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise


def load_scores(path: Path) -> ScoreTable:
    """Read a table. Raises `DataError` when the file is damaged or of another version."""
    try:
        with np.load(path, allow_pickle=False) as file:
            meta = json.loads(bytes(file["meta"]))
            network_ids, scores = file["network_ids"], file["scores"]
    except FileNotFoundError:
        raise DataError(f"expected a table of scores at {path}, got nothing; make it with `hwnas score`") from None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{path} is not a readable table of scores ({error}); delete it and score again") from error
    if meta.get("format") != FORMAT_VERSION:
        raise DataError(
            f"{path} has format {meta.get('format')}, expected {FORMAT_VERSION}; delete it and score again"
        )
    return ScoreTable(
        recipe=meta["recipe"], proxies=tuple(meta["proxies"]), network_ids=network_ids, scores=scores
    )


def empty_table(
    recipe: Mapping[str, Any], proxies: Sequence[str], network_ids: Integer[Array, " n"]
) -> ScoreTable:
    """A table of the distinct `network_ids` with nothing scored yet."""
    distinct = np.unique(network_ids)
    scores = np.full((len(distinct), len(proxies)), np.nan, dtype=np.float32)
    return ScoreTable(recipe=recipe, proxies=tuple(proxies), network_ids=distinct, scores=scores)
