"""A kernel model as one npz: a JSON header and plain arrays. Nothing is pickled; reading needs numpy alone."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any, Final, get_args

import numpy as np

from hwnas.arrays import Array
from hwnas.data.table_files import ARCHIVE_DAMAGE
from hwnas.errors import DataError
from hwnas.estimates import Target
from hwnas.folders import write_whole
from hwnas.graphs import feature_names
from hwnas.latency.kernels.model import KernelModel, Regressor
from hwnas.latency.kernels.nn_meter import ForestRegressor
from hwnas.latency.kernels.regressor import KernelRegressor
from hwnas.predictors.trees import trees_from_arrays

VERSION: Final = 1
_ARRAYS: Final = ("coefficients", "low", "high", "quantiles")
_TREES: Final = ("offset", "feature", "threshold", "left", "right", "value")


def save_kernel_model(path: Path, model: KernelModel) -> None:
    """Write a model, whole or not at all. Raises `DataError` where it cannot be written."""
    kinds = {
        kind: {"rows": r.rows, "error_percent": None if np.isnan(r.error_percent) else r.error_percent,
               "features": list(feature_names(kind)), **_form(r)}
        for kind, r in model.regressors.items()
    }  # fmt: skip
    header = {
        "version": VERSION,
        "device": model.device,
        "runtime": model.runtime,
        "target": model.target,
        "overhead": model.overhead,
        "facts": dict(model.facts),
        "kinds": kinds,
    }
    arrays: dict[str, Array] = {"header": np.frombuffer(json.dumps(header, allow_nan=False).encode(), np.uint8)}
    if model.network_quantiles is not None:
        arrays["network_quantiles"] = model.network_quantiles
    for kind, regressor in model.regressors.items():
        arrays |= {f"{kind}/{name}": values for name, values in _arrays(regressor).items()}
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    write_whole(path, buffer.getvalue())


def load_kernel_model(path: Path) -> KernelModel:
    """What `save_kernel_model` wrote. Raises `DataError` where it is absent, damaged or of another version."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        header: dict[str, Any] = json.loads(arrays["header"].tobytes())
        if header["version"] != VERSION:
            got = header["version"]
            raise DataError(f"{path}: expected version {VERSION} of kernel models, got {got!r}; build it again")
        if header["target"] not in get_args(Target):
            raise DataError(f"{path}: expected latency or energy, got {header['target']!r}; build it again")
        return KernelModel(
            device=str(header["device"]),
            runtime=str(header["runtime"]),
            target=header["target"],
            regressors={kind: _regressor(path, kind, facts, arrays) for kind, facts in header["kinds"].items()},
            overhead=float(header["overhead"]),
            network_quantiles=arrays.get("network_quantiles"),
            facts=header["facts"],
        )
    except ARCHIVE_DAMAGE as error:
        raise DataError(f"{path}: expected a kernel model, got {error!r}; build it again") from error


def _form(regressor: Regressor) -> dict[str, Any]:
    """What tells a regressor of nn-Meter from one of ours."""
    return {"forests": list(regressor.forests)} if isinstance(regressor, ForestRegressor) else {}


def _arrays(regressor: Regressor) -> dict[str, Array]:
    if isinstance(regressor, ForestRegressor):
        forests = {
            f"{name}.{field}": values for name, f in regressor.forests.items() for field, values in f.arrays().items()
        }
        return {"quantiles": regressor.quantiles, **forests}
    if not isinstance(regressor, KernelRegressor):
        raise TypeError(f"expected a regressor of this package, got {type(regressor).__name__}, which has no file")
    trees = {f"trees.{name}": values for name, values in regressor.trees.arrays().items()}
    return {name: getattr(regressor, name) for name in _ARRAYS} | trees


def _regressor(path: Path, kind: str, facts: dict[str, Any], arrays: dict[str, Array]) -> Regressor:
    names = feature_names(kind)
    if facts["features"] != list(names):
        raise DataError(f"{path}: expected the features {', '.join(names)} of {kind!r}, got others; build it again")
    if "forests" in facts:
        forests = {
            forest: trees_from_arrays({name: arrays[f"{kind}/{forest}.{name}"] for name in _TREES})
            for forest in facts["forests"]
        }
        return ForestRegressor(kind=kind, forests=forests, quantiles=arrays[f"{kind}/quantiles"])
    trees = trees_from_arrays({name: arrays[f"{kind}/trees.{name}"] for name in _TREES})
    error = facts["error_percent"]
    return KernelRegressor(
        kind=kind,
        trees=trees,
        rows=int(facts["rows"]),
        error_percent=float("nan") if error is None else float(error),
        **{name: arrays[f"{kind}/{name}"] for name in _ARRAYS},
    )
