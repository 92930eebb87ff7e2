"""Shipped out-of-fold predictions: the writer and the reader of two files, side by side. NumPy only, no torch.

`<space>_costs.npz`: arrays over all architectures and heads, in index order. `<space>_costs.json`: what each head is,
and the card of the model. A head is one device, data set and target, such as `jetson-tx2/cifar10/energy`.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, final

import numpy as np

from hwnas.arrays import Array, Float, Integer
from hwnas.data.table_files import ARCHIVE_DAMAGE
from hwnas.errors import DataError, UnknownNameError, UsageError
from hwnas.estimates import Target
from hwnas.folders import write_whole
from hwnas.predictors.conformal import CostIntervals

SHIPPED_FOLDER: Final = Path(__file__).parents[1] / "data" / "shipped"
VERSION: Final = 2
_REBUILD: Final = "install hwnas again, or rebuild the files with `hwnas train`"


@final
@dataclass(frozen=True, kw_only=True)
class HeadRecord:
    """What is said of one column of predictions.

    device: reference of the device, `gtx-1080-ti@32` for example. trained_on: nets that each fold's model saw.
    model: kind of the regressor, "GCN" for example.
    figures: out-of-fold figures: "spearman", and in percent "median_ape", "mape", "within_10", "coverage".
    """

    device: str
    dataset: str
    target: Target
    trained_on: int
    model: str
    figures: Mapping[str, float]

    @property
    def id(self) -> str:
        """Name of the head: device, data set and target."""
        return head_id(self.device, self.dataset, self.target)


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Head:
    """Predictions of one head.

    mean: ms or mJ, in index order. fold: which fold's model predicted the net, the one that did not see it.
    intervals: by fold and size of the mean, what it is multiplied by to give quantiles of the cost.
    levels: one-sided probabilities of these, increasing.
    """

    record: HeadRecord
    mean: Float[Array, " n"]
    fold: Integer[Array, " n"]
    levels: Float[Array, " l"]
    intervals: CostIntervals

    def factors(self, index: Integer[Array, " n"], confidence: float) -> tuple[Float[Array, " n"], Float[Array, " n"]]:
        """Factors (low, high) on the means of these nets; see `interval_factors`, which raises `UsageError`."""
        folds, groups, levels = self.intervals.quantiles.shape
        rows = self.intervals.quantiles.reshape(folds * groups, levels)
        low, high = interval_factors(rows, self.levels, confidence)
        fold = self.fold[index].astype(np.int64)
        row = fold * groups + self.intervals.group(self.mean[index], fold)
        return low[row], high[row]


def head_id(device: str, dataset: str, target: Target) -> str:
    """`<device>/<dataset>/<target>`."""
    return f"{device}/{dataset}/{target}"


def interval_factors(
    quantiles: Float[Array, "r l"], levels: Float[Array, " l"], confidence: float
) -> tuple[Float[Array, " r"], Float[Array, " r"]]:
    """Factors (low, high) of the central interval mean * low .. mean * high at `confidence`, for each row of quantiles.

    They are the quantiles at (1 - confidence) / 2 and (1 + confidence) / 2, interpolated in the log between levels; the
    interval always holds the mean. Outside of the levels nothing was calibrated: raises `UsageError`.
    """
    most = 2 * levels[-1] - 1
    if not 0 <= confidence <= most + 1e-9:
        raise UsageError(
            f"confidence {confidence} is outside of what the predictions are calibrated for; expected 0 to {most:g}"
        )
    low, high = (
        np.exp([np.interp((1 + sign * confidence) / 2, levels, row) for row in np.log(quantiles)]) for sign in (-1, 1)
    )
    return np.minimum(low, 1.0), np.maximum(high, 1.0)


def write_shipped_costs(  # noqa: PLR0913 - the parts of one file, none of them optional
    folder: Path,
    *,
    space: str,
    heads: Sequence[HeadRecord],
    mean: Float[Array, "h n"],
    fold: Integer[Array, " n"],
    levels: Float[Array, " l"],
    intervals: Sequence[CostIntervals],
    card: Mapping[str, Any],
) -> None:
    """Write both files, the same bytes for the same arguments.

    heads: one for each row of `mean`. mean: ms or mJ, positive; stored as float16 relative to the head's median.
    fold: 0 .. f-1 for each net. levels: one-sided, increasing, in (0, 1). intervals: of each head, all of one shape.
    card: facts of the model for people, JSON values. Raises `UsageError` for arguments that do not fit together.
    """
    starts, quantiles = (np.stack([getattr(head, part) for head in intervals]) for part in ("starts", "quantiles"))
    _check(heads, mean=mean, fold=fold, levels=levels, starts=starts, quantiles=quantiles)
    scale, relative = _stored(mean)
    rounding = np.abs(relative * scale[:, None].astype(np.float64) / mean - 1).max()
    if not rounding < 1e-3:  # float16 keeps 5e-4; worse means that a head spans more than its range
        raise UsageError(
            f"means of one head must lie within 1e-4 and 6e4 of its median, got a rounding of {rounding:g}"
        )
    facts = {
        "version": VERSION,
        "space": space,
        "heads": {
            head.id: {"column": column, **asdict(head), "figures": dict(head.figures)}
            for column, head in enumerate(heads)
        },
        "card": dict(card),
    }
    text = json.dumps(facts, indent=1, allow_nan=False, ensure_ascii=False).encode()
    arrays = io.BytesIO()
    np.savez(
        arrays,
        mean=relative,
        scale=scale,
        fold=fold.astype(np.uint8),
        levels=levels.astype(np.float64),
        starts=starts.astype(np.float64),
        quantiles=quantiles.astype(np.float32),
        json_sha256=np.frombuffer(hashlib.sha256(text).digest(), dtype=np.uint8),
    )
    npz_path, json_path = _paths(folder, space)
    write_whole(npz_path, arrays.getvalue())
    write_whole(json_path, text)


def as_stored(mean: Float[Array, "h n"]) -> Float[Array, "h n"]:
    """Means as they are read from a file into which they were written; intervals are calibrated on these."""
    scale, relative = _stored(mean)
    return relative * scale[:, None].astype(np.float64)


def _stored(mean: Float[Array, "h n"]) -> tuple[Float[Array, " h"], Float[Array, "h n"]]:
    """Median of each head, and its means relative to that in float16."""
    scale = np.median(mean, axis=1).astype(np.float32)
    return scale, (mean / scale[:, None]).astype(np.float16)


def open_shipped_costs(folder: Path, space: str) -> ShippedCosts | None:
    """The predictions for a space, or None where `folder` has none. Raises `DataError` for damaged files."""
    npz_path, json_path = _paths(folder, space)
    if not npz_path.exists() or not json_path.exists():
        return None
    return ShippedCosts(npz_path, json_path)


@final
class ShippedCosts:
    """The two files of one space, opened; a head is read when it is asked for."""

    def __init__(self, npz_path: Path, json_path: Path) -> None:
        self._path = npz_path
        text = json_path.read_bytes()
        try:
            facts = json.loads(text)
            self._heads: dict[str, dict[str, Any]] = facts["heads"]
            self.card: dict[str, Any] = facts["card"]
            version = facts["version"]
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(f"{json_path}: expected the list of shipped heads, got {error!r}; {_REBUILD}") from error
        if version != VERSION:
            raise DataError(f"{json_path}: expected version {VERSION}, got {version!r}; {_REBUILD}")
        self._sha256 = hashlib.sha256(text).digest()

    @property
    def heads(self) -> tuple[str, ...]:
        """Names of the heads, in column order."""
        return tuple(self._heads)

    def __contains__(self, name: object) -> bool:
        return name in self._heads

    def record(self, name: str) -> HeadRecord:
        """What is said of a head. Raises `UnknownNameError`."""
        if name not in self._heads:
            raise UnknownNameError("head of shipped predictions", name, self._heads)
        return HeadRecord(**{key: value for key, value in self._heads[name].items() if key != "column"})

    def head(self, name: str) -> Head:
        """One head: 2 ms for 44 heads of 15,625 nets. Raises `UnknownNameError`, `DataError` for a damaged file."""
        record = self.record(name)
        column = self._heads[name]["column"]
        try:
            # numpy leaves a file open that it could not make sense of, so it is opened here.
            with self._path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                if arrays["json_sha256"].tobytes() != self._sha256:
                    raise DataError(f"{self._path}: expected the file written with its .json, got another; {_REBUILD}")
                return Head(
                    record=record,
                    mean=arrays["mean"][column] * np.float64(arrays["scale"][column]),
                    fold=arrays["fold"],
                    levels=arrays["levels"],
                    intervals=CostIntervals(
                        starts=arrays["starts"][column], quantiles=arrays["quantiles"][column].astype(np.float64)
                    ),
                )
        except (*ARCHIVE_DAMAGE, IndexError) as error:
            raise DataError(f"{self._path}: expected shipped predictions, got {error!r}; {_REBUILD}") from error


def _paths(folder: Path, space: str) -> tuple[Path, Path]:
    return folder / f"{space}_costs.npz", folder / f"{space}_costs.json"


def _check(
    heads: Sequence[HeadRecord],
    *,
    mean: Float[Array, "h n"],
    fold: Integer[Array, " n"],
    levels: Float[Array, " l"],
    starts: Float[Array, "h f b"],
    quantiles: Float[Array, "h f b l"],
) -> None:
    ids = [head.id for head in heads]
    folds, shape = quantiles.shape[1], (len(heads), *quantiles.shape[1:3], len(levels))
    problems = {
        "groups of means that begin at 0 and increase": not (
            (starts[..., 0] == 0).all() and (np.diff(starts, axis=2) >= 0).all() and np.isfinite(starts).all()
        ),
        f"a head of its own for each of {len(mean)} rows of mean, got {ids}": not len(set(ids))
        == len(ids)
        == len(mean),
        f"one fold for each of {mean.shape[1]} nets, got {len(fold)}": len(fold) != mean.shape[1],
        f"folds 0 to {folds - 1}": not ((fold >= 0) & (fold < min(folds, 256))).all(),
        "means that are finite and positive": not (np.isfinite(mean) & (mean > 0)).all(),
        "levels that increase within (0, 1)": not (np.diff(levels, prepend=0, append=1) > 0).all(),
        f"quantiles of shape {shape}, got {quantiles.shape}": quantiles.shape != shape,
        "finite positive quantiles that do not decrease with the level": not (
            np.isfinite(quantiles).all() and (np.diff(quantiles, prepend=0, axis=3) >= 0).all() and quantiles.min() > 0
        ),
    }
    for expected, wrong in problems.items():
        if wrong:
            raise UsageError(f"shipped predictions: expected {expected}")
