"""What few-shot models see of an architecture: groups of columns in which latency is close to linear.

Measured times are sums over operators, so that a device's relative latency is nearly linear in how often each operator
runs. A few groups, from what every device charges for to what hardly any does, let a prior say how far a new device may
go in each of them (`LatentPrior`). Some runtimes execute all operators as they are written; others leave out whatever
cannot reach the output. Ten measurements can tell the two apart, so that a space with such operators has two forms of
its features, its *executions*.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import Final, Literal, final

import numpy as np

from hwnas.arrays import Array, Bool, Float, Int, Integer
from hwnas.spaces import Space
from hwnas.spaces.four_node_cells import NONE
from hwnas.spaces.ofa_layers import BLOCKS, DEPTHS

Execution = Literal["as written", "pruned"]
Groups = dict[str, Float[Array, "n c"]]
UNUSED: Final = "unused"
"""Group that is zero as written: what a pruning runtime might still spend on operators that it could leave out."""


def executions(space: Space) -> tuple[Execution, ...]:
    """In which ways a runtime may execute networks of this space, the plain one first."""
    return ("as written", "pruned") if _feature_map(space) is _cell_features else ("as written",)


def feature_groups(space: Space, vectors: Integer[Array, "n v"], execution: Execution) -> Groups:
    """Raw columns of each group, not standardised. Raises `UsageError` for vectors that are not of the space."""
    space.check(vectors)
    return _feature_map(space)(space, vectors, execution)


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class FeatureScale:
    """Turns raw groups into the columns of a model: a constant, then each group at the same average size.

    names: of the groups, the constant first. group: number of the group of each column. centre, spread: of each column;
    a group has one spread, so that the squares of its columns add up to 1 for an average network.
    """

    names: tuple[str, ...]
    group: Int[Array, " p"]
    centre: Float[Array, " p"]
    spread: Float[Array, " p"]

    def __call__(self, groups: Groups) -> Float[Array, "n p"]:
        """Standardised columns of n networks."""
        columns = np.concatenate([np.ones((len(groups[self.names[1]]), 1)), *groups.values()], axis=1)
        return np.asarray((columns - self.centre) / self.spread)


def feature_scale(written: Groups, pruned: Groups | None = None) -> FeatureScale:
    """Centre and spread of reference networks as they are written; of unused operators, as they are pruned."""
    centres, spreads, group = [np.zeros(1)], [np.ones(1)], [np.zeros(1, dtype=np.int64)]
    for number, (name, columns) in enumerate(written.items(), start=1):
        centre = columns.mean(axis=0)
        deviations = columns - centre
        if name == UNUSED and pruned is not None:
            deviations = pruned[name]
        size = np.sqrt(np.mean((deviations**2).sum(axis=1)))
        centres.append(centre)
        spreads.append(np.full(columns.shape[1], size if size > 0 else 1.0))
        group.append(np.full(columns.shape[1], number, dtype=np.int64))
    return FeatureScale(
        names=("constant", *written),
        group=np.concatenate(group),
        centre=np.concatenate(centres),
        spread=np.concatenate(spreads),
    )


def model_features(space: Space, vectors: Integer[Array, "n v"], scale: FeatureScale) -> Float[Array, "e n p"]:
    """Columns of the model for n networks under each execution that the space knows."""
    return np.stack([scale(feature_groups(space, vectors, execution)) for execution in executions(space)])


def reaches_output(vectors: Integer[Array, "n 6"]) -> Bool[Array, "n 6"]:
    """Which edges of a four-node cell a pruning runtime executes: their result reaches the output of the cell.

    Whether something comes in does not matter, as operators on zeros run like others. Only where nothing at all leads
    from the input to the output the whole network is a constant, and no edge is executed.
    """
    e01, e02, e12, e03, e13, e23 = (vectors != NONE).T
    from_1, from_2 = e13 | (e12 & e23), e23
    connected = e03 | (e01 & from_1) | (e02 & from_2)
    reaching = np.stack([e01 & from_1, e02 & from_2, e12 & from_2, e03, e13, e23], axis=1)
    return np.asarray(reaching & connected[:, None])


def _cell_features(space: Space, vectors: Integer[Array, "n v"], execution: Execution) -> Groups:
    """Four-node cells: how often each operation runs, products of these numbers, and which edge carries it."""
    operations = space.choices[0]
    written = np.eye(operations)[vectors][:, :, 1:]  # `none` is the absence of an operation
    executed = written
    unused = np.zeros((len(vectors), operations))
    if execution == "pruned":
        reaching = reaches_output(vectors)
        executed = written * reaching[:, :, None]
        unused[:, 1:] = (written - executed).sum(axis=1)
        unused[:, 0] = ~reaching.any(axis=1)
    counts = executed.sum(axis=1)
    expected = vectors.shape[1] / operations
    return {
        "counts": counts,
        "products": _products(counts - expected),
        "places": _flat(executed),
        UNUSED: unused,
    }


def _fbnet_features(space: Space, vectors: Integer[Array, "n v"], _: Execution) -> Groups:
    """FBNet: costs of the whole network, how often each operation occurs, and the operation of each layer."""
    flat = space.features(vectors).astype(np.float64)
    one_hot = flat[:, 5:]
    counts = one_hot.reshape(len(vectors), len(space.choices), space.choices[0]).sum(axis=1)
    return {"totals": flat[:, :5], "counts": counts, "places": one_hot}


def _ofa_features(space: Space, vectors: Integer[Array, "n v"], _: Execution) -> Groups:
    """Once-for-All: costs of the whole network, image size, depths, and each block: what it is and what it costs."""
    flat = space.features(vectors).astype(np.float64)
    depths = _flat(np.eye(len(DEPTHS))[vectors[:, 2 * BLOCKS : -1]])
    return {"totals": flat[:, :5], "image": flat[:, 5:7], "depths": depths, "places": flat[:, 7:]}


def _plain_features(space: Space, vectors: Integer[Array, "n v"], _: Execution) -> Groups:
    """Any other space: parameters and multiply-accumulates, and the choice at each position."""
    counts = space.counts(vectors, dataset=space.datasets[0])
    totals = np.stack([counts["params"], counts["macs"]], axis=1).astype(np.float64)
    columns = [np.eye(choice)[vectors[:, position]] for position, choice in enumerate(space.choices)]
    return {"totals": totals, "places": np.concatenate(columns, axis=1)}


def _flat(columns: Float[Array, "n a b"]) -> Float[Array, "n c"]:
    """All columns of a network side by side; for no networks too, where numpy cannot infer the number of columns."""
    return columns.reshape(len(columns), columns.shape[1] * columns.shape[2])


def _products(values: Float[Array, "n c"]) -> Float[Array, "n q"]:
    """Squares and products of all pairs of columns."""
    pairs = combinations_with_replacement(range(values.shape[1]), 2)
    return np.stack([values[:, i] * values[:, j] for i, j in pairs], axis=1)


def _feature_map(space: Space) -> Callable[[Space, Integer[Array, "n v"], Execution], Groups]:
    return _FEATURES.get(space.name, _plain_features)


_FEATURES: Final[Mapping[str, Callable[[Space, Integer[Array, "n v"], Execution], Groups]]] = {
    "nasbench201": _cell_features,
    "transnas-micro": _cell_features,
    "fbnet": _fbnet_features,
    "ofa": _ofa_features,
}
