"""Fit the regressions of all known devices of a space that cannot be enumerated, from the measured tables."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hwnas import data
from hwnas.data.sources import repair_command
from hwnas.devices import load_devices
from hwnas.devices.registry import kept_name
from hwnas.errors import DataError, UsageError
from hwnas.folders import cache_folder
from hwnas.latency.regressions import Regression, fit_regression, save_regressions
from hwnas.predictors.shipped import head_id
from hwnas.spaces import Space


def train_regressions(space: Space, *, out: Path | None = None, seed: int = 0) -> tuple[Path, dict[str, Regression]]:
    """Fit and write the file of a space; half a second for each column of 5,000 nets. Same seed, same bytes.

    out: folder, by default that of the cache which is looked at before the shipped one. Raises `UsageError` where no
    device has a table of the space, `DataError` where one is not in the cache.
    """
    found: dict[str, Regression] = {}
    for card in load_devices().values():
        for variant in card.variants:
            for column in variant.columns:
                if column.space != space.name:
                    continue
                table = data.open_table(column.table)
                if table is None or "architectures" not in table:
                    raise DataError(
                        f"regressions of {space.name} need table {column.table!r} with its architectures, which is not "
                        f"in the cache; run `{repair_command(column.table)}`"
                    )
                features = space.features(space.from_table_rows(table["architectures"]))
                name = head_id(kept_name(card.device(variant.name)), column.dataset, column.target)
                costs = np.asarray(table[column.column], dtype=np.float64)
                known = np.isfinite(costs) & (costs > 0)
                found[name] = fit_regression(features[known].astype(np.float64), costs[known], seed=seed)
    if not found:
        raise UsageError(f"no device has measurements of the space {space.name!r} to train on")
    return save_regressions(out or cache_folder() / "predictors", space.name, found), found
