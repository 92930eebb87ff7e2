"""What scoring a network of one's own takes and gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hwnas.api.score_forms import reason_not_finite
from hwnas.api.score_texts import network_lines, network_sheet
from hwnas.errors import UsageError
from hwnas.proxies import Proxy
from hwnas.render import html_of, text_of
from hwnas.results import SCHEMA_VERSION
from hwnas.version import __version__


@dataclass(frozen=True, kw_only=True)
class NetworkSettings:
    """On what a network is scored.

    batch_size: images read of a file or folder, or drawn as noise; None: 64, or as many as there are.
    seed: of random inputs, labels and dropout.
    shape: of one image of noise. side: images are scaled and cropped to so many pixels; None: as they are.
    random_labels: draw labels also where there are some. classes: of random labels; None: as many as there are logits.
    """

    batch_size: int | None = None
    seed: int = 0
    shape: tuple[int, ...] = (3, 32, 32)
    side: int | None = None
    random_labels: bool = False
    classes: int | None = None

    def __post_init__(self) -> None:
        """Check ranges; raise `UsageError`."""
        for name, least in (("batch_size", 1), ("seed", 0), ("side", 1), ("classes", 1)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise UsageError(f"expected {name} of at least {least}, got {value}")


@dataclass(frozen=True, kw_only=True)
class NetworkScore:
    """The score of a network by one proxy, higher is better; None with the reason why there is none."""

    proxy: Proxy
    value: float | None
    reason: str
    source: str


@dataclass(frozen=True, kw_only=True)
class NetworkResult:
    """Scores of one network, `params` and `flops` among them.

    images, loss: what it was scored on. batch_size: images that were used. notes: what a reader should know.
    """

    network: str
    images: str
    loss: str
    batch_size: int
    seed: int
    scores: tuple[NetworkScore, ...]
    notes: tuple[str, ...]

    def __getitem__(self, name: str) -> float | None:
        """The score by the proxy called `name`. Raises `UsageError` where it was not asked for."""
        for score in self.scores:
            if score.proxy.name == name:
                return score.value
        raise UsageError(f"expected one of {', '.join(score.proxy.name for score in self.scores)}, got {name!r}")

    def __str__(self) -> str:
        """What the command prints."""
        return text_of(network_sheet(self), network_lines(self))

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        """The same as a table, for notebooks."""
        return html_of([network_sheet(self)], network_lines(self), name="score")

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, in the form of scores of architectures; a missing score is None, with its reason."""
        unsaid = {score.proxy.name: score.reason or _not_finite(score) for score in self.scores}
        return {
            "schema_version": SCHEMA_VERSION,
            "hwnas_version": __version__,
            "space": None,
            "images": self.images,
            "loss": self.loss,
            "batch_size": self.batch_size,
            "seed": self.seed,
            "proxies": [
                {
                    "id": score.proxy.name,
                    "direction": "max",
                    "unit": score.proxy.unit,
                    "kind": "counted" if score.proxy.unit else "computed",
                    "source": score.source,
                }
                for score in self.scores
            ],
            "nets": [
                {
                    "arch": self.network,
                    "scores": {s.proxy.name: None if unsaid[s.proxy.name] else s.value for s in self.scores},
                    "reasons": {name: reason for name, reason in unsaid.items() if reason},
                }
            ],
            "notes": list(self.notes),
        }


def _not_finite(score: NetworkScore) -> str:
    return "" if score.value is None else reason_not_finite(score.proxy, score.value)
