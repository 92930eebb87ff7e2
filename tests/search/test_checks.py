"""What arrives at a search from a caller is read, or refused by name; the rest of the suite executes annotations."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from hwnas.errors import UsageError
from hwnas.search.checks import architectures, numbers, require_flag, whole_number


def test_whole_numbers_and_flags() -> None:
    assert whole_number("n", 5) == whole_number("n", np.int8(5)) == 5
    for value in (1.5, 5.0, float("nan"), "5", None):
        with pytest.raises(UsageError, match="expected n to be a whole number, got"):
            whole_number("n", value)
    require_flag("raw", True)
    require_flag("raw", np.bool_(False))
    for word in ("no", 0, None):
        with pytest.raises(UsageError, match="expected raw to be True or False, got"):
            require_flag("raw", word)


def test_arrays() -> None:
    assert architectures([[0, 1], [2, 3]]).shape == (2, 2)
    assert numbers("costs", [[1], [2]], axes=2).dtype == np.float64
    for wrong in ([0, 1], [[0.5, 1.0]], [["a", "b"]], [[0, 1], [2]], None):
        with pytest.raises(UsageError, match="expected architectures as"):
            architectures(wrong)
    for wrong in ([1.0, 2.0], [["a"]], [[{}]], [[1.0], []]):
        with pytest.raises(UsageError, match="expected costs as"):
            numbers("costs", wrong, axes=2)
    with pytest.raises(UsageError, match=r"violations as numbers of shape \(n,\), got shape \(1, 1\)"):
        numbers("violations", [[1.0]], axes=1)


SCRIPT = """
import numpy as np
from hwnas.errors import UsageError
from hwnas.search import KnownCosts, Limits, SearchSettings, make_search
from hwnas.spaces import NASBench201

space = NASBench201()
search = make_search("random", space, SearchSettings(start=[[3, 3, 3, 3, 3, 3]]))
vectors = search.ask(2)
assert vectors[0].tolist() == [3] * 6
search.tell(vectors.tolist(), [[1], [2.0]], [0, 0])
assert search.known_costs.tolist() == [[1.0], [2.0]]
for call in (
    lambda: SearchSettings(seed=1.5),
    lambda: SearchSettings(raw="no"),
    lambda: Limits(evaluations=float("nan")),
    lambda: Limits(evaluations=30.5),
    lambda: Limits(patience=2.5),
    lambda: Limits(least=float("nan")),
    lambda: search.ask(5.0),
    lambda: search.tell(vectors, np.ones(2), np.zeros(2)),
    lambda: KnownCosts(5),
    lambda: KnownCosts(facts={"objective": len}),
):
    try:
        call()
    except UsageError as error:
        print(error)
    else:
        print("taken")
"""


def test_a_script_without_type_checks_is_told_the_same() -> None:
    run = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    told = run.stdout.splitlines()
    expected = [
        "the seed of a search to be a whole number, got 1.5",
        "raw of a search to be True or False, got 'no'",
        "evaluations of a search to be a whole number, got nan",
        "evaluations of a search to be a whole number, got 30.5",
        "the patience of a search to be a whole number, got 2.5",
        "least growth of at least 0, got nan",
        "asked for to be a whole number, got 5.0",
        "costs as numbers of shape (n, m), got shape (2,)",
        "the path of a file, or None, got 5",
        "facts as names with plain values",
    ]
    assert len(told) == len(expected)
    for line, words in zip(told, expected, strict=True):
        assert words in line
