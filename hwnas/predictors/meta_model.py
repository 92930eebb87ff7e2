"""All that known devices of a space teach a graph network about a new one (meta_learning.py), and the file of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

import numpy as np
import torch
from torch import Tensor

from hwnas.arrays import Array, Float, Integer
from hwnas.errors import DataError
from hwnas.predictors.fewshot_intervals import Calibration
from hwnas.predictors.meta_gcn import Adapted, MetaGCN, few_shot
from hwnas.predictors.regressor import load_tensors, save_tensors
from hwnas.spaces import Space

VERSION: Final = 1
_REFERENCES: Final = 16  # networks whose log costs are the hardware embedding; HELP has ten
_REFERENCE_SEED: Final = 0
_BLOCK: Final = 4096
_CALIBRATION: Final = ("sizes", "levels", "quantiles")


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class MetaModel:
    """The meta-learned network of a space and the calibration of its intervals. facts: JSON values for people."""

    space: Space
    network: MetaGCN
    calibration: Calibration
    facts: Mapping[str, Any]

    @torch.no_grad()
    def adapt(self, vectors: Integer[Array, "n v"], costs: Float[Array, " n"]) -> Adapted:
        """The network adapted to measured costs in any unit; without gradient steps where these diverge."""
        nodes, logs = encode(self.space, vectors), logarithms(costs)
        adapted = self.network.adapt(nodes, logs)
        return adapted if bool(adapted.dual.isfinite().all()) else self.network.adapt(nodes, logs, steps=0)

    @torch.no_grad()
    def predict(
        self, adapted: Adapted, vectors: Integer[Array, "m v"]
    ) -> tuple[Float[Array, " m"], Float[Array, " m"]]:
        """Costs, and the standard deviation of the logarithm of each; in blocks, so that memory stays flat."""
        logs, deviations = [np.zeros(0)], [np.zeros(0)]
        for start in range(0, len(vectors), _BLOCK):
            log_costs, spread = self.network.predict(adapted, encode(self.space, vectors[start : start + _BLOCK]))
            logs.append(log_costs.double().numpy())
            deviations.append(spread.double().numpy())
        return np.exp(np.concatenate(logs)), np.concatenate(deviations)

    @torch.no_grad()
    def left_out(
        self, vectors: Integer[Array, "n v"], costs: Float[Array, " n"]
    ) -> tuple[Float[Array, " n"], Float[Array, " n"]]:
        """What all the other measurements predict of each, as `predict`."""
        others = np.stack([np.delete(np.arange(len(costs)), row) for row in range(len(costs))])
        nodes, logs = encode(self.space, vectors), logarithms(costs)
        log_costs, spread = few_shot(self.network, nodes[others], logs[others], nodes[:, None])
        return np.exp(log_costs[:, 0].double().numpy()), spread[:, 0].double().numpy()


def encode(space: Space, vectors: Integer[Array, "n v"]) -> Tensor:
    """(n, k, c) nodes of the networks' graphs. Raises `UsageError` for vectors that are not of the space."""
    space.check(vectors)
    return torch.from_numpy(np.ascontiguousarray(space.cell_graphs(vectors).nodes, dtype=np.float32))


def new_network(space: Space, *, seed: int) -> MetaGCN:
    """An untrained network for the space."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return MetaGCN(space.cell_graphs(space.sample(_REFERENCES, seed=_REFERENCE_SEED)))


def logarithms(costs: Float[Array, "*shape"]) -> Tensor:
    """Log costs as the network takes them."""
    return torch.from_numpy(np.log(costs).astype(np.float32))


def save_meta(path: Path, model: MetaModel) -> None:
    """Write weights as float16, calibration and facts. Raises `DataError` where the file cannot be written."""
    header = {"version": VERSION, "space": model.space.name, "facts": dict(model.facts)}
    text = json.dumps(header, allow_nan=False, ensure_ascii=False, sort_keys=True)
    tensors = {"header": torch.frombuffer(bytearray(text.encode()), dtype=torch.uint8)}
    weights = model.network.state_dict()
    tensors |= {f"network.{name}": value.half().contiguous() for name, value in weights.items()}
    tensors |= {name: torch.from_numpy(getattr(model.calibration, name)) for name in _CALIBRATION}
    save_tensors(path, tensors)


def load_meta(path: Path, space: Space) -> MetaModel:
    """Inverse of `save_meta`. Raises `DataError` for a damaged file and one of another space or version."""
    tensors = load_tensors(path)
    try:
        header = json.loads(bytes(tensors["header"].tolist()))
        if (header["version"], header["space"]) != (VERSION, space.name):
            raise DataError(
                f"{path}: expected meta-learned weights of {space.name}, version {VERSION}, got those of "
                f"{header['space']}, version {header['version']}; train them with `hwnas train --meta`"
            )
        network = new_network(space, seed=0)
        prefix = "network."
        weights = {name: value.float() for name, value in tensors.items() if name.startswith(prefix)}
        network.load_state_dict({name.removeprefix(prefix): value for name, value in weights.items()})
        calibration = Calibration(**{name: tensors[name].double().numpy() for name in _CALIBRATION})
        wrong = [name for name, value in tensors.items() if not value.isfinite().all()]
        if wrong:
            raise DataError(f"{path}: expected finite weights, got NaN in {wrong[0]}; train with `hwnas train --meta`")
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise DataError(
            f"{path}: expected meta-learned weights, got {error!r}; train them with `hwnas train --meta`"
        ) from error
    return MetaModel(space=space, network=network.eval(), calibration=calibration, facts=header["facts"])
