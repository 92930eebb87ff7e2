"""The few-shot model of a space as one file: an npz of plain arrays with a JSON header, 20 to 60 kB.

It holds the scale of the features, the prior, the calibration and facts for people; the measurements that it was
learned from cannot be read from it.
"""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any, Final

import numpy as np

from hwnas.arrays import Array
from hwnas.data.table_files import ARCHIVE_DAMAGE
from hwnas.errors import DataError
from hwnas.folders import write_whole
from hwnas.predictors.fewshot_features import FeatureScale
from hwnas.predictors.fewshot_intervals import Calibration
from hwnas.predictors.fewshot_model import FewShotModel
from hwnas.predictors.fewshot_prior import Spreads
from hwnas.predictors.latent_prior import LatentPrior

VERSION: Final = 1
_REPAIR: Final = "install hwnas again, or learn the model again"
_PRIOR: Final = ("mean", "execution", "directions", "scales")
_CALIBRATION: Final = ("sizes", "levels", "quantiles")


def model_path(folder: Path, space: str) -> Path:
    """`<space>_fewshot.npz`."""
    return folder / f"{space}_fewshot.npz"


def save_model(folder: Path, model: FewShotModel) -> Path:
    """Write the file of a space, the same bytes for the same model. Raises `DataError` where it cannot be written."""
    path = model_path(folder, model.space)
    write_whole(path, to_bytes(model))
    return path


def open_model(folder: Path, space: str) -> FewShotModel | None:
    """The model of a space, or None where `folder` has none. Raises `DataError` for a damaged file."""
    path = model_path(folder, space)
    return from_bytes(path.read_bytes(), where=path) if path.exists() else None


def to_bytes(model: FewShotModel) -> bytes:
    """Contents of the file; what only orders and scales is kept as float32."""
    header = {
        "version": VERSION,
        "space": model.space,
        "groups": list(model.scale.names),
        "spreads": {"directions": model.spreads.directions, "groups": dict(model.spreads.groups)},
        "facts": dict(model.facts),
    }
    text = json.dumps(header, allow_nan=False, ensure_ascii=False, sort_keys=True)
    arrays: dict[str, Any] = {
        "header": np.frombuffer(text.encode(), dtype=np.uint8),
        "group": model.scale.group.astype(np.uint8),
        "centre": model.scale.centre,
        "spread": model.scale.spread,
    }
    arrays |= {name: getattr(model.prior, name).astype(np.float32) for name in _PRIOR}
    arrays |= {name: getattr(model.calibration, name) for name in _CALIBRATION}
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def from_bytes(content: bytes, *, where: Path) -> FewShotModel:
    """Inverse of `to_bytes`, but for the rounding. where: for messages. Raises `DataError` for anything else."""
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            arrays = {name: np.asarray(archive[name]) for name in archive.files}
        header = json.loads(arrays["header"].tobytes())
        if header["version"] != VERSION:
            raise DataError(f"{where}: expected version {VERSION}, got {header['version']!r}; {_REPAIR}")
        return FewShotModel(
            space=header["space"],
            scale=FeatureScale(
                names=tuple(header["groups"]),
                group=arrays["group"].astype(np.int64),
                centre=arrays["centre"],
                spread=arrays["spread"],
            ),
            spreads=Spreads(**header["spreads"]),
            prior=LatentPrior(**_doubles(arrays, _PRIOR)),
            calibration=Calibration(**_doubles(arrays, _CALIBRATION)),
            facts=header["facts"],
        )
    except ARCHIVE_DAMAGE as error:
        raise DataError(f"{where}: expected a few-shot model, got {error!r}; {_REPAIR}") from error


def _doubles(arrays: dict[str, Array], names: tuple[str, ...]) -> dict[str, Array]:
    return {name: arrays[name].astype(np.float64) for name in names}
