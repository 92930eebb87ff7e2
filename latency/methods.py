"""Ways to make a latency model of a new device, by name: how each adapts, and how its model is kept and opened."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol, final, runtime_checkable

from hwnas.arrays import Array, Float, Integer
from hwnas.errors import DataError, UnknownNameError
from hwnas.estimates import Estimate, Target
from hwnas.latency.adapted_files import load_adapted, save_adapted
from hwnas.latency.alone import AdaptedAlone, adapt_alone
from hwnas.latency.alone_files import load_alone, save_alone
from hwnas.latency.fewshot import AdaptedModel, LeaveOneOut, Suspect, adapt
from hwnas.latency.known_devices import find_few_shot_model
from hwnas.spaces import Space

AUTO: Final = "auto"
ALONE: Final = "alone"
_FILES: Final = "latency"


@runtime_checkable
class Taught(Protocol):
    """What known devices taught. facts: JSON values for people, the names of the `devices` among them."""

    @property
    def facts(self) -> Mapping[str, Any]: ...


@runtime_checkable
class AdaptedLatency(Protocol):
    """What an adapted latency model answers, whatever its method; the members are explained in `AdaptedModel`."""

    space: str
    device: str
    target: Target

    @property
    def model(self) -> Taught: ...

    def predict(self, architectures: Integer[Array, "n v"], *, confidence: float = 0.9) -> Estimate: ...

    def left_out(self) -> tuple[Float[Array, " n"], Float[Array, " n"]]: ...

    def leave_one_out(self) -> LeaveOneOut: ...

    def suspect(self) -> list[Suspect]: ...

    def next_nets(self, k: int = 3, *, seed: int = 0) -> Integer[Array, "k v"]: ...


@final
@dataclass(frozen=True, kw_only=True)
class Method:
    """A way to adapt.

    title: for people. adapt: a function with the arguments of `fewshot.adapt`. save: writes a model's files into a
    folder; load: opens them, and raises `DataError` where they are absent or damaged.
    """

    title: str
    adapt: Callable[..., AdaptedLatency]
    save: Callable[[Path, Any], None]
    load: Callable[[Path], Any]


@contextmanager
def _or_alone() -> Iterator[None]:
    """Adds to what a method that learns from known devices says where there are none: one that does not."""
    try:
        yield
    except DataError as error:
        raise DataError(f"{error}; the method {ALONE!r} needs no known device") from error


def _adapt_latent(*arguments: Any, **options: Any) -> AdaptedLatency:
    with _or_alone():
        return adapt(*arguments, **options)


def _save_latent(folder: Path, model: AdaptedModel) -> None:
    save_adapted(folder, _FILES, model)


def _load_latent(folder: Path) -> AdaptedModel:
    return load_adapted(folder, _FILES)


def _adapt_meta(*arguments: Any, **options: Any) -> AdaptedLatency:
    from hwnas.latency.meta import adapt_meta_latency

    with _or_alone():
        return adapt_meta_latency(*arguments, **options)


def _save_meta(folder: Path, model: Any) -> None:
    from hwnas.latency.meta_files import save_adapted_meta

    save_adapted_meta(folder, _FILES, model)


def _load_meta(folder: Path) -> AdaptedLatency:
    from hwnas.latency.meta_files import load_adapted_meta

    return load_adapted_meta(folder, _FILES)


def _save_alone(folder: Path, model: AdaptedAlone) -> None:
    save_alone(folder, _FILES, model)


def _load_alone(folder: Path) -> AdaptedAlone:
    return load_alone(folder, _FILES)


# The best on validation devices first: that is what "auto" takes where known devices taught the space.
METHODS: Final[Mapping[str, Method]] = {
    "latent": Method(title="a latent few-shot model", adapt=_adapt_latent, save=_save_latent, load=_load_latent),
    "meta": Method(title="a meta-learned graph network", adapt=_adapt_meta, save=_save_meta, load=_load_meta),
    ALONE: Method(
        title="a regression on what each network does, from its own measurements alone",
        adapt=adapt_alone,
        save=_save_alone,
        load=_load_alone,
    ),
}


def get_method(name: str) -> tuple[str, Method]:
    """Name and facts of a way to adapt; "auto" is the first. Raises `UnknownNameError`."""
    wanted = next(iter(METHODS)) if name == AUTO else name
    if wanted not in METHODS:
        raise UnknownNameError("method of adapting", name, [*METHODS, AUTO])
    return wanted, METHODS[wanted]


def method_for(space: Space, name: str) -> tuple[str, Method]:
    """As `get_method`, in a space: "auto" is "alone" where known devices taught nothing. Raises `UnknownNameError`."""
    if name != AUTO:
        return get_method(name)
    return get_method(ALONE if find_few_shot_model(space) is None else AUTO)
