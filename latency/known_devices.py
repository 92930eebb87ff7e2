"""What known devices of a space measured, as the input of few-shot learning, and the models learned from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, final

import numpy as np

from hwnas import data
from hwnas.arrays import Array, Float, Integer
from hwnas.devices import Column, Device, load_devices
from hwnas.errors import DataError
from hwnas.folders import cache_folder
from hwnas.latency.tables import cost_model
from hwnas.predictors.fewshot_files import open_model
from hwnas.predictors.fewshot_model import FewShotModel, KnownColumn, learn
from hwnas.predictors.shipped import SHIPPED_FOLDER
from hwnas.spaces import Space

_REFERENCE_NETS: Final = 4000  # of a space that can be enumerated; weights do not change with more


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class KnownLatencies:
    """Latencies (ms) of the same n networks on every known device. summary: where they come from, for a person."""

    vectors: Integer[Array, "n v"]
    columns: tuple[KnownColumn, ...]
    summary: str


def known_latencies(space: Space, *, seed: int = 0) -> KnownLatencies:
    """Latencies of every card's variants on every data set of a space: measured where a table is in the cache, else
    the shipped out-of-fold predictions.

    All batch sizes, data sets and duplicate sources of a device share the name of its card, `KnownColumn.physical`.
    Raises `DataError` where nothing is known of the space.
    """
    settings = [
        (card.device(variant.name), column)
        for card in load_devices().values()
        for variant in card.variants
        for column in variant.columns
        if column.space == space.name and column.target == "latency"
    ]
    vectors = _reference_nets(space, [column for _, column in settings], seed=seed)
    columns, kinds = [], set()
    for device, column in settings:
        found = _latencies(space, device, column, vectors)
        if found is not None:
            kinds.add(found[0])
            name = f"{device.reference}/{column.dataset}"
            columns.append(KnownColumn(name=name, physical=device.name, costs=found[1]))
    if not columns:
        raise DataError(
            f"expected latencies of known devices on {space.name}, found none; see `hwnas data list` for tables to pull"
        )
    summary = f"{' and '.join(sorted(kinds))} latencies of {len(vectors):,} networks in {len(columns)} settings"
    return KnownLatencies(vectors=vectors, columns=tuple(columns), summary=summary)


def learn_few_shot(space: Space, *, seed: int = 0) -> FewShotModel:
    """Learn the few-shot model of a space from all its known devices; one or two minutes. Same seed, same model."""
    known = known_latencies(space, seed=seed)
    facts = {"learned_from": known.summary, "networks": len(known.vectors), "seed": seed}
    return learn(space, known.vectors, known.columns, facts=facts, seed=seed)


def find_few_shot_model(space: Space) -> FewShotModel | None:
    """The user's own few-shot model of a space, else the shipped one, or None. Raises `DataError` for damaged ones."""
    for folder in (cache_folder() / "predictors", SHIPPED_FOLDER):
        model = open_model(folder, space.name)
        if model is not None:
            return model
    return None


def few_shot_model(space: Space) -> FewShotModel:
    """As `find_few_shot_model`. Raises `DataError` where there is none, too."""
    model = find_few_shot_model(space)
    if model is None:
        raise DataError(
            f"expected a few-shot model of {space.name}, found none in {cache_folder() / 'predictors'} or among what "
            "is shipped; make one with hwnas.latency.known_devices.learn_few_shot"
        )
    return model


def _reference_nets(space: Space, columns: list[Column], *, seed: int) -> Integer[Array, "n v"]:
    """Networks of the tables of a space that cannot be enumerated, else a sample of all networks."""
    if space.enumerable:
        return space.sample(min(_REFERENCE_NETS, space.size), seed=seed)
    for column in columns:
        table = data.open_table(column.table)
        if table is not None and "architectures" in table:
            return space.from_table_rows(table["architectures"])
    raise DataError(
        f"expected a table of {space.name} in the cache, found none; run `hwnas data pull` for one of "
        f"{', '.join(sorted({column.table for column in columns})) or 'its tables'}"
    )


def _latencies(
    space: Space, device: Device, column: Column, vectors: Integer[Array, "n v"]
) -> tuple[str, Float[Array, " n"]] | None:
    """("measured" or "predicted", latencies), or None where the table is absent and nothing is predicted."""
    try:
        model = cost_model("latency", device, space=space.name, dataset=column.dataset)
    except DataError:
        return None
    estimate = model.predict(vectors)
    return estimate.provenance.kind, np.asarray(estimate.mean, dtype=np.float64)
