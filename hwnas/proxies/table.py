"""Tables of proxy scores: one row per distinct network of a space, with the recipe that made them. No torch here."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from hwnas.arrays import Array, Bool, Float, Integer
from hwnas.data.table_files import ARCHIVE_DAMAGE
from hwnas.errors import DataError, UsageError
from hwnas.folders import cache_folder, write_whole
from hwnas.spaces import get_space
from hwnas.spaces.fingerprint import fingerprint

FORMAT_VERSION: Final = 1
SHIPPED_FOLDER: Final = Path(__file__).parents[1] / "data" / "shipped"


@dataclass(frozen=True, kw_only=True, eq=False)
class ScoreTable:
    """Scores of networks.

    recipe: what makes the scores reproducible: space, data set, images, seed.
    proxies: names of the columns. network_ids: ascending. scores: NaN where a network is not scored yet, or where its
    score is undefined. undefined: which of the NaN were computed and are final.
    """

    recipe: Mapping[str, Any]
    proxies: tuple[str, ...]
    network_ids: Integer[Array, " n"]
    scores: Float[Array, "n p"]
    undefined: Bool[Array, "n p"]

    def column(self, proxy: str, network_ids: Integer[Array, " m"]) -> Float[Array, " m"]:
        """Scores of `network_ids` by one proxy, float64; NaN for networks that the table does not have.

        Isomorphic networks share their score: it is enough that the table has one of them.
        """
        rows = self._rows(network_ids)
        column = np.append(self.scores[:, self._place(proxy)].astype(np.float64), np.nan)
        return np.asarray(column[rows])

    def scored(self, proxy: str, network_ids: Integer[Array, " m"]) -> Bool[Array, " m"]:
        """Which of `network_ids` the proxy was computed for, undefined scores among them."""
        rows = self._rows(network_ids)
        return np.asarray(np.append(~self.unscored[:, self._place(proxy)], False)[rows])

    def _place(self, proxy: str) -> int:
        if proxy not in self.proxies:
            raise UsageError(f"expected one of the scored proxies {', '.join(self.proxies)}, got {proxy!r}")
        return self.proxies.index(proxy)

    def _rows(self, network_ids: Integer[Array, " m"]) -> Integer[Array, " m"]:
        """Row of each network, the number of rows where the table does not have it."""
        if not len(self.network_ids):
            return np.zeros(len(network_ids), dtype=np.int64)
        space = get_space(self.recipe["space"])
        mine, rows = np.unique(space.canonical_id(self.network_ids), return_index=True)
        wanted = space.canonical_id(network_ids)
        places = np.searchsorted(mine, wanted).clip(max=len(mine) - 1)
        return np.where(mine[places] == wanted, rows[places], len(self.network_ids))

    @property
    def unscored(self) -> Bool[Array, "n p"]:
        """Which cells are still to be computed."""
        return np.asarray(np.isnan(self.scores) & ~self.undefined)

    def complete(self, proxy: str) -> bool:
        """Whether the proxy was computed for every network of the table; some scores may be undefined."""
        return proxy in self.proxies and not self.unscored[:, self.proxies.index(proxy)].any()

    @property
    def missing(self) -> Integer[Array, " m"]:
        """Rows that are not computed in full."""
        return np.flatnonzero(self.unscored.any(axis=1))

    def enter(self, rows: Integer[Array, " r"], columns: Sequence[int], scores: Float[Array, " c"]) -> None:
        """Set what was computed for networks that are the same; NaN is undefined."""
        cells = np.ix_(rows, np.asarray(columns))
        self.scores[cells], self.undefined[cells] = scores, np.isnan(scores)

    def save(self, path: Path) -> None:
        """Write beside `path` and rename, so that a reader never sees half a table. Raises `DataError`."""
        meta = {"format": FORMAT_VERSION, "recipe": dict(self.recipe), "proxies": list(self.proxies)}
        arrays: dict[str, Any] = {
            "meta": np.frombuffer(json.dumps(meta, sort_keys=True).encode(), dtype=np.uint8),
            "network_ids": self.network_ids,
            "scores": self.scores,
        }
        if self.undefined.any():
            arrays["undefined"] = self.undefined
        file = io.BytesIO()
        np.savez_compressed(file, **arrays)
        write_whole(path, file.getvalue())


def load_scores(path: Path) -> ScoreTable:
    """Read a table. Raises `DataError` when the file is damaged or of another version."""
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
            meta = json.loads(bytes(file["meta"]))
            network_ids, scores = file["network_ids"], file["scores"]
            undefined = file["undefined"] if "undefined" in file else np.zeros(scores.shape, dtype=np.bool_)
        version, recipe, proxies = meta["format"], meta["recipe"], tuple(meta["proxies"])
    except FileNotFoundError:
        raise DataError(
            f"expected a table of scores at {path}, got nothing; make it with `hwnas score --all`"
        ) from None
    except (*ARCHIVE_DAMAGE, IndexError) as error:
        raise DataError(f"{path} is not a readable table of scores ({error}); delete it and score again") from error
    if version != FORMAT_VERSION:
        raise DataError(f"{path} has format {version}, expected {FORMAT_VERSION}; delete it and score again")
    shape = (len(network_ids), len(proxies))
    if scores.shape != shape or undefined.shape != shape or (np.diff(network_ids) <= 0).any():
        raise DataError(
            f"{path} has scores of shape {scores.shape}, expected {len(network_ids)} ascending networks "
            f"by {len(proxies)} proxies; delete it and score again"
        )
    return ScoreTable(recipe=recipe, proxies=proxies, network_ids=network_ids, scores=scores, undefined=undefined)


def empty_table(recipe: Mapping[str, Any], proxies: Sequence[str], network_ids: Integer[Array, " n"]) -> ScoreTable:
    """A table of the distinct `network_ids` with nothing scored yet."""
    distinct = np.unique(network_ids)
    scores = np.full((len(distinct), len(proxies)), np.nan, dtype=np.float32)
    undefined = np.zeros(scores.shape, dtype=np.bool_)
    return ScoreTable(recipe=recipe, proxies=tuple(proxies), network_ids=distinct, scores=scores, undefined=undefined)


def scores_path(space: str, dataset: str) -> Path:
    """Where `hwnas score --all` keeps the scores of a space in the cache; one of your own, once edited, elsewhere."""
    own = fingerprint(get_space(space))
    return cache_folder() / "scores" / f"{space}_{dataset}{own and f'_{own}'}.npz"


def tables_of(space: str, dataset: str) -> list[ScoreTable]:
    """Every table of a space on a data set, complete or not: from the cache, then shipped. Raises `DataError`."""
    shipped = (SHIPPED_FOLDER / f"{space}_{dataset}_{kind}.npz" for kind in ("scores", "sample_scores"))
    return [load_scores(path) for path in (scores_path(space, dataset), *shipped) if path.is_file()]


def find_scores(space: str, dataset: str | None = None, *, proxies: Sequence[str] = ()) -> ScoreTable | None:
    """The table of a whole space on a data set in which all of `proxies` are complete; None where there is none.

    One from the cache comes before the shipped one. Where the data set has none, that of the space's default data set
    stands in: `recipe["dataset"]` says which it is. Without `proxies`, one complete column is enough. Raises
    `DataError` for a damaged file and `UnknownNameError`.
    """
    found = get_space(space)
    if not found.enumerable:
        return None
    networks = len(np.unique(found.network_id(found.all_vectors())))
    for name in dict.fromkeys((found.dataset(dataset), found.datasets[0])):
        for path in (scores_path(found.name, name), SHIPPED_FOLDER / f"{found.name}_{name}_scores.npz"):
            if not path.is_file():
                continue
            table = load_scores(path)
            wanted = proxies or [name for name in table.proxies if table.complete(name)]
            if wanted and len(table.network_ids) == networks and all(map(table.complete, wanted)):
                return table
    return None
