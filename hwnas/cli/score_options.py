"""Options of `hwnas score`: which belong to which of its three uses, and those of a network of one's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from hwnas.errors import UnknownNameError, UsageError

if TYPE_CHECKING:
    from hwnas.api.network_forms import NetworkSettings


def check_belonging(kind: str, options: Mapping[str, Mapping[str, object]]) -> None:
    """Raise `UsageError` for an option that was given and belongs to another use than `kind`."""
    for use, values in options.items():
        given = [f"--{name}" for name, value in values.items() if value not in (None, False)]
        if given and kind not in use.split(" or "):
            verb = "belongs" if len(given) == 1 else "belong"
            raise UsageError(f"{', '.join(given)} {verb} to {use}, not to {kind}; leave out one or the other")


def network_settings(
    *, batch_size: int, seed: int, labels: str, classes: int | None, shape: str | None, size: int | None
) -> NetworkSettings:
    """The settings that the words say. Raises `UsageError`."""
    from hwnas.api.network_forms import NetworkSettings

    if labels not in ("given", "random"):
        raise UnknownNameError("kind of labels", labels, ("given", "random"))
    return NetworkSettings(
        batch_size=batch_size,
        seed=seed,
        shape=NetworkSettings.shape if shape is None else _shape(shape),
        side=size,
        random_labels=labels == "random",
        classes=classes,
    )


def _shape(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(word) for word in text.split(","))
    except ValueError:
        raise UsageError(f"expected --shape to be numbers with commas, as 3,32,32, got {text!r}") from None
