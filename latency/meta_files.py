"""A meta-learned model of a user's device as two plain files: `<name>.json`, its measurements, and the weights.

The weights are kept along (`<name>.safetensors`), so that a device answers the same after hwnas ships newer ones.
The counterpart of adapted_files.py; "model" in the JSON file tells the two apart.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Final

import numpy as np

from hwnas.data.table_files import ARCHIVE_DAMAGE
from hwnas.errors import DataError, UsageError
from hwnas.folders import write_whole
from hwnas.latency.meta import AdaptedMeta, adapt_meta, open_meta
from hwnas.latency.observations import Observations
from hwnas.spaces import get_space

VERSION: Final = 1
MODEL: Final = "meta"
_REPAIR: Final = "adapt the device again from its measurements"


def save_adapted_meta(folder: Path, name: str, adapted: AdaptedMeta) -> None:
    """Write both files, each whole or not at all. Raises `DataError` where the folder cannot be written."""
    from hwnas.predictors.meta_model import save_meta

    weights = folder / f"{name}.safetensors"
    save_meta(weights, adapted.model)
    observations = adapted.observations
    facts = {
        "version": VERSION,
        "model": MODEL,
        "space": adapted.space,
        "device": adapted.device,
        "target": adapted.target,
        "unit": adapted.unit,
        "architectures": get_space(adapted.space).strings(observations.vectors),
        "costs": observations.costs.tolist(),
        "rows": observations.rows.tolist(),
        "weights_sha256": hashlib.sha256(weights.read_bytes()).hexdigest(),
    }
    write_whole(folder / f"{name}.json", json.dumps(facts, indent=1, ensure_ascii=False, allow_nan=False).encode())


def load_adapted_meta(folder: Path, name: str) -> AdaptedMeta:
    """The model that `save_adapted_meta` wrote; it is adapted anew from its measurements, which gives the same weights.

    Raises `DataError` where a file is absent, damaged or of another version or model, and `MissingExtraError`.
    """
    where, weights = folder / f"{name}.json", folder / f"{name}.safetensors"
    try:
        facts: dict[str, Any] = json.loads(where.read_bytes())
        if (facts["version"], facts["model"]) != (VERSION, MODEL):
            raise DataError(
                f"{where}: expected model {MODEL!r} of version {VERSION}, got {facts['model']!r} of version "
                f"{facts['version']!r}; {_REPAIR}"
            )
        if hashlib.sha256(weights.read_bytes()).hexdigest() != facts["weights_sha256"]:
            raise DataError(f"{where}: expected the weights that were written with it, got others; {_REPAIR}")
        space = get_space(facts["space"])
        observations = Observations(
            vectors=space.parse(facts["architectures"]),
            costs=np.array(facts["costs"], dtype=np.float64),
            rows=np.array(facts["rows"], dtype=np.int64),
        )
        device = str(facts["device"])
    except (*ARCHIVE_DAMAGE, UsageError) as error:
        raise DataError(f"{where}: expected an adapted model, got {error!r}; {_REPAIR}") from error
    return adapt_meta(space, observations, device=device, model=open_meta(weights, space))
