"""What a result looks like: digits, units, nothing cut off, and each number where the result has it."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import hwnas
from hwnas.errors import UnknownNameError
from hwnas.render import (
    comparison_sheet,
    cost_cells,
    decimals,
    front_sheet,
    result_html,
    result_text,
    short_architecture,
    shown_fronts,
)
from hwnas.results import CostResult, ParetoResult
from hwnas.spaces import get_space

SPACE = get_space("nasbench201")


@pytest.fixture
def result(shipped: Path) -> ParetoResult:
    return hwnas.pareto("tx2", budget_mj=20, proxies=["zen", "synflow"], nets=6)


def single(*values: float | None) -> list[CostResult]:
    return [CostResult(mean=value, lower=None, upper=None) for value in values]


def test_short_form_of_all_architectures_is_unambiguous() -> None:
    strings = SPACE.strings(SPACE.all_vectors())
    short = [short_architecture(arch) for arch in strings]
    assert len(set(short)) == SPACE.size and {len(text) for text in short} == {8}
    net = "|nor_conv_3x3~0|+|skip_connect~0|nor_conv_1x1~1|+|none~0|avg_pool_3x3~1|nor_conv_3x3~2|"
    assert short_architecture(net) == "3|s1|-a3"


@pytest.mark.parametrize("arch", ["", "resnet18", "|conv_9x9~0|+|none~0|none~1|", "[3, 5, 7]"])
def test_an_architecture_of_another_form_is_shown_as_it_is(arch: str) -> None:
    assert short_architecture(arch) == arch


def test_digits_of_costs() -> None:
    assert cost_cells(single(18.4249, 2.0593, 19.9)) == ["18.42", "2.06", "19.90"]
    assert cost_cells(single(1_073_466.0, 73_306.0)) == ["1,073,466", "73,306"]
    assert cost_cells(single(0.01139, None)) == ["0.01139", "-"]
    assert cost_cells(single(20.0, 15.0, 0.001)) == ["20.00", "15.00", "0.001"], "a small cost never reads 0"
    assert cost_cells([CostResult(mean=18.4249, lower=17.6, upper=19.3049)]) == ["18.4 [17.6, 19.3]"]
    assert cost_cells([]) == []


@given(st.floats(1e-6, 1e9), st.integers(1, 6))
def test_a_number_keeps_its_significant_digits(value: float, significant: int) -> None:
    shown = float(f"{value:.{decimals([value], significant=significant)}f}")
    assert abs(shown - value) <= 0.5001 * 10 ** (1 - significant) * value
    assert decimals([None, 0.0], significant=significant) == 0


def test_every_listed_net_has_a_row_with_its_numbers(result: ParetoResult) -> None:
    front = result.front("zen")
    sheet = front_sheet(result, front)
    assert sheet.heading == ("rank", "index", "cell", "energy\nmJ", "latency\nms", "zen\nscore")
    assert sheet.title == "zen: 6 networks of nasbench201 on cifar10, jetson-tx2 with energy <= 20 mJ"
    for row, net in zip(sheet.rows, front.nets, strict=True):
        assert row[:3] == (str(net.rank), str(net.index), short_architecture(net.arch))
        shown = [float(number) for number in re.findall(r"[\d.]+", row[3])]
        energy = net.costs["energy_mj"]
        assert shown == pytest.approx([energy.mean, energy.lower, energy.upper], abs=0.051)
        assert row[5] == "-" if net.score is None else float(row[5]) == pytest.approx(net.score, abs=0.006)


def test_the_text_fits_80_columns_and_says_where_numbers_come_from(result: ParetoResult) -> None:
    text = str(result)
    assert repr(result) == text
    tables, lines = text.rsplit("\n\n", 1)
    assert max(map(len, tables.splitlines())) <= 80
    assert text.index("zen: 6 networks") < text.index("synflow: 6 networks") and "params: 6" not in text
    for said in (
        "not compared: true accuracy is not known here",
        "energy, latency: predicted by GCN, trained on 12500 nets, median error 1.8 %",
        "[lower, upper]: 90% intervals",
        "zen: Lin 2021",
        "computed by hwnas on made-up images, seed 0",
        "note: budgets hold on the best estimate",
        "cell: operations on edges",
    ):
        assert said in lines, said


def test_which_fronts_are_listed(result: ParetoResult) -> None:
    assert [front.name for front in shown_fronts(result)] == ["zen", "synflow"]
    assert [front.name for front in shown_fronts(result, ["params"])] == ["zen", "synflow", "params"]
    assert len(shown_fronts(result, ["all"])) == len(result.fronts)
    with pytest.raises(UnknownNameError, match="front 'truth' is not known"):  # no accuracies here
        shown_fronts(result, ["truth"])


def compared(result: ParetoResult) -> ParetoResult:
    """The result as if it had been compared; one figure is null, one list broke the budget."""
    zen, synflow, *others = result.fronts
    figures = replace(
        zen.comparison, relative_hypervolume=0.51234, igd_plus=0.25, accuracy_lost_points=1.2345, infeasible=1.4
    )
    zen = replace(zen, comparison=replace(figures, reason_if_null=None))
    synflow = replace(synflow, comparison=replace(synflow.comparison, reason_if_null="nothing was found"))
    nets = tuple(replace(net, accuracy_percent=90.0 + number, score=None) for number, net in enumerate(zen.nets))
    truth = replace(zen, name="truth", role="reference", nets=nets)
    fronts = (zen, synflow, *(replace(front, comparison=zen.comparison) for front in others), truth)
    return replace(result, fronts=fronts, reference_point={"energy_mj": 20.0, "accuracy_percent": 90.745})


def test_comparison_has_a_row_for_each_front_and_reasons_for_what_is_null(result: ParetoResult) -> None:
    assert comparison_sheet(result) is None
    known = compared(result)
    sheet = comparison_sheet(known)
    assert sheet is not None and sheet.title == "compared with the reference front (predicted cost)"
    assert sheet.rows[0] == ("zen", "6", "0.512", "0.250", "1.23", "-", "1.4")
    assert sheet.rows[1][:5] == ("synflow", "6", "-", "-", "-")
    assert sheet.rows[-1][0] == "reference" and sheet.rows[-1][5] == "95.00"
    text = result_text(known, ["truth"])
    assert "not compared: synflow: nothing was found" in text
    assert "reference point: energy_mj 20 mJ, accuracy 90.75 %" in text
    reference = text[text.index("reference front (predicted cost): 6 networks") :]
    assert "true, %" in reference and "score" not in reference[: reference.index("compared")]


class Reader(HTMLParser):
    """Counts tags, and refuses ones that are not closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: dict[str, int] = {}

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.seen[tag] = self.seen.get(tag, 0) + 1
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_html_is_whole_and_escaped(result: ParetoResult) -> None:
    reader = Reader()
    reader.feed(result._repr_html_())
    assert not reader.open and "script" not in reader.seen
    assert reader.seen["table"] == 2 and reader.seen["tr"] == 2 * (6 + 1)
    sly = replace(result, notes=("<script>alert(1)</script>",))
    assert "<script>" not in result_html(sly) and "&lt;script&gt;" in result_html(sly)
