"""What scoring takes and gives: its settings, scores of single networks, and a saved table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from hwnas.api.score_texts import networks_lines, networks_sheet
from hwnas.arrays import Array, Float
from hwnas.errors import UsageError
from hwnas.proxies.combinations import Scorer, get_scorer
from hwnas.proxies.table import ScoreTable
from hwnas.render import html_of, text_of
from hwnas.results import SCHEMA_VERSION
from hwnas.version import __version__

USUAL_IMAGES: Final = 64  # that the tables in the cache are made on
Kind = Literal["counted", "table", "computed", "ranked"]


@dataclass(frozen=True, kw_only=True)
class ScoreSettings:
    """On what proxies are computed, and with what.

    images: a .npz file with `x` (n, channels, height, width) and `y` (n,); None: the data set's table of images where
    it is in the cache, else noise. batch_size: the first so many of them; None: 64, or as many as there are.
    seed: of initial weights and random inputs. device: "cpu", "cuda", or "auto" for CUDA where there is one.
    executor: what spreads a space over workers, "process" on this machine or "ray" over a cluster.
    workers: how many share it; None: one per core on the CPU, one with CUDA, with Ray as many as the cluster holds.
    limit: score a random sample of so many distinct networks (by the seed) instead of the whole space, of those whose
    true accuracy is known where some are.
    side: height and width of the images where they are noise; None: those of the data set.
    compute: whether scores that no table has are computed; else they raise `AbsentError`.
    """

    images: Path | None = None
    batch_size: int | None = None
    seed: int = 0
    device: str = "auto"
    executor: str = "process"
    workers: int | None = None
    limit: int | None = None
    side: int | None = None
    compute: bool = True

    @property
    def usual_images(self) -> bool:
        """Whether the images are those that tables in the cache are made on."""
        return self.images is None and self.side is None and self.most_images == USUAL_IMAGES

    @property
    def most_images(self) -> int:
        """How many images are taken, where there are so many."""
        return USUAL_IMAGES if self.batch_size is None else self.batch_size

    def __post_init__(self) -> None:
        """Check ranges; raise `UsageError`."""
        for name, least in (("batch_size", 1), ("seed", 0), ("workers", 1), ("limit", 1), ("side", 1)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise UsageError(f"expected {name} of at least {least}, got {value}")
        if self.side is not None and self.images is not None:
            raise UsageError("expected images or a size of noise, got both; leave one out")
        if self.device not in ("auto", "cpu", "cuda"):
            raise UsageError(f"expected device 'auto', 'cpu' or 'cuda', got {self.device!r}")


_REASONS: Final = {np.inf: "too large for a floating point number", -np.inf: "minus infinity"}


def reason_not_finite(proxy: Scorer, score: float) -> str:
    """Why a score is no finite number; empty where it is one."""
    if np.isnan(score):
        return "undefined (NaN)"
    if np.isposinf(score):
        return _REASONS[np.inf]
    if np.isneginf(score):
        return f"{_REASONS[-np.inf]}: {proxy.minus_infinity or 'below every finite score'}"
    return ""


@dataclass(frozen=True, kw_only=True, eq=False)
class ScoreColumn:
    """Scores of n architectures by one proxy or combination, higher is better; infinite or NaN where they are that.

    kind: "counted" from the architecture as written, read from a "table", "computed" now, or "ranked" by a combination
    among the networks of the space.
    dataset: the data set they are of, another one than asked for where its table stands in.
    """

    proxy: Scorer
    scores: Float[Array, " n"]
    kind: Kind
    dataset: str
    source: str


@dataclass(frozen=True, kw_only=True, eq=False)
class ScoreResult:
    """Scores of n architectures.

    index: number in the space, None where it cannot be enumerated. network_id: equal for equal networks.
    notes: which of the usual proxies were left out, and why.
    """

    space: str
    dataset: str
    seed: int
    architectures: tuple[str, ...]
    index: tuple[int | None, ...]
    network_id: tuple[int, ...]
    columns: tuple[ScoreColumn, ...]
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        """What the command prints."""
        return text_of(networks_sheet(self), networks_lines(self))

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        """The same as a table, for notebooks."""
        return html_of([networks_sheet(self)], networks_lines(self), name="score")

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; a score that JSON cannot hold is None, with its reason beside it."""
        return {
            "schema_version": SCHEMA_VERSION,
            "hwnas_version": __version__,
            "space": self.space,
            "dataset": self.dataset,
            "seed": self.seed,
            "proxies": [
                {
                    "id": column.proxy.name,
                    "direction": "max",
                    "unit": column.proxy.unit,
                    "kind": column.kind,
                    "dataset": column.dataset,
                    "source": column.source,
                }
                for column in self.columns
            ],
            "nets": [self._net(row) for row in range(len(self.architectures))],
            "notes": list(self.notes),
        }

    def _net(self, row: int) -> dict[str, Any]:
        values = {column.proxy.name: float(column.scores[row]) for column in self.columns}
        reasons = {column.proxy.name: reason_not_finite(column.proxy, column.scores[row]) for column in self.columns}
        return {
            "arch": self.architectures[row],
            "index": self.index[row],
            "network_id": self.network_id[row],
            "scores": {name: None if reasons[name] else value for name, value in values.items()},
            "reasons": {name: reason for name, reason in reasons.items() if reason},
        }


