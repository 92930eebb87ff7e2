"""What a zero-cost proxy is: a pure function of evidence, with frozen facts about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from hwnas.proxies.evidence import Evidence

Need = Literal["graph", "gradients", "relu_agreement", "synflow", "gaussian"]


@dataclass(frozen=True, kw_only=True)
class Proxy:
    """A number that stands in for the accuracy of a network that nobody trained.

    name: how commands call it. title: one line for a person.
    needs: the evidence that `score` reads; the engine gathers each kind once for all proxies.
    score: the function; higher is better for every proxy ("direction" of the paper is turned where it differs).
    source: publication and equation. fails: where it is known to mislead.
    uses_data, uses_labels: whether the score depends on the images and on their labels.
    unit: of the score, where it has one. minus_infinity: what a score of -inf says, where it can occur.
    """

    name: str
    title: str
    needs: frozenset[Need]
    score: Callable[[Evidence], float]
    source: str
    fails: str
    uses_data: bool
    uses_labels: bool
    unit: str = ""
    minus_infinity: str = ""

    @property
    def by_architecture(self) -> bool:
        """Whether it reads the graph alone: it then counts dead operations and differs between identical networks."""
        return self.needs <= {"graph"}
