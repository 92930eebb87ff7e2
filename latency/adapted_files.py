"""A model of a user's device as two plain files: `<name>.json`, its measurements, and `<name>.npz`, what it builds on.

The few-shot model is kept along, so that a device answers the same after hwnas ships a newer one. Nothing is pickled.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Final, get_args

import numpy as np

from hwnas.data.table_files import ARCHIVE_DAMAGE
from hwnas.errors import DataError, UsageError
from hwnas.estimates import UNITS, Target
from hwnas.folders import write_whole
from hwnas.latency.fewshot import AdaptedModel
from hwnas.latency.observations import Observations
from hwnas.predictors.fewshot_files import from_bytes, to_bytes
from hwnas.spaces import get_space

VERSION: Final = 1
_REPAIR: Final = "adapt the device again from its measurements"


def save_adapted(folder: Path, name: str, adapted: AdaptedModel) -> None:
    """Write both files, each whole or not at all. Raises `DataError` where the folder cannot be written."""
    content = to_bytes(adapted.model)
    space = get_space(adapted.space)
    facts = {
        "version": VERSION,
        "space": adapted.space,
        "device": adapted.device,
        "target": adapted.target,
        "unit": adapted.unit,
        "architectures": space.strings(adapted.observations.vectors),
        "costs": adapted.observations.costs.tolist(),
        "rows": adapted.observations.rows.tolist(),
        "model_sha256": hashlib.sha256(content).hexdigest(),
    }
    write_whole(folder / f"{name}.npz", content)
    write_whole(folder / f"{name}.json", json.dumps(facts, indent=1, ensure_ascii=False, allow_nan=False).encode())


def load_adapted(folder: Path, name: str) -> AdaptedModel:
    """The model that `save_adapted` wrote. Raises `DataError` where it is absent, damaged or of another version."""
    where = folder / f"{name}.json"
    try:
        facts: dict[str, Any] = json.loads(where.read_bytes())
        content = (folder / f"{name}.npz").read_bytes()
        if facts["version"] != VERSION:
            raise DataError(f"{where}: expected version {VERSION}, got {facts['version']!r}; {_REPAIR}")
        if hashlib.sha256(content).hexdigest() != facts["model_sha256"]:
            raise DataError(f"{where}: expected the .npz that was written with it, got another; {_REPAIR}")
        model = from_bytes(content, where=folder / f"{name}.npz")
        space = get_space(facts["space"])
        observations = Observations(
            vectors=space.parse(facts["architectures"]),
            costs=np.array(facts["costs"], dtype=np.float64),
            rows=np.array(facts["rows"], dtype=np.int64),
        )
        return AdaptedModel(
            space=space,
            device=str(facts["device"]),
            target=_target(facts["target"]),
            observations=observations,
            model=model,
        )
    except (*ARCHIVE_DAMAGE, UsageError) as error:
        raise DataError(f"{where}: expected an adapted model, got {error!r}; {_REPAIR}") from error


def _target(text: str) -> Target:
    targets: dict[str, Target] = {target: target for target in get_args(Target)}
    if text not in targets:
        raise ValueError(f"target {text!r}, expected one of {', '.join(UNITS)}")
    return targets[text]