@dataclass(frozen=True, kw_only=True, eq=False)
class SavedTable:
    """A table of scores and where it was written. notes: which of the usual proxies were left out, and why."""

    path: Path
    table: ScoreTable
    notes: tuple[str, ...] = ()

    @property
    def undefined(self) -> dict[str, int]:
        """Number of networks whose score is undefined, for each proxy that has any."""
        counts = self.table.undefined.sum(axis=0).tolist()
        return {proxy: count for proxy, count in zip(self.table.proxies, counts, strict=True) if count}

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "schema_version": SCHEMA_VERSION,
            "hwnas_version": __version__,
            "path": str(self.path),
            "networks": len(self.table.network_ids),
            "missing": len(self.table.missing),
            "undefined": self.undefined,
            "proxies": list(self.table.proxies),
            "recipe": dict(self.table.recipe),
            "notes": list(self.notes),
        }


def score_result(plain: Mapping[str, Any]) -> ScoreResult:
    """The result that `ScoreResult.to_dict` wrote."""
    nets = plain["nets"]
    return ScoreResult(
        space=plain["space"],
        dataset=plain["dataset"],
        seed=plain["seed"],
        architectures=tuple(net["arch"] for net in nets),
        index=tuple(net["index"] for net in nets),
        network_id=tuple(net["network_id"] for net in nets),
        columns=tuple(
            ScoreColumn(
                proxy=get_scorer(column["id"]),
                scores=np.array([_score_of(net, column["id"]) for net in nets]),
                kind=column["kind"],
                dataset=column["dataset"],
                source=column["source"],
            )
            for column in plain["proxies"]
        ),
        notes=tuple(plain.get("notes", ())),
    )


def saved_table(plain: Mapping[str, Any], *, path: Path) -> SavedTable:
    """Write the table of a service's answer to a file. Raises `DataError` where it cannot be written."""
    names, nets = plain["proxies"], plain["nets"]
    scores = np.array([[_score_of(net, name) for name in names] for net in nets]).reshape(len(nets), len(names))
    table = ScoreTable(
        recipe=plain["recipe"],
        proxies=tuple(names),
        network_ids=np.array([net["network_id"] for net in nets], dtype=np.int64),
        scores=scores.astype(np.float32),
        undefined=np.isnan(scores),
    )
    table.save(path)
    return SavedTable(path=path, table=table)


def _score_of(net: Mapping[str, Any], name: str) -> float:
    """The score, or what its reason says it is."""
    if net["scores"][name] is not None:
        return float(net["scores"][name])
    reason = net["reasons"][name]
    return next((value for value in (np.inf, -np.inf) if reason.startswith(_REASONS[value])), np.nan)
