"""Train the cost predictors of a space on measured tables, and write the files that are shipped."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from hwnas import data
from hwnas.api.trained_files import write_trained
from hwnas.arrays import Array, Float
from hwnas.data.sources import repair_command
from hwnas.devices import load_devices
from hwnas.devices.registry import kept_name
from hwnas.errors import DataError, MissingExtraError, UsageError
from hwnas.folders import write_whole
from hwnas.latency.known_regressions import train_regressions
from hwnas.predictors.heads import HeadData
from hwnas.spaces import Space, get_space

Progress = Callable[[str, int, int], None]
ComparedFigures = dict[str, dict[str, dict[str, dict[str, list[float]]]]]


@dataclass(frozen=True, kw_only=True)
class TrainResult:
    """Where the trained files are, and figures by head: "spearman", and in percent the others; how they were found."""

    folder: Path
    figures: dict[str, dict[str, float]]
    judged: str = "out of fold, mean over five splits"


def training_heads(space: str) -> list[HeadData]:
    """Every device, data set and target that was measured in the space. Raises `DataError` where a table is absent."""
    heads = []
    for card in load_devices().values():
        for variant in card.variants:
            for column in variant.columns:
                if column.space != space:
                    continue
                table = data.open_table(column.table)
                if table is None:
                    raise DataError(
                        f"training needs table {column.table!r}, which is not in the cache; "
                        f"run `{repair_command(column.table)}`"
                    )
                device = kept_name(card.device(variant.name))
                heads.append(
                    HeadData(device=device, dataset=column.dataset, target=column.target, costs=table[column.column])
                )
    if not heads:
        raise UsageError(f"no device has measurements of the space {space!r} to train on")
    return sorted(heads, key=lambda head: head.id)


def _measurements(name: str) -> tuple[Space, list[HeadData], Float[Array, "n h"]]:
    """A space, its heads, and their costs side by side."""
    space = get_space(name)
    heads = training_heads(space.name)
    return space, heads, np.stack([head.costs for head in heads], axis=1)


def train(
    *,
    space: str = "nasbench201",
    out: Path | None = None,
    seed: int = 0,
    progress: Progress = lambda _what, _done, _total: None,
) -> TrainResult:
    """Cross-fit the predictors of all heads of a space and write predictions, weights and model card to `out`.

    All heads share a trunk, so one of them is rebuilt by rebuilding all. Trained weights are kept in `out/training`:
    an interrupted run goes on with what it has. In a space that cannot be enumerated each head is a regression,
    which needs no torch. Raises `MissingExtraError` without torch, `DataError` without tables.
    """
    if not get_space(space).enumerable:
        path, found = train_regressions(get_space(space), out=out, seed=seed)
        figures = {name: head.figures for name, head in found.items()}
        return TrainResult(folder=path.parent, figures=figures, judged="on nets that were not fitted")
    try:
        from hwnas.predictors.crossfit import crossfit
    except ModuleNotFoundError as error:
        raise MissingExtraError("training", "torch") from error
    its_space, heads, costs = _measurements(space)
    folder, vectors = out or data.cache_folder() / "predictors", its_space.all_vectors()
    fold, results = crossfit(
        its_space, vectors, costs, setting="80%", folder=folder / "training", seed=seed, progress=progress
    )
    figures = write_trained(folder, its_space, heads, fold, results, seed=seed)
    return TrainResult(folder=folder, figures=figures)


def compare_predictors(
    *,
    space: str = "nasbench201",
    out: Path | None = None,
    seed: int = 0,
    progress: Progress = lambda _what, _done, _total: None,
) -> ComparedFigures:
    """Figures by setting ("900", "80%"), head, method and figure, one value for each of five splits.

    Methods: "default" (what the splits chose), "gcn", "mlp", "mean", "boosting", and for energy "constant_power".
    Written to `<space>_figures.json` in `out`. Raises `MissingExtraError` without torch or scikit-learn.
    """
    try:
        from hwnas.predictors.crossfit import crossfit
        from hwnas.predictors.evaluation import evaluate
        from hwnas.predictors.splits import SETTINGS
    except ModuleNotFoundError as error:
        raise MissingExtraError("training", "torch") from error
    its_space, heads, costs = _measurements(space)
    folder, vectors = out or data.cache_folder() / "predictors", its_space.all_vectors()
    features = its_space.features(vectors)
    figures: ComparedFigures = {}
    for setting in SETTINGS:
        _, results = crossfit(
            its_space, vectors, costs, setting=setting, folder=folder / "training", seed=seed, progress=progress
        )
        report = partial(progress, f"boosting {setting}")
        figures[setting] = evaluate(heads, results, features=features, seed=seed, progress=report)
    text = json.dumps(figures, separators=(",", ":"), allow_nan=False)
    write_whole(folder / f"{its_space.name}_figures.json", text.encode())
    return figures
