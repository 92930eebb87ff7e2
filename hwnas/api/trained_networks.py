"""Accuracies of a user's own trainings: a CSV file of `architecture,accuracy`, which is read and added to."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from hwnas.api.truths import Trained
from hwnas.arrays import Array, Float, Integer
from hwnas.csv_tables import decimal, read_csv
from hwnas.errors import UsageError
from hwnas.folders import require_file, write_whole
from hwnas.predictors.accuracy_model import LEAST
from hwnas.spaces import Space

COLUMNS: Final = ("architecture", "accuracy")
_MOST_APART: Final = 5.0  # points between trainings of one network: more is no matter of the seed


def read_trained(path: Path, space: Space, dataset: str) -> Trained:
    """The rows with an accuracy in percent; those without are not trained yet.

    dataset: of the space; who is no better than chance on it and has not even one percent wrote down a share.
    Raises `DataError` where the file cannot be read, `UsageError` for what it says: also where trainings of one network
    contradict each other, and where all networks have the same accuracy, which teaches nothing.
    """
    require_file(path, "accuracies")
    known = [(arch, number, place) for arch, number, place in _rows(path) if number]
    if not known:
        raise UsageError(f"{path}: expected accuracies of trained networks, got none yet; fill in the column accuracy")
    percent = np.array([_percent(number, f"{path}, {place}") for _, number, place in known])
    if (percent <= 1).all():
        raise UsageError(f"{path}: expected accuracies in percent, got none above 1; multiply them by 100")
    chance = 100 / space.classes(dataset)
    for (_, number, place), value in zip(known, percent.tolist(), strict=True):
        if 0 < value < min(1.0, chance):
            raise UsageError(
                f"{path}, {place}: expected an accuracy in percent, got {number} among larger ones, below "
                f"chance on {dataset} ({chance:.3g} %); if it is a share, multiply it by 100"
            )
    vectors = space.parse([arch for arch, _, _ in known])
    networks = space.canonical_id(space.network_id(vectors))
    _check_networks(path, known, percent, networks)
    return Trained(rows=space.index(vectors), percent=percent, source=f"own trainings, {path.name}")


def _check_networks(
    path: Path, known: Sequence[tuple[str, str, str]], percent: Float[Array, " n"], networks: Integer[Array, " n"]
) -> None:
    """Refuse trainings of one network that contradict each other or stand for several, and accuracies all the same."""
    ids = np.unique(networks)
    for rows in (np.flatnonzero(networks == network) for network in ids):
        if np.ptp(percent[rows]) > _MOST_APART:
            ends = sorted((int(rows[percent[rows].argmin()]), int(rows[percent[rows].argmax()])))
            got = " and ".join(
                f"{number} for {arch} in {place}" for arch, number, place in (known[row] for row in ends)
            )
            raise UsageError(
                f"{path}: expected about the same accuracy of one network, got {got}; correct or remove one"
            )
    if len(percent) >= LEAST > len(ids):
        raise UsageError(f"{path}: expected at least {LEAST} distinct networks, got {len(ids)}; train others too")
    if len(ids) >= LEAST and (percent == percent[0]).all():
        raise UsageError(
            f"{path}: expected accuracies that differ, got {known[0][1]} for all {len(ids)} networks, which teaches "
            "nothing; check the column accuracy, or train other networks too"
        )


def listed(path: Path, space: Space) -> list[int]:
    """Indices of all architectures in the file, trained or not; none where there is no file."""
    rows = _rows(path) if path.exists() else []
    return [int(index) for index in space.index(space.parse([arch for arch, _, _ in rows]))] if rows else []


def trained_in(path: Path) -> int:
    """How many networks in the file have an accuracy."""
    return sum(bool(number) for _, number, _ in _rows(path))


def append_untrained(path: Path, architectures: Sequence[str]) -> None:
    """Add rows without an accuracy; what is there stays as it is, further columns too. A new file has `COLUMNS`.

    Raises `DataError`, and `UsageError` for what the file says.
    """
    before = ",".join(COLUMNS) + "\n"
    if path.exists():
        _rows(path)  # refuses what is no table of accuracies
        with path.open(encoding="utf-8", newline="") as file:  # a mark of the byte order stays too
            before = file.read()
    end = "\r\n" if "\r\n" in before else "\n"
    header = next(csv.reader(before.removeprefix("\ufeff").splitlines(), skipinitialspace=True))
    added = io.StringIO()
    writer = csv.writer(added, lineterminator=end)
    place = [name.strip().lower() for name in header].index(COLUMNS[0])
    writer.writerows([arch if column == place else "" for column in range(len(header))] for arch in architectures)
    write_whole(path, (before.rstrip("\r\n") + end + added.getvalue()).encode())


def _rows(path: Path) -> list[tuple[str, str, str]]:
    """Architecture, accuracy as text, and where each row stands."""
    table = read_csv(path, needed=COLUMNS)
    return [(row["architecture"], row["accuracy"], place) for row, place in zip(table.rows, table.places, strict=True)]


def _percent(text: str, place: str) -> float:
    try:
        value = decimal(text)
    except ValueError:
        value = float("nan")
    if not 0 <= value <= 100:
        raise UsageError(f"{place}: expected an accuracy in percent from 0 to 100, got {text!r}")
    return value
