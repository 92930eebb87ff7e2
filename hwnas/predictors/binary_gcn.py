"""BRP-NAS's binary predictor (Dudziak et al. 2020, section 4): a GCN that says which of two networks is more accurate.

There one linear layer reads the embeddings of both networks, so that its answer is a difference: of a score of the one
and a score of the other. Here the score is the output, the probability that one network is better is the logistic
function of the difference, and networks are ordered by scores where the paper sorts by comparisons.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, final

import numpy as np
import torch
from torch import nn

from hwnas.arrays import Array, Float, Integer
from hwnas.errors import UsageError
from hwnas.predictors.training import build_model, encode
from hwnas.spaces import Space
from hwnas.threads import one_thread

STEPS: Final = 80  # of 30 networks: 80, 150 and 300 steps order NAS-Bench-201 equally well (Spearman 0.85, 0.84, 0.85)
_LEARNING_RATE: Final = 3e-3
_WEIGHT_DECAY: Final = 1e-3
_BLOCK: Final = 4096


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class BinaryPredictor:
    """A trained GCN; made by `fit_binary`."""

    space: Space
    model: nn.Module

    @torch.no_grad()
    def scores(self, vectors: Integer[Array, "n v"]) -> Float[Array, " n"]:
        """A number for each network: the more, the more accurate; differences are log odds."""
        inputs = encode("gcn", self.space, vectors)
        outputs = torch.cat([self.model(block)[:, 0] for block in torch.split(inputs, _BLOCK)])
        return np.asarray(outputs.double().numpy())

    def better(self, first: Integer[Array, "n v"], second: Integer[Array, "n v"]) -> Float[Array, " n"]:
        """Probability that each of `first` is more accurate than its partner in `second`."""
        return np.asarray(1.0 / (1.0 + np.exp(self.scores(second) - self.scores(first))))


def fit_binary(
    space: Space, vectors: Integer[Array, "n v"], accuracy: Float[Array, " n"], *, seed: int, steps: int = STEPS
) -> BinaryPredictor:
    """Train on all pairs of n networks with accuracies in any unit; equal accuracies teach a probability of one half.

    Same arguments, same predictor on one machine; the global random state is left as it was. Raises `UsageError` for
    less than two networks and where all are equally accurate.
    """
    if len(vectors) != len(accuracy) or len(accuracy) < 2 or not np.ptp(accuracy) > 0:
        raise UsageError(
            f"expected at least two networks of different accuracy, got {len(vectors)} with accuracies "
            f"{np.unique(accuracy)[:3]}; train more"
        )
    with torch.random.fork_rng(devices=[]), one_thread():
        torch.default_generator.manual_seed(seed)
        model = build_model("gcn", space, heads=1)
        inputs = encode("gcn", space, vectors)
        truth = torch.from_numpy(np.asarray(accuracy, dtype=np.float32))
        first, second = torch.triu_indices(len(truth), len(truth), offset=1)
        wanted = 0.5 + 0.5 * torch.sign(truth[first] - truth[second])
        optimiser = torch.optim.AdamW(model.parameters(), lr=_LEARNING_RATE, weight_decay=_WEIGHT_DECAY)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, _LEARNING_RATE, total_steps=steps, pct_start=0.1)
        model.train()
        for _ in range(steps):
            scores = model(inputs)[:, 0]
            loss = nn.functional.binary_cross_entropy_with_logits(scores[first] - scores[second], wanted)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
    return BinaryPredictor(space=space, model=model.eval())
