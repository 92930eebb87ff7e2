"""BRP-NAS's binary predictor (Dudziak et al. 2020, section 4): a GCN that says which of two networks is more accurate.

There one linear layer reads the embeddings of both networks, so that its answer is a difference: of a score of the one
and a score of the other. Here the score is the output, the logistic function of the difference is what the loss takes
for the probability that one network is better, and networks are ordered by scores where the paper sorts by comparisons.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, final

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
        """A number for each network: the more, the more accurate. Raises `UsageError` for other spaces' vectors."""
        inputs = encode("gcn", self.space, vectors)
        outputs = torch.cat([self.model(block)[:, 0] for block in torch.split(inputs, _BLOCK)])
        return np.asarray(outputs.double().numpy())

    def better(self, first: Integer[Array, "n v"], second: Integer[Array, "n v"]) -> Float[Array, " n"]:
        """From 0 to 1, above one half where each of `first` is taken to be more accurate than its partner in `second`.

        It orders pairs, and is no calibrated probability: trained on few networks it is far too sure. Of pairs of
        NASBench-201 at 0.9 and more after 40 trained networks, 86 % are ordered so.
        """
        return np.asarray(1.0 / (1.0 + np.exp(self.scores(second) - self.scores(first))))


def fit_binary(
    space: Space, vectors: Integer[Array, "n v"], accuracy: Float[Array, " n"], *, seed: int, steps: int = STEPS
) -> BinaryPredictor:
    """Train on all pairs of n networks with accuracies in any unit; equal accuracies teach a probability of one half.

    Same arguments, same predictor on one machine; the global random state is left as it was. Raises `UsageError` for
    less than two networks, where all are equally accurate, and for an accuracy that is not finite.
    """
    _require_finite(space, vectors, accuracy)
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


def _require_finite(space: Space, vectors: Any, accuracy: Any) -> None:
    """Raise `UsageError` for lists in the place of arrays, and with the network whose accuracy is not finite."""
    if not isinstance(vectors, np.ndarray) or not isinstance(accuracy, np.ndarray):
        raise UsageError(
            "expected architectures and accuracies as arrays, got "
            f"{type(vectors).__name__} and {type(accuracy).__name__}; give numpy.array(...)"
        )
    wrong = np.flatnonzero(~np.isfinite(accuracy[: len(vectors)]))
    if len(wrong):
        arch = space.strings(vectors[wrong[:1]])[0]
        raise UsageError(
            f"expected finite accuracies, got {accuracy[wrong[0]]} for {arch}, and such in {len(wrong)} of "
            f"{len(accuracy)} networks; leave out networks whose training failed"
        )
