"""Meta-training: episodes of tasks, the loss on networks that were not measured, Adam over weights and inner rates.

The first part of the training takes no gradient steps inside: the embedding and the closed form learn their share at a
quarter of the price. Then each episode differentiates through the steps (second order).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, final

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import vmap

from hwnas.predictors.meta_gcn import MetaGCN, few_shot, standardise
from hwnas.predictors.meta_tasks import MEASURED, KnownTasks, TaskMix, draw_task
from hwnas.predictors.regressor import load_tensors, save_tensors
from hwnas.threads import one_thread

Progress = Callable[[int, int], None]
_HUBER: Final = 0.5  # of the outer loss, in standard deviations of the measured log costs
_WARM_UP: Final = 50
_KEPT_EVERY: Final = 200
_LARGE: Final = 16
_ADAM: Final = ("step", "exp_avg", "exp_avg_sq")


@final
@dataclass(frozen=True, kw_only=True)
class MetaPlan:
    """Hyperparameters of meta-training, chosen on HELP's validation devices.

    episodes, tasks per episode, queries per task. plain: share of the episodes without gradient steps inside.
    learning_rate: peak of a cosine schedule; inner rates learn by `rate_of_rates`, in log units.
    """

    episodes: int = 2400
    tasks: int = 8
    queries: int = 30
    plain: float = 0.75
    learning_rate: float = 3e-3
    rate_of_rates: float = 0.02
    mix: TaskMix = field(default_factory=TaskMix)


def plan_for(nodes: int) -> MetaPlan:
    """The plan for graphs of so many nodes: an episode with 24 takes twice as long as one with 9, so half as many."""
    return MetaPlan(episodes=2400 if nodes < _LARGE else 1200)


def meta_train(
    model: MetaGCN,
    known: KnownTasks,
    *,
    plan: MetaPlan,
    seed: int,
    checkpoint: Path | None = None,
    progress: Progress = lambda _done, _total: None,
) -> None:
    """Fit `model` in place; same arguments, same result on one machine.

    checkpoint: file in which the state is kept, so that an interrupted training goes on where it was; it belongs to
    these devices, plan and seed, and is ignored by others. Its caller removes it.
    """
    rates = [parameter for name, parameter in model.named_parameters() if name == "log_rates"]
    others = [parameter for name, parameter in model.named_parameters() if name != "log_rates"]
    groups = [{"params": others, "lr": plan.learning_rate}, {"params": rates, "lr": plan.rate_of_rates}]
    optimiser = torch.optim.Adam(groups)
    peaks = [group["lr"] for group in optimiser.param_groups]
    key = _key(known, plan, seed)
    nodes = torch.from_numpy(known.nodes)
    with one_thread():
        for episode in range(_resume(model, optimiser, checkpoint, key), plan.episodes):
            for group, peak in zip(optimiser.param_groups, peaks, strict=True):
                group["lr"] = peak * _schedule(episode, plan.episodes)
            loss = _episode_loss(model, nodes, known, episode=episode, plan=plan, seed=seed)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            norm = nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            if torch.isfinite(norm):  # else one episode would turn every weight into NaN: seen once in 10,000
                optimiser.step()
            progress(episode + 1, plan.episodes)
            if checkpoint is not None and ((episode + 1) % _KEPT_EVERY == 0 or episode + 1 == plan.episodes):
                save_tensors(checkpoint, _state(model, optimiser, episode + 1, key))


def _episode_loss(
    model: MetaGCN, nodes: Tensor, known: KnownTasks, *, episode: int, plan: MetaPlan, seed: int
) -> Tensor:
    rng = np.random.default_rng([seed, episode])
    measured = int(rng.choice(MEASURED))
    drawn = [draw_task(known, plan.mix, networks=measured + plan.queries, rng=rng) for _ in range(plan.tasks)]
    inputs = nodes[np.stack([rows for rows, _ in drawn])]
    costs = torch.from_numpy(np.stack([log_costs for _, log_costs in drawn]).astype(np.float32))
    steps = 0 if episode < plan.plain * plan.episodes else model.shape.taught_steps
    predicted, _ = few_shot(model, inputs[:, :measured], costs[:, :measured], inputs[:, measured:], steps=steps)
    _, _, spread = vmap(standardise)(costs[:, :measured])
    error = (predicted - costs[:, measured:]) / spread[:, None]
    return nn.functional.smooth_l1_loss(error, torch.zeros_like(error), beta=_HUBER)


def _schedule(episode: int, episodes: int) -> float:
    """Share of the peak: linear warm-up, then a cosine to a hundredth."""
    falling = 0.5 * (1 + math.cos(math.pi * episode / episodes)) + 0.01
    return min(1.0, (episode + 1) / _WARM_UP) * falling


def _key(known: KnownTasks, plan: MetaPlan, seed: int) -> Tensor:
    """Digest of everything that a training depends on."""
    digest = hashlib.sha256(f"{plan} {seed}".encode())
    digest.update(known.nodes.tobytes() + known.log_costs.tobytes())
    return torch.frombuffer(bytearray(digest.digest()), dtype=torch.uint8)


def _state(model: MetaGCN, optimiser: torch.optim.Adam, episode: int, key: Tensor) -> dict[str, Tensor]:
    tensors = {"episode": torch.tensor(episode), "key": key}
    for name, parameter in model.named_parameters():
        tensors[name] = parameter.detach()
        state = optimiser.state.get(parameter, {})  # inner rates have none before the first gradient step inside
        tensors |= {f"{name}/{part}": state[part] for part in _ADAM if part in state}
    return {name: tensor.contiguous() for name, tensor in tensors.items()}


def _resume(model: MetaGCN, optimiser: torch.optim.Adam, checkpoint: Path | None, key: Tensor) -> int:
    """Bring model and optimiser to the kept state; the number of episodes that are done."""
    if checkpoint is None or not checkpoint.exists():
        return 0
    tensors = load_tensors(checkpoint)
    if not torch.equal(tensors["key"], key):
        return 0
    for name, parameter in model.named_parameters():
        parameter.data.copy_(tensors[name])
        if f"{name}/step" in tensors:
            optimiser.state[parameter] = {part: tensors[f"{name}/{part}"] for part in _ADAM}
    return int(tensors["episode"])
