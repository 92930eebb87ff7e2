"""What speaks against choosing networks by a device's model, from its figures and its measurements."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

import numpy as np

from hwnas.api.adapt_forms import Figures
from hwnas.latency.measurements import Measurements
from hwnas.latency.methods import ALONE

_POOR: Final = 30.0  # percent of median error, above which a model is no basis for a choice
_CHANCE: Final = 1.645  # standard deviations of Spearman without any relation, which is below this in 95 % of cases
_FEW: Final = 5  # nets, below which even a perfect order may be chance
_DIFFER: Final = 2.0  # how many repeat errors networks have to differ by
_BETTER: Final = 0.8  # of the model's error, and a point of percent below it: less moves by chance


def doubts(used: Measurements, left_out: Figures, checked: Figures | None) -> tuple[str, ...]:
    """One sentence each: large errors, an order no better than chance, latencies that differ no more than rounds do.

    checked: figures of nets measured to judge by, which tell before leaving one out does.
    """
    return (
        *_error_doubt(left_out, checked),
        *_order_doubt(left_out, checked),
        *_difference_doubt(used),
    )


def baseline_notes(method: str, left_out: Figures, baselines: Mapping[str, float]) -> tuple[str, ...]:
    """What to do where a simple baseline predicts left-out nets clearly better; its median error (percent) by name."""
    best = min(baselines, key=lambda name: baselines[name])
    error = left_out.median_error_percent
    if baselines[best] > min(_BETTER * error, error - 1):
        return ()
    advice = (
        "measure more networks, or check by `hwnas plan --check 20` which is right"
        if method == ALONE
        else f"known devices may be unlike this one: compare `--method {ALONE}` under another --name"
    )
    return (
        f"the baseline {best!r} predicts left-out nets better than the model, by a median error of "
        f"{baselines[best]:.1f} % instead of {error:.1f} %; {advice}",
    )


def _error_doubt(left_out: Figures, checked: Figures | None) -> list[str]:
    whose, judged = _judged(left_out, checked)
    if judged.median_error_percent <= _POOR:
        return []
    return [
        f"a median error of {judged.median_error_percent:.0f} % {whose} is no basis for choosing networks; measure "
        "more networks, with more rounds and nothing else running"
    ]


def _judged(left_out: Figures, checked: Figures | None) -> tuple[str, Figures]:
    """Whose figures count, and these."""
    if checked is not None and checked.nets >= _FEW:
        return "of the nets measured as checks", checked
    return "leaving one out", left_out


def _order_doubt(left_out: Figures, checked: Figures | None) -> list[str]:
    whose, judged = _judged(left_out, checked)
    order = judged.spearman
    if order is not None and judged.nets < _FEW and order > 0:
        return []
    if order is not None and order * math.sqrt(judged.nets - 1) > _CHANCE:
        return []
    said = "none, as all are equal," if order is None else f"{order:.2f}"
    return [
        f"Spearman {whose} is {said} for {judged.nets} nets, no better than chance: the model does not tell which "
        "network is faster; was the right thing timed? Measure networks that differ more, with more rounds"
    ]


def _difference_doubt(used: Measurements) -> list[str]:
    spread = used.spread[np.isfinite(used.spread)]
    if not len(spread):
        return []
    repeat, between = 100 * float(spread.mean()), 100 * float(np.log(used.latency_ms).std())
    if between > _DIFFER * repeat:
        return []
    return [
        f"latencies hardly differ between networks, by {between:.1f} % (standard deviation), where rounds of one net "
        f"differ by {repeat:.1f} %: what runs beside the networks may be all that was timed"
    ]
