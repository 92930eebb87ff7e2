"""Meta-learning from the known devices of a space, and intervals that hold on devices that were never seen.

One network is meta-learned from all known devices: it predicts. Three more are learned, each without a third of the
physical devices: what they err by on the devices that they never saw calibrates the intervals, as in
fewshot_intervals.py. (The mean of all four predicted HELP's validation devices less well than the one.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from hwnas.arrays import Array, Integer
from hwnas.errors import UsageError
from hwnas.predictors.fewshot_intervals import SIZES, calibrate
from hwnas.predictors.fewshot_model import KnownColumn
from hwnas.predictors.fewshot_spreads import HeldOut
from hwnas.predictors.meta_gcn import MetaGCN, few_shot
from hwnas.predictors.meta_model import MetaModel, encode, logarithms, new_network
from hwnas.predictors.meta_tasks import known_tasks
from hwnas.predictors.meta_training import MetaPlan, meta_train, plan_for
from hwnas.spaces import Space

Progress = Callable[[str, int, int], None]
PARTS: Final = 3
_DRAWS: Final = 4
_QUERIES: Final = 200


def learn_meta(  # noqa: PLR0913 - devices, plan, seed, place
    space: Space,
    vectors: Integer[Array, "n v"],
    columns: Sequence[KnownColumn],
    *,
    plan: MetaPlan | None = None,
    seed: int = 0,
    facts: Mapping[str, Any] | None = None,
    folder: Path | None = None,
    progress: Progress = lambda _what, _done, _total: None,
) -> MetaModel:
    """Meta-learn from known devices that measured the same n networks. Same arguments, same result on one machine.

    folder: where the state of an interrupted training is kept and looked for. Raises `UsageError` with fewer physical
    devices than parts to leave out.
    """
    physical = sorted({column.physical for column in columns})
    if len(physical) < PARTS:
        raise UsageError(
            f"expected at least {PARTS} known devices of {space.name} to learn from, got {len(physical)}: {physical}"
        )
    nodes = encode(space, vectors).numpy()
    results: list[HeldOut] = []
    kept = [None if folder is None else folder / f"{space.name}_meta_{i}.partial.safetensors" for i in range(PARTS + 1)]
    for number, checkpoint in enumerate(kept):
        left_out = physical[number::PARTS] if number < PARTS else []  # the last one learns from all, and predicts
        network = new_network(space, seed=seed + number)
        meta_train(
            network,
            known_tasks(nodes, [column for column in columns if column.physical not in left_out]),
            plan=plan or plan_for(nodes.shape[1]),
            seed=seed + number,
            checkpoint=checkpoint,
            progress=partial(progress, f"network {number + 1} of {PARTS + 1}"),
        )
        round_weights(network)
        unseen = [column for column in columns if column.physical in left_out]
        results += [result for size in SIZES for result in held_out(network, space, vectors, unseen, measured=size)]
    for path in filter(None, kept):
        path.unlink(missing_ok=True)
    about = {"devices": physical, "columns": [column.name for column in columns], "seed": seed}
    return MetaModel(space=space, network=network, calibration=calibrate(results), facts={**(facts or {}), **about})


def round_weights(network: MetaGCN) -> None:
    """Round the weights to float16, the form that is shipped, so that they predict the same before and after."""
    for parameter in network.parameters():
        parameter.data = parameter.data.half().float()
    network.eval()


def held_out(
    network: MetaGCN,
    space: Space,
    vectors: Integer[Array, "n v"],
    columns: Sequence[KnownColumn],
    *,
    measured: int,
    seed: int = 0,
) -> Iterator[HeldOut]:
    """Errors of one network on devices that it never saw, adapted to random measurements, a few times each."""
    rng = np.random.default_rng([seed, measured])
    for column in columns:
        there = np.flatnonzero(column.costs > 0)
        rows = np.stack([rng.permutation(there)[: measured + _QUERIES] for _ in range(_DRAWS)])
        few, rest = rows[:, :measured], rows[:, measured:]
        logs = np.log(column.costs)
        inputs = encode(space, vectors[rows.ravel()])
        inputs = inputs.reshape(*rows.shape, *inputs.shape[1:])
        with torch.no_grad():
            predicted, deviations = few_shot(
                network, inputs[:, :measured], logarithms(column.costs[few]), inputs[:, measured:]
            )
        for draw in range(_DRAWS):
            yield HeldOut(
                physical=column.physical,
                measured=measured,
                residual=logs[rest[draw]] - predicted[draw].double().numpy(),
                spread=deviations[draw].double().numpy(),
            )
