"""Costs of a model as a person reads them."""

from __future__ import annotations

import pytest

from hwnas.api.prediction_texts import cost_text
from hwnas.results import CostResult


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ((2.0, 1.0, 3.0), "2 [1, 3]"),
        ((2.0, None, None), "2"),
        ((0.00333, 7.16e-06, 4.88e3), "0.00333 [7.16e-06, 4.88e+03], not known"),
        ((1.0, 0.0, 3.0), "1 [0, 3], not known"),
        ((2.0, 0.5, 50.0), "2 [0.5, 50]"),
    ],
)
def test_an_interval_that_says_nothing_is_said(values: tuple[float | None, ...], text: str) -> None:
    mean, lower, upper = values
    assert cost_text(CostResult(mean=mean, lower=lower, upper=upper)) == text


def test_a_cost_without_a_value() -> None:
    nothing = CostResult(mean=None, lower=None, upper=None)
    assert (cost_text(nothing), cost_text(nothing, lack="no model of it")) == ("no model", "no model of it")
