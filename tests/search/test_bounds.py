"""Bounds that no search could keep are refused before it begins."""

from __future__ import annotations

import numpy as np
import pytest

from hwnas.errors import UsageError
from hwnas.search import Problem, SearchSettings
from hwnas.spaces import NASBench201


@pytest.mark.parametrize("bound", [float("nan"), float("inf")])
def test_bounds_are_finite_numbers_or_none(bound: float) -> None:
    with pytest.raises(UsageError, match="expected finite bounds, or None"):
        Problem(space=NASBench201(), bounds=(bound, None), evaluate=lambda vectors: np.zeros((len(vectors), 2)))
    with pytest.raises(UsageError, match="expected finite bounds, or None"):
        SearchSettings(bounds=(None, bound))
