"""A model of a user's device that rests on its measurements alone, as one plain file: `<name>.json`, with these.

The counterpart of adapted_files.py; "model" in the file tells them apart. The regression is fitted anew, which gives
the same predictions; MACs and params of the measured networks are kept along, as a space of the user's own may change.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import numpy as np

from hwnas.arrays import Array, Integer
from hwnas.data.table_files import ARCHIVE_DAMAGE
from hwnas.errors import DataError, UsageError
from hwnas.folders import write_whole
from hwnas.latency.alone import AdaptedAlone
from hwnas.latency.observations import Observations, check_observations
from hwnas.spaces import Space, get_space

VERSION: Final = 1
MODEL: Final = "alone"
_COUNTS: Final = ("macs", "params")
_REPAIR: Final = "adapt the device again from its measurements"


def save_alone(folder: Path, name: str, adapted: AdaptedAlone) -> None:
    """Write the file, whole or not at all. Raises `DataError` where the folder cannot be written."""
    space, observations = get_space(adapted.space), adapted.observations
    facts = {
        "version": VERSION,
        "model": MODEL,
        "space": adapted.space,
        "device": adapted.device,
        "target": adapted.target,
        "unit": adapted.unit,
        "architectures": space.strings(observations.vectors),
        "costs": observations.costs.tolist(),
        "rows": observations.rows.tolist(),
        **_counts(space, observations.vectors),
    }
    write_whole(folder / f"{name}.json", json.dumps(facts, indent=1, ensure_ascii=False, allow_nan=False).encode())


def load_alone(folder: Path, name: str) -> AdaptedAlone:
    """The model that `save_alone` wrote.

    Raises `DataError` where it is absent, damaged or of another version or model, and where the space has changed.
    """
    where = folder / f"{name}.json"
    try:
        facts: dict[str, Any] = json.loads(where.read_bytes())
        if (facts["version"], facts["model"], facts["target"]) != (VERSION, MODEL, AdaptedAlone.target):
            raise DataError(
                f"{where}: expected {AdaptedAlone.target} by model {MODEL!r} of version {VERSION}, got "
                f"{facts['target']} by {facts['model']!r} of version {facts['version']!r}; {_REPAIR}"
            )
        space = get_space(facts["space"])
        observations = _observations(space, facts)
        device = str(facts["device"])
        kept = {count: facts[count] for count in _COUNTS}
    except (*ARCHIVE_DAMAGE, UsageError) as error:
        raise DataError(f"{where}: expected an adapted model, got {error!r}; {_REPAIR}") from error
    if kept != _counts(space, observations.vectors):
        raise DataError(
            f"{where}: expected networks of {space.name} with the MACs and params that they had when they were "
            f"measured, got others; the space has changed since: measure its networks again and adapt the device anew"
        )
    return AdaptedAlone(space=space, device=device, observations=observations)


def _observations(space: Space, facts: dict[str, Any]) -> Observations:
    """What was measured. Raises `UsageError` or `ValueError` for what a model cannot be made of."""
    vectors, costs = space.parse(facts["architectures"]), np.array(facts["costs"], dtype=np.float64)
    rows = np.array(facts["rows"], dtype=np.int64)
    merged = check_observations(space, vectors, costs)
    if not len(merged) == len(rows) == len(costs):
        raise ValueError(f"{len(rows)} rows of {len(costs)} costs of {len(merged)} networks")
    return Observations(vectors=vectors, costs=costs, rows=rows)


def _counts(space: Space, vectors: Integer[Array, "n v"]) -> dict[str, list[int]]:
    counts = space.counts(vectors, dataset=space.datasets[0])
    return {name: [int(value) for value in counts[name]] for name in _COUNTS}
