"""What a zero-cost proxy is: a pure function of evidence, with frozen facts about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, get_args

from hwnas.errors import UnknownNameError, UsageError

if TYPE_CHECKING:
    from hwnas.proxies.evidence import Evidence

# Each is a field of `Evidence`; `hwnas/proxies/passes` says how it is gathered.
Need = Literal[
    "graph",
    "weights",
    "gradients",
    "activation_agreement",
    "unnormalised_agreement",
    "channel_saliency",
    "jacobian",
    "synflow",
    "gaussian",
    "stages",
    "hessian_gradient",
    "half_gradients",
    "sign_sums",
    "tangent_kernel",
    "region_counts",
    "random_features",
    "unit_patterns",
    "smallest_eigenvalues",
    "activation_ranks",
]
# Evidence that is the weights of a module's layers, or their gradients: it needs layers with weights.
OF_WEIGHTS: Final[frozenset[Need]] = frozenset(
    {
        "weights",
        "gradients",
        "channel_saliency",
        "synflow",
        "gaussian",
        "hessian_gradient",
        "half_gradients",
        "sign_sums",
        "tangent_kernel",
    }
)


@dataclass(frozen=True, kw_only=True)
class Proxy:
    """A number that stands in for the accuracy of a network that nobody trained.

    name: how commands call it. title: one line for a person.
    needs: the evidence that `score` reads; the engine gathers each kind once for all proxies.
    score: the function; higher is better for every proxy ("direction" of the paper is turned where it differs).
    source: publication and equation. fails: where it is known to mislead.
    uses_data, uses_labels: whether the score depends on the images and on their labels.
    by_architecture: whether it is a count of the architecture as written, dead operations included: it then differs
    between identical networks, every space knows it for all its architectures, and no table holds it.
    second_order: whether it differentiates twice, or once for each image: several times the work of a gradient.
    turned: whether the paper's number is smaller for better networks, and the score is its opposite.
    constants: numbers that decide the score beside the formula, such as repeats; tables of scores hold them.
    revision: raised whenever the formula changes, so that a table of scores by an earlier one is not gone on with.
    least_images: the smallest batch that says anything; 2 where images are compared.
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
    by_architecture: bool = False
    second_order: bool = False
    turned: bool = False
    constants: Mapping[str, int | float] = field(default_factory=dict)
    revision: int = 1
    least_images: int = 1
    unit: str = ""
    minus_infinity: str = ""

    def __post_init__(self) -> None:
        """Check the names of the evidence; raise `UsageError`."""
        if not isinstance(self.needs, (frozenset, set)):
            raise UsageError(
                f"expected needs of {self.name} to be a set of names, got {self.needs!r}; "
                "e.g. frozenset({'gradients'})"
            )
        for need in sorted(self.needs):
            if need not in get_args(Need):
                raise UnknownNameError(f"evidence that {self.name} needs,", need, get_args(Need))
