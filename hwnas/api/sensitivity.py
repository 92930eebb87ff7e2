"""What the scores of proxies depend on beside the network: seed, initialisation, batch size, a little training."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from hwnas import metrics
from hwnas.api.accuracy import distinct_networks, true_accuracy
from hwnas.api.computing import cores, require_torch
from hwnas.api.evaluate import correlation
from hwnas.arrays import Array, Float, Integer
from hwnas.errors import DataError, UnknownNameError, UsageError
from hwnas.folders import cache_folder
from hwnas.proxies import usual_proxies
from hwnas.proxies.combinations import Combination, get_scorer
from hwnas.results import SCHEMA_VERSION
from hwnas.spaces import Space, get_space
from hwnas.version import __version__

if TYPE_CHECKING:
    from hwnas.proxies.recipes import Recipe

# What is varied, and through which values; the first is the usual one.
VARIED: Final[dict[str, tuple[int | str, ...]]] = {
    "seed": (0, 1, 2, 3, 4),
    "initialisation": ("default", "kaiming_normal", "xavier_normal", "gaussian"),
    "batch_size": (64, 16, 32, 128),
    "epochs": (0, 1, 2, 5),
}
LEAST_NETS: Final = 10


@dataclass(frozen=True, kw_only=True)
class SensitivitySettings:
    """nets: distinct networks, drawn with seed 0 among those whose accuracy is known. workers: None: one per core."""

    nets: int = 50
    workers: int | None = None

    def __post_init__(self) -> None:
        """Check ranges; raise `UsageError`."""
        if self.nets < LEAST_NETS:
            raise UsageError(f"expected at least {LEAST_NETS} networks to compare, got {self.nets}")
        if self.workers is not None and self.workers < 1:
            raise UsageError(f"expected at least 1 worker, got {self.workers}")


@dataclass(frozen=True, kw_only=True)
class ProxySensitivity:
    """One proxy under each value: Spearman's rho with true accuracy, and with the scores under the first value."""

    proxy: str
    with_truth: tuple[float, ...]
    with_first: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class SensitivityResult:
    """Proxies under several values of one setting, over the same `nets` random networks; the rest is as usual."""

    by: str
    values: tuple[int | str, ...]
    space: str
    dataset: str
    nets: int
    accuracy_source: str
    rows: tuple[ProxySensitivity, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; a correlation that does not exist is None."""
        plain = asdict(self)
        for row in plain["rows"]:
            for key in ("with_truth", "with_first"):
                row[key] = [value if math.isfinite(value) else None for value in row[key]]
        return {"schema_version": SCHEMA_VERSION, "hwnas_version": __version__, **plain}


def sensitivity(
    by: str,
    *,
    space: str = "nasbench201",
    dataset: str | None = None,
    proxies: Sequence[str] = (),
    settings: SensitivitySettings | None = None,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> SensitivityResult:
    """Score the same random networks under each value of `by` (a key of `VARIED`) and compare.

    proxies: names; by default `hwnas.proxies.usual_proxies`. Scores are kept in the cache and resumed from. Raises
    `UnknownNameError`, `UsageError`, `DataError` where no accuracies are at hand, `MissingExtraError` without torch.
    """
    if by not in VARIED:
        raise UnknownNameError("setting", by, VARIED)
    settings = settings or SensitivitySettings()
    require_torch()
    found = get_space(space)
    where = found.dataset(dataset)
    names = _asked(proxies) or [*usual_proxies(found)]
    vectors, truth, source = _networks(found, where, settings.nets)
    values, tables = _values(by, found, where), []
    for number, value in enumerate(values):
        recipe = _recipe(found, where, tuple(names), by, value)

        def report(done: int, _total: int, before: int = number * len(vectors)) -> None:
            progress(before + done, len(values) * len(vectors))

        tables.append(_scores(recipe, vectors, f"{by}_{value}", settings.workers or cores(), report))
    return SensitivityResult(
        by=by,
        values=values,
        space=found.name,
        dataset=where,
        nets=len(vectors),
        accuracy_source=source,
        rows=tuple(_row(name, [table[:, column] for table in tables], truth) for column, name in enumerate(names)),
    )


def _asked(names: Sequence[str]) -> list[str]:
    """Proxies of these names, each once. Raises `UsageError` for combinations, and for counts: nothing changes them."""
    scorers = {scorer.name: scorer for scorer in map(get_scorer, names)}
    for name, scorer in scorers.items():
        if isinstance(scorer, Combination) or scorer.by_architecture:
            what = "a combination" if isinstance(scorer, Combination) else "a count of the architecture"
            raise UsageError(f"expected proxies that are computed from the network, got {name!r}, {what}; leave it out")
    return list(scorers)


def _networks(space: Space, dataset: str, nets: int) -> tuple[Integer[Array, "n v"], Float[Array, " n"], str]:
    """Distinct random networks and their true accuracies (of the first architecture of each)."""
    accuracy = true_accuracy(space, dataset)
    if accuracy.percent is None:
        raise DataError(f"expected true accuracies to compare with; {accuracy.source}")
    vectors = distinct_networks(space, accuracy, limit=nets, seed=0)
    keys = space.key(accuracy.architectures(space))
    order = np.argsort(keys)
    rows = order[np.searchsorted(keys[order], space.key(vectors))]
    return vectors, accuracy.percent[rows], accuracy.source


def _values(by: str, space: Space, dataset: str) -> tuple[int | str, ...]:
    """Values to compare; batches no larger than there are images."""
    from hwnas.proxies.batches import load_batch
    from hwnas.proxies.recipes import task_of

    images = len(load_batch(task_of(space, dataset), size=None).labels)
    return tuple(value for value in VARIED[by] if by != "batch_size" or int(value) <= images)


def _recipe(space: Space, dataset: str, proxies: tuple[str, ...], by: str, value: int | str) -> Recipe:
    from hwnas.proxies.batches import load_batch
    from hwnas.proxies.recipes import Recipe, task_of

    task = task_of(space, dataset)
    usual = {name: values[0] for name, values in VARIED.items()} | {by: value}
    batch = load_batch(task, size=int(usual["batch_size"]))
    return Recipe(
        space=space.name,
        dataset=dataset,
        proxies=proxies,
        batch=batch,
        seed=int(usual["seed"]),
        initialisation=str(usual["initialisation"]),
        epochs=int(usual["epochs"]),
        training=load_batch(task, size=None) if by == "epochs" else None,
    )


def _scores(
    recipe: Recipe, vectors: Integer[Array, "n v"], label: str, workers: int, progress: Callable[[int, int], None]
) -> Float[Array, "n p"]:
    from hwnas.proxies.space_scores import score_space

    checkpoint: Path = cache_folder() / "scores" / "sensitivity" / f"{recipe.space}_{recipe.dataset}_{label}.npz"
    table = score_space(recipe, vectors, checkpoint=checkpoint, workers=workers, progress=progress)
    network_ids = get_space(recipe.space).network_id(vectors)
    return np.stack([table.column(name, network_ids) for name in recipe.proxies], axis=1)


def _row(proxy: str, columns: Sequence[Float[Array, " n"]], truth: Float[Array, " n"]) -> ProxySensitivity:
    known = [~np.isnan(column) for column in columns]
    first = columns[0]
    return ProxySensitivity(
        proxy=proxy,
        with_truth=tuple(correlation(metrics.spearman, c, truth, k) for c, k in zip(columns, known, strict=True)),
        with_first=tuple(
            correlation(metrics.spearman, c, first, k & known[0]) for c, k in zip(columns, known, strict=True)
        ),
    )
