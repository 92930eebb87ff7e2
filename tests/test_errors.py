"""Errors survive the way from a worker process: pickled and read back they say the same."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest

from hwnas.devices.kit import OtherKitError
from hwnas.errors import HwnasError, MissingExtraError, UnknownNameError
from hwnas.service.store.errors import TooManyJobsError

# What classes take that do not take a message.
ARGUMENTS: dict[type[HwnasError], tuple[object, ...]] = {
    OtherKitError: (Path("kit"),),
    UnknownNameError: ("proxy", "sinflow", ["zen", "synflow"]),
    MissingExtraError: ("a picture", "plot"),
    TooManyJobsError: (4, 3),
}


def classes(base: type[HwnasError] = HwnasError) -> Iterator[type[HwnasError]]:
    yield base
    for its in base.__subclasses__():
        yield from classes(its)


@pytest.mark.parametrize("kind", sorted(set(classes()), key=lambda kind: kind.__name__))
def test_an_error_can_be_pickled(kind: type[HwnasError]) -> None:
    error = kind(*ARGUMENTS.get(kind, ("expected a, got b; do c",)))
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        back = pickle.loads(pickle.dumps(error, protocol))
        assert type(back) is kind and str(back) == str(error) != ""
        assert vars(back) == vars(error) and back.exit_code == error.exit_code


def test_what_an_unknown_name_knows_comes_back() -> None:
    error = UnknownNameError("proxy", "sinflow", iter(["zen", "synflow"]))
    back = pickle.loads(pickle.dumps(error))
    assert (back.kind, back.name, back.near) == ("proxy", "sinflow", ("synflow",))
    assert str(back) == "proxy 'sinflow' is not known; did you mean 'synflow'?"
