"""The trained regressors of five folds as they are shipped: one safetensors file, float16."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hwnas.arrays import Array, Float, Integer
from hwnas.errors import DataError
from hwnas.predictors.regressor import Regressor, load_tensors, regressor_from_tensors, save_tensors
from hwnas.predictors.splits import FOLDS
from hwnas.predictors.training import MODEL_KINDS, ModelKind
from hwnas.spaces import Space

if TYPE_CHECKING:
    from torch import Tensor


def bundle_path(folder: Path, space: str) -> Path:
    """`<space>_predictors.safetensors`."""
    return folder / f"{space}_predictors.safetensors"


def save_bundle(folder: Path, space: str, folds: list[Mapping[ModelKind, Regressor]]) -> None:
    """Write the regressors of all folds, names such as `2.gcn.embed.weight`."""
    tensors: dict[str, Tensor] = {}
    for number, regressors in enumerate(folds):
        for kind, regressor in regressors.items():
            tensors |= {f"{number}.{kind}.{name}": tensor for name, tensor in regressor.tensors().items()}
    save_tensors(bundle_path(folder, space), tensors)


def load_bundle(folder: Path, space: Space) -> list[dict[ModelKind, Regressor]]:
    """The regressors of each fold. Raises `DataError` where the file is absent or damaged."""
    path = bundle_path(folder, space.name)
    if not path.exists():
        raise DataError(f"expected trained weights at {path}, got nothing; make them with `hwnas train`")
    tensors = load_tensors(path)
    folds = []
    for number in range(FOLDS):
        regressors: dict[ModelKind, Regressor] = {}
        for kind in MODEL_KINDS:
            prefix = f"{number}.{kind}."
            own = {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
            regressors[kind] = regressor_from_tensors(kind, space, own)
        folds.append(regressors)
    return folds


def predict_out_of_fold(
    folds: list[dict[ModelKind, Regressor]],
    vectors: Integer[Array, "n v"],
    *,
    fold: Integer[Array, " n"],
    head: int,
    choice: tuple[str, ...],
) -> Float[Array, " n"]:
    """Costs (ms or mJ) of one head, each net by the models that did not see it.

    fold: of each net. choice: by fold, "gcn", "mlp" or "mean" of both.
    """
    predicted = np.empty(len(vectors))
    for number in np.unique(fold):
        rows = fold == number
        kinds = MODEL_KINDS if choice[number] == "mean" else (choice[number],)
        logs = [np.log(folds[number][kind].predict(vectors[rows])[:, head]) for kind in MODEL_KINDS if kind in kinds]
        predicted[rows] = np.exp(np.mean(logs, axis=0))
    return predicted
