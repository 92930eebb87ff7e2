"""REINFORCE (Williams 1992) on architectures: every position draws its choice by a softmax of its own, no torch."""

from __future__ import annotations

import math
from typing import Final, final

import numpy as np

from hwnas.arrays import Array, Float, Integer
from hwnas.errors import UsageError
from hwnas.spaces import Space

LEARNING_RATE: Final = 0.4
DECAY: Final = 0.9  # of the mean reward that is the baseline


@final
class Reinforce:
    """A policy over architectures, and what its rewards teach it.

    The logarithm of the probability of a drawn choice has the gradient (one-hot - probabilities); each step is the
    learning rate times the reward above the running mean, in running standard deviations.
    """

    def __init__(self, space: Space, *, seed: int, learning_rate: float = LEARNING_RATE) -> None:
        self.space, self.learning_rate = space, learning_rate
        self.rng = np.random.default_rng(seed)
        self.logits = [np.zeros(choice) for choice in space.choices]
        self._mean: float | None = None
        self._variance = 0.0
        self._low, self._high = math.inf, -math.inf  # of the finite rewards

    @property
    def probabilities(self) -> list[Float[Array, " c"]]:
        """Of each choice of each position."""
        return [softmax(logits) for logits in self.logits]

    def sample(self) -> Integer[Array, " v"]:
        """An architecture of the policy."""
        drawn = [self.rng.choice(len(p), p=p) for p in self.probabilities]
        return np.array(drawn, dtype=np.int8)

    def learn(self, vector: Integer[Array, " v"], reward: float) -> None:
        """Make an architecture more probable where its reward is above the mean so far, else less.

        Minus infinity is as far below the worst finite reward so far as that is below the best (by 1 where they are
        equal), infinity as far above the best; before a finite one they teach nothing. Raises `UsageError` for NaN.
        """
        if math.isnan(reward):
            raise UsageError(
                f"expected a reward for {self.space.strings(vector[None])[0]}, got NaN; give minus infinity where it "
                "is worse than any, or leave the network out"
            )
        if math.isinf(reward):
            if self._low > self._high:
                return
            reach = self._high - self._low or 1.0
            reward = self._high + reach if reward > 0 else self._low - reach
        else:
            self._low, self._high = min(self._low, reward), max(self._high, reward)
        if self._mean is None:
            self._mean = reward
        gain = reward - self._mean
        self._variance = DECAY * self._variance + (1 - DECAY) * gain**2
        scale = gain / np.sqrt(self._variance) if self._variance else 0.0
        for logits, probabilities, choice in zip(self.logits, self.probabilities, vector.tolist(), strict=True):
            logits -= self.learning_rate * scale * probabilities
            logits[choice] += self.learning_rate * scale
        self._mean += (1 - DECAY) * gain


def softmax(logits: Float[Array, " c"]) -> Float[Array, " c"]:
    """Probabilities that are proportional to the exponential."""
    grown = np.exp(logits - logits.max())
    return np.asarray(grown / grown.sum())
