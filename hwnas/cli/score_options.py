"""Options of `hwnas score`: which belong to which of its three uses, and those of a network of one's own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from hwnas.errors import UnknownNameError, UsageError

if TYPE_CHECKING:
    from hwnas.api.network_forms import NetworkSettings


def kind_of_use(architectures: list[str] | None, *, whole: bool, module: str | None) -> str:
    """Which of the three it is. Raises `UsageError` unless it is one."""
    asked = [name for name, given in (("networks", architectures), ("--all", whole), ("--module", module)) if given]
    if len(asked) != 1:
        got = "neither" if not asked else "both" if len(asked) == 2 else "all"
        raise UsageError(
            f"expected networks, --all or --module, got {got}; e.g. `hwnas score 1462`, `hwnas score --all` or "
            "`hwnas score --module my_networks:tiny_vit`"
        )
    return asked[0]


def check_belonging(kind: str, options: Mapping[str, Mapping[str, object]]) -> None:
    """Raise `UsageError` for an option that was given and belongs to another use than `kind`."""
    for use, values in options.items():
        given = [f"--{name}" for name, value in values.items() if value not in (None, False)]
        if given and kind not in use.split(" or "):
            verb = "belongs" if len(given) == 1 else "belong"
            raise UsageError(f"{', '.join(given)} {verb} to {use}, not to {kind}; leave out one or the other")


def check_images(data: Path | None, *, shape: str | None, size: int | None) -> None:
    """Raise `UsageError` for a shape of noise beside images, or a size of images that are not there."""
    if data is not None and shape is not None:
        raise UsageError("--shape is that of noise and --data gives images; leave out one, or scale them by --size")
    if data is None and size is not None:
        raise UsageError("--size scales the images of --data, which is missing; for noise give --shape")


def network_settings(
    *, batch_size: int | None, seed: int, labels: str, classes: int | None, shape: str | None, size: int | None
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
