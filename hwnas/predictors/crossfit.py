"""Five-fold cross-fitting: every net is predicted by models that did not see it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from hwnas.arrays import Array, Float, Integer
from hwnas.predictors.regressor import Regressor, fit_regressor, load_tensors, regressor_from_tensors, save_tensors
from hwnas.predictors.splits import FOLDS, Setting, Split, assign_folds, make_split
from hwnas.predictors.training import MODEL_KINDS, ModelKind
from hwnas.spaces import Space

METHODS: Final = ("gcn", "mlp", "mean")
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, kw_only=True, eq=False)
class FoldResult:
    """What one split gives.

    predictions: costs of all nets by method, (n, h), of which only validation and test nets may be looked at.
    regressors: the trained models.
    choice: per head the method with the smallest mean absolute log error on validation nets.
    """

    split: Split
    regressors: Mapping[ModelKind, Regressor]
    predictions: Mapping[str, Float[Array, "n h"]]
    choice: tuple[str, ...]

    def chosen(self) -> Float[Array, "n h"]:
        """Costs by the method that each head chose."""
        columns = [self.predictions[method][:, head] for head, method in enumerate(self.choice)]
        return np.stack(columns, axis=1)


def crossfit(  # noqa: PLR0913 - data, setting, place, seed
    space: Space,
    vectors: Integer[Array, "n v"],
    costs: Float[Array, "n h"],
    *,
    setting: Setting,
    folder: Path,
    seed: int = 0,
    progress: Progress = lambda _what, _done, _total: None,
) -> tuple[Integer[Array, " n"], list[FoldResult]]:
    """Fold of each net, and the result of each of the five splits.

    costs: ms or mJ, NaN where not measured. Trained weights are kept in a subfolder of `folder` that is named for the
    seed and the data, one file per split and kind, so that an interrupted run goes on where it was, and another seed or
    other measurements train anew. progress: called with what is trained, steps done and steps in all.
    """
    fold = assign_folds(len(vectors), seed=seed)
    kept = folder / _key(vectors, costs, seed=seed)
    results = []
    for number in range(FOLDS):
        split = make_split(fold, number, setting=setting, seed=seed)
        paths = {kind: kept / f"{setting.strip('%')}-{number}-{kind}.safetensors" for kind in MODEL_KINDS}
        regressors = {
            kind: _fit_or_load(
                kind, space, vectors[split.train], costs[split.train], path=path, seed=seed, progress=progress
            )
            for kind, path in paths.items()
        }
        results.append(judge(split, regressors, vectors, costs))
    return fold, results


def _key(vectors: Integer[Array, "n v"], costs: Float[Array, "n h"], *, seed: int) -> str:
    """Twelve hexadecimal digits that differ where seed, nets or costs do."""
    content = hashlib.sha256(f"{seed} {vectors.shape} {costs.shape}".encode())
    for array in (vectors, costs):
        content.update(np.ascontiguousarray(array).tobytes())
    return content.hexdigest()[:12]


def judge(
    split: Split,
    regressors: Mapping[ModelKind, Regressor],
    vectors: Integer[Array, "n v"],
    costs: Float[Array, "n h"],
) -> FoldResult:
    """Predict with each model and with their geometric mean; choose on validation nets."""
    methods: dict[str, Float[Array, "n h"]] = {kind: model.predict(vectors) for kind, model in regressors.items()}
    methods["mean"] = np.exp(np.mean([np.log(predicted) for predicted in methods.values()], axis=0))
    rows = split.validation
    residuals = {method: np.log(costs[rows] / predicted[rows]) for method, predicted in methods.items()}
    errors = np.stack([np.nanmean(np.abs(residuals[method]), axis=0) for method in METHODS])
    choice = tuple(METHODS[best] for best in errors.argmin(axis=0))
    return FoldResult(split=split, regressors=regressors, predictions=methods, choice=choice)


def out_of_fold(results: Sequence[FoldResult]) -> Float[Array, "n h"]:
    """Cost of each net by the method that the fold chose whose models did not see it; NaN for nets of no fold."""
    mean = np.full_like(results[0].chosen(), np.nan)
    for result in results:
        mean[result.split.test] = result.chosen()[result.split.test]
    return mean


def _fit_or_load(  # noqa: PLR0913 - what is fitted, and where it is kept
    kind: ModelKind,
    space: Space,
    vectors: Integer[Array, "n v"],
    costs: Float[Array, "n h"],
    *,
    path: Path,
    seed: int,
    progress: Progress,
) -> Regressor:
    """The regressor that an earlier run left at `path`, or a newly trained one, kept there."""
    if path.exists():
        return regressor_from_tensors(kind, space, load_tensors(path))
    regressor = fit_regressor(
        kind, space, vectors, costs, seed=seed, progress=lambda done, total: progress(path.stem, done, total)
    )
    save_tensors(path, regressor.tensors())
    return regressor
