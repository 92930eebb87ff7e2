"""A trained regressor of all heads, and its form on disk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from hwnas.arrays import Array, Float, Integer
from hwnas.errors import DataError
from hwnas.folders import write_whole
from hwnas.predictors.training import LogScale, ModelKind, build_model, encode, log_scale, plan_for, train
from hwnas.spaces import Space
from hwnas.threads import one_thread


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Regressor:
    """One trained network with one output per head. Its weights are rounded to float16, the form that is shipped."""

    kind: ModelKind
    space: Space
    model: nn.Module
    scale: LogScale

    @torch.no_grad()
    def predict(self, vectors: Integer[Array, "n v"]) -> Float[Array, "n h"]:
        """Costs (ms or mJ) of every head; in blocks, so that memory stays flat."""
        inputs = encode(self.kind, self.space, vectors)
        outputs = torch.cat([self.model(block) for block in torch.split(inputs, 4096)]).double().numpy()
        return np.asarray(np.exp(outputs * self.scale.spread + self.scale.centre))

    def tensors(self) -> dict[str, Tensor]:
        """Weights in float16, and the scale of each head in float64."""
        weights = {name: tensor.half().contiguous() for name, tensor in self.model.state_dict().items()}
        return weights | {
            "scale.centre": torch.from_numpy(self.scale.centre),
            "scale.spread": torch.from_numpy(self.scale.spread),
        }


def fit_regressor(
    kind: ModelKind,
    space: Space,
    vectors: Integer[Array, "n v"],
    costs: Float[Array, "n h"],
    *,
    seed: int,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Regressor:
    """Train on costs (ms or mJ, NaN where not measured) of n nets. Same arguments, same result on one machine."""
    log_costs = np.log(costs)
    scale = log_scale(log_costs)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = build_model(kind, space, heads=costs.shape[1])
    targets = torch.from_numpy(((log_costs - scale.centre) / scale.spread).astype(np.float32))
    plan = plan_for(kind, len(vectors))
    with one_thread():
        train(model, encode(kind, space, vectors), targets, plan=plan, seed=seed, progress=progress)
    return Regressor(kind=kind, space=space, model=model.half().float(), scale=scale)


def regressor_from_tensors(kind: ModelKind, space: Space, tensors: dict[str, Tensor]) -> Regressor:
    """Inverse of `Regressor.tensors`. Raises `DataError` where the tensors are not of this kind and space."""
    weights = {name: tensor.float() for name, tensor in tensors.items() if not name.startswith("scale.")}
    try:
        scale = LogScale(centre=tensors["scale.centre"].numpy(), spread=tensors["scale.spread"].numpy())
        model = build_model(kind, space, heads=len(scale.centre))
        model.load_state_dict(weights)
    except (KeyError, RuntimeError) as error:
        raise DataError(f"expected weights of a {kind} for {space.name}, got others: {error}") from error
    return Regressor(kind=kind, space=space, model=model.eval(), scale=scale)


def save_tensors(path: Path, tensors: dict[str, Tensor]) -> None:
    """Write safetensors, whole or not at all. Raises `DataError` where the folder cannot be written."""
    write_whole(path, save(tensors))


def load_tensors(path: Path) -> dict[str, Tensor]:
    """Read safetensors. Raises `DataError` for a damaged file."""
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise DataError(f"{path}: expected trained weights, got {error}; delete it and train again") from error
