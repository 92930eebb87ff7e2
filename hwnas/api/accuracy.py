"""True accuracies of a space, where they are known: one line of `ACCURACIES` for each space."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, final

import numpy as np

from hwnas import data
from hwnas.arrays import Array, Float, Integer
from hwnas.data.sources import repair_command
from hwnas.errors import UsageError
from hwnas.spaces import Space


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Accuracy:
    """Accuracies in percent, or None, and where they are from or how to get them.

    percent: one entry for each architecture in index order, or, with `vectors`, one for each of those.
    vectors: the architectures whose accuracies are known, of a space that is known in part or cannot be enumerated.
    benchmark_index: the benchmark's own number of each architecture, where its table is present.
    """

    percent: Float[Array, " n"] | None
    source: str
    vectors: Integer[Array, "n v"] | None = None
    benchmark_index: Integer[Array, " n"] | None = None

    def architectures(self, space: Space) -> Integer[Array, "n v"]:
        """The architecture of each entry of `percent`."""
        return space.all_vectors() if self.vectors is None else self.vectors

    def of_all(self, space: Space) -> Float[Array, " n"] | None:
        """Accuracy of every architecture in index order, NaN where it is not known; None where none is.

        Raises `UsageError` for known architectures of a space that cannot be enumerated.
        """
        if self.percent is None or self.vectors is None:
            return self.percent
        percent = np.full(space.size if space.enumerable else 0, np.nan)
        percent[space.index(self.vectors)] = self.percent
        return percent


# What is known of a space on one of its data sets.
Lookup = Callable[[Space, str], Accuracy]


def from_table(
    table: str, *, what: str = "test accuracy", suffix: str = "", packaged: Mapping[str, str] | None = None
) -> Lookup:
    """Accuracies in a table of the cache: one column for each data set and `suffix`, in percent.

    The rows are all architectures in index order, or those of the column `architectures` whose accuracy is not NaN.
    packaged: data sets whose accuracies the package `analog-nasbench` brings too, and the command that installs it.
    """

    def lookup(_space: Space, dataset: str) -> Accuracy:
        found = data.open_table(table)
        if found is None:
            return _from_package(table, dataset, packaged or {})
        column = dataset + suffix
        if column not in found:
            return Accuracy(percent=None, source=f"not known: {found.source.title} has no accuracies on {dataset}")
        percent, source = found[column], f"{found.source.title}, {what} on {dataset}"
        if "architectures" in found:
            known = ~np.isnan(percent)
            return Accuracy(percent=percent[known], source=source, vectors=found["architectures"][known])
        numbered = {name: found[name] for name in ("benchmark_index",) if name in found}
        return Accuracy(percent=percent, source=source, **numbered)

    return lookup


def _from_package(table: str, dataset: str, packaged: Mapping[str, str]) -> Accuracy:
    package = data.truth_from_package() if dataset in packaged else None
    if package is not None:
        return Accuracy(percent=package[dataset], source=f"{package.source.title}, accuracy on {dataset}")
    ways = [*(packaged[name] for name in packaged if name == dataset), f"`{repair_command(table)}`"]
    return Accuracy(percent=None, source=f"not known here; to know it run {' or '.join(ways)}")


def distinct_networks(space: Space, accuracy: Accuracy, *, limit: int, seed: int) -> Integer[Array, "n v"]:
    """A random sample of distinct networks, in the order of their ids, each by the first of its architectures.

    Of those whose accuracy is known where some are, else of all; of a space without end as they are drawn.
    """
    if accuracy.percent is None and not space.enumerable:
        return _drawn(space, limit=limit, seed=seed)
    vectors = space.all_vectors() if accuracy.percent is None else accuracy.architectures(space)
    if accuracy.percent is not None:
        vectors = vectors[~np.isnan(accuracy.percent)]
    _, first = np.unique(space.canonical_id(space.network_id(vectors)), return_index=True)
    rows = np.random.default_rng(seed).choice(first, size=min(limit, len(first)), replace=False)
    return np.asarray(vectors[np.sort(rows)])


def _drawn(space: Space, *, limit: int, seed: int) -> Integer[Array, "n v"]:
    """Distinct networks of a space without end, drawn by chance; fewer than `limit` where most are twins."""
    for draws in (2 * limit, 16 * limit):
        vectors = space.sample(draws, seed=seed)
        _, first = np.unique(space.canonical_id(space.network_id(vectors)), return_index=True)
        if len(first) >= limit:
            break
    return np.asarray(vectors[np.sort(first)[:limit]])


def known_networks(space: Space, accuracy: Accuracy) -> tuple[Integer[Array, "k v"], Float[Array, " k"]]:
    """Each network of known accuracy once, isomorphic ones counting as one, and the mean accuracy of its twins.

    In an enumerable space it is the architecture without dead operations, whose counts are those of the network.
    accuracy: one with `percent`.
    """
    assert accuracy.percent is not None
    known = ~np.isnan(accuracy.percent)
    vectors, percent = accuracy.architectures(space)[known], accuracy.percent[known]
    canonical, rows, twins = np.unique(
        space.canonical_id(space.network_id(vectors)), return_index=True, return_inverse=True
    )
    networks = space.vector(canonical) if space.enumerable else vectors[rows]
    return networks, np.bincount(twins, weights=percent) / np.bincount(twins)


def networks_to_score(space: Space, dataset: str, *, limit: int | None, seed: int) -> Integer[Array, "n v"]:
    """All architectures of a space, or `limit` distinct networks; of a space without end those of known accuracy.

    Raises `UsageError` for all of a space without end whose accuracies are not known.
    """
    require_networks(space, dataset, limit=limit)
    accuracy = true_accuracy(space, dataset)
    if limit is not None:
        return distinct_networks(space, accuracy, limit=limit, seed=seed)
    return space.all_vectors() if space.enumerable else accuracy.architectures(space)


def require_networks(space: Space, dataset: str, *, limit: int | None) -> None:
    """Raise `UsageError` where all of a space without end are asked for whose accuracies are not known."""
    if limit is not None or space.enumerable:
        return
    accuracy = true_accuracy(space, dataset)
    if accuracy.percent is None:
        raise UsageError(
            f"expected a space that can be enumerated or has known accuracies, got {space.name}: {accuracy.source}; "
            "give a limit, a sample of so many networks"
        )


ACCURACIES: Final[Mapping[str, Lookup]] = {
    "nasbench201": from_table("nats-bench", packaged={"cifar10": '`python -m pip install "hwnas[truth]"`'}),
    "nas-bench-macro": from_table("nas-bench-macro"),
    "nats-size": from_table("nats-bench-size"),
    "transnas-micro": from_table("transnas101", what="validation accuracy"),
    "accel-nasbench": from_table("accel-nasbench", what="top-1 accuracy after a shortened training"),
    # Plain training hardly tells AutoFormers apart: on CIFAR-100 they deviate by 0.45 points, and ranks on two data
    # sets correlate at -0.25 (with a teacher at 0.72, of twice as many networks). PiT's deviate by 4.3 points (0.92).
    "autoformer": from_table("autoprox-autoformer", what="test accuracy after training with a teacher", suffix="_kd"),
    "pit": from_table("autoprox-pit", what="test accuracy after plain training", suffix="_base"),
    "imagenet-models": from_table("imagenet-models", what="top-1 accuracy"),
}


def true_accuracy(space: Space, dataset: str) -> Accuracy:
    """What is known of `space` on `dataset`: from a table in the cache, else from a package, else what it says itself.

    Raises `DataError` for a damaged table, `UsageError` for accuracies that a space of one's own cannot mean.
    """
    if space.name in ACCURACIES:
        return ACCURACIES[space.name](space, dataset)
    stated = space.accuracies(dataset)
    if not stated:
        return Accuracy(
            percent=None,
            source=f"not known: there is no table of accuracies of {space.name}; a space of your own can state them "
            "(`accuracies`, README of hwnas/spaces)",
        )
    return _stated(space, dataset, stated)


def _stated(space: Space, dataset: str, stated: Mapping[str, float]) -> Accuracy:
    """Accuracies that the class of a space gives, as those of a table."""
    vectors, percent = space.parse(list(stated)), np.array([float(value) for value in stated.values()])
    wrong = np.flatnonzero(~((percent >= 0) & (percent <= 100)))  # true for NaN too
    if len(wrong):
        arch = list(stated)[wrong[0]]
        raise UsageError(
            f"{space.name}: expected accuracies in percent from 0 to 100, got {percent[wrong[0]]} of {arch}"
        )
    keys = space.key(vectors)
    if len(np.unique(keys)) < len(keys):
        raise UsageError(f"{space.name}: expected one accuracy for each architecture, got some twice under two names")
    source = f"{space.title}, accuracies on {dataset} that the space states"
    if space.enumerable and len(keys) == space.size:
        return Accuracy(percent=percent[np.argsort(space.index(vectors))], source=source)
    return Accuracy(percent=percent, source=source, vectors=vectors)


# Accuracies that a search may look at, apart from those that it is judged by.
VALIDATION: Final[Mapping[str, Lookup]] = {
    "nasbench201": from_table("nasbench201-validation", what="validation accuracy")
}


def search_accuracy(space: Space, dataset: str) -> Accuracy:
    """What simulated training tells a search: validation accuracies where the data have them, else the true ones."""
    if space.name in VALIDATION:
        found = VALIDATION[space.name](space, dataset)
        if found.percent is not None:
            return found
    return true_accuracy(space, dataset)
