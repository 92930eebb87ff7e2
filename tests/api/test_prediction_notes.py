"""When a total leaves out more than a little: the rule, at its edges."""

from __future__ import annotations

import pytest

from hwnas.api.prediction_notes import Lack, Uncovered, lacks_much, work_unknown


def _part(macs: float, moved: float, lack: Lack = "no model") -> Uncovered:
    return Uncovered(kind="lstm", count=1, macs_percent=macs, bytes_percent=moved, lack=lack)


@pytest.mark.parametrize(
    ("uncovered", "bound"),
    [
        ([], False),
        ([_part(1.0, 5.0)], False),
        ([_part(1.01, 0.0)], True),
        ([_part(0.0, 5.01)], True),
        ([_part(0.6, 0.0), _part(0.6, 0.0)], True),
        ([_part(0.0, 3.0), _part(0.0, 3.0)], True),
    ],
)
def test_more_than_a_little(uncovered: list[Uncovered], bound: bool) -> None:
    assert lacks_much(uncovered) is bound and not work_unknown(uncovered)


@pytest.mark.parametrize("lack", ["shape not known", "kind not known"])
def test_unknown_work_is_never_a_little(lack: Lack) -> None:
    assert lacks_much([_part(0.0, 0.0, lack)]) and work_unknown([_part(0.0, 0.0, lack)])
