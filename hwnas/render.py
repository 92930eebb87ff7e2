"""A result as text and HTML: which cells, digits and lines there are. The command line prints the same sheets.

A table must fit a terminal of 80 columns with nothing cut off, so an architecture is shown by one character for each
operation, `3|s1|-a3`, and a legend; its index stands beside, and files have the string of the space.
"""

from __future__ import annotations

import html
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, final

from hwnas.errors import UnknownNameError
from hwnas.results import CostResult, FrontResult, ObjectiveResult, ParetoResult

_CODES: Final[Mapping[str, str]] = {
    "nor_conv_3x3": "3",
    "nor_conv_1x1": "1",
    "avg_pool_3x3": "a",
    "skip_connect": "s",
    "none": "-",
}
_NOTHING: Final = "-"
_CELL: Final = "cell"
_LONGEST: Final = 40  # characters of an architecture in a table; longer ones stand below it, under a number
_COMPARISON: Final = (
    *("front", "K", "relative\nhypervolume", "IGD+"),
    *("accuracy lost\npoints", "best listed\n%", "over budget\nnets"),
)


@final
@dataclass(frozen=True, kw_only=True)
class Sheet:
    """A table of text. heading: may have several lines; numeric: columns that are aligned to the right."""

    title: str
    heading: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: tuple[int, ...]


def shown_fronts(result: ParetoResult, also: Sequence[str] = ()) -> list[FrontResult]:
    """The fronts to list in full: those of the proxies asked for, and `also` by name; "all" is every one.

    Raises `UnknownNameError` for a front that the result does not have.
    """
    names = [front.name for front in result.fronts]
    for name in also:
        if name not in (*names, "all"):
            raise UnknownNameError("front", name, [*names, "all"])
    return [f for f in result.fronts if f.role == "proxy" or f.name in also or "all" in also]


def front_sheet(result: ParetoResult, front: FrontResult) -> Sheet:
    """The nets of one front: rank, index, architecture, costs with intervals, score, true accuracy where known."""
    costs = (*result.objectives, *result.other_costs)
    columns: list[tuple[str, list[str]]] = [
        ("rank", [str(net.rank) for net in front.nets]),
        *_architectures(front),
        *((_heading(cost), cost_cells([net.costs[cost.id] for net in front.nets])) for cost in costs),
    ]
    if any(net.score is not None for net in front.nets):
        columns.append((f"{front.name}\nscore", _numbers([net.score for net in front.nets], significant=4)))
    if any(net.accuracy_percent is not None for net in front.nets):
        columns.append(("accuracy\ntrue, %", [_fixed(net.accuracy_percent, 2) for net in front.nets]))
    return Sheet(
        title=front_title(result, front),
        heading=tuple(name for name, _ in columns),
        rows=tuple(zip(*(cells for _, cells in columns), strict=True)),
        numeric=tuple(number for number, (name, _) in enumerate(columns) if name != _CELL),
    )


def front_title(result: ParetoResult, front: FrontResult) -> str:
    """One line: which front of what, on which device, within which budgets."""
    kind = {"truth": "true front", "reference": "reference front (predicted cost)"}.get(front.role, front.name)
    what = ("architecture" if result.raw else "network") + "s" * (len(front.nets) != 1)
    budgets = [f"{_name(o)} <= {o.bound:g} {o.unit}" for o in result.objectives if o.bound is not None]
    within = f" with {' and '.join(budgets)}" if budgets else ""
    sure = f" at confidence {result.confidence:g}" if budgets and result.confidence is not None else ""
    return f"{kind}: {len(front.nets)} {what} of {result.space} on {result.dataset}, {result.device}{within}{sure}"


def comparison_sheet(result: ParetoResult) -> Sheet | None:
    """What each front finds of the true one, a row for each; None where there is none to compare with."""
    judges = [front for front in result.fronts if front.role in ("truth", "reference")]
    if not judges:
        return None
    rows = []
    for front in result.fronts:
        found = front.comparison
        best = [net.accuracy_percent for net in front.nets if net.accuracy_percent is not None]
        name = front.name if front not in judges else {"reference": "reference"}.get(front.role, "truth")
        rows.append(
            (
                name,
                str(found.k),
                _fixed(found.relative_hypervolume, 3),
                _fixed(found.igd_plus, 3),
                _fixed(found.accuracy_lost_points, 2),
                _fixed(max(best, default=None), 2),
                _fixed(found.infeasible, 1),
            )
        )
    over_budget = any(front.comparison.infeasible for front in result.fronts)
    columns = 7 if over_budget else 6
    title = "compared with the " + ("true front" if judges[0].role == "truth" else "reference front (predicted cost)")
    return Sheet(
        title=title,
        heading=_COMPARISON[:columns],
        rows=tuple(row[:columns] for row in rows),
        numeric=tuple(range(1, columns)),
    )


def source_lines(result: ParetoResult, fronts: Iterable[FrontResult]) -> list[str]:
    """Why figures are null, where each number comes from, and what else a careful reader should know."""
    fronts = list(fronts)
    lines = [f"not compared: {reason}" for reason in _reasons(result)]
    lines += _long_architectures(fronts)
    if any(short_architecture(net.arch) != net.arch for front in fronts for net in front.nets):
        codes = ", ".join(f"{code} {name}" for name, code in _CODES.items())
        lines.append(f"cell: operations on edges 0→1 | 0→2 1→2 | 0→3 1→3 2→3: {codes}")
    costs = (*result.objectives, *result.other_costs)
    for source in dict.fromkeys(cost.source for cost in costs):
        lines.append(f"{', '.join(_name(cost) for cost in costs if cost.source == source)}: {source}")
    if any(cost.lower is not None for front in fronts for net in front.nets for cost in net.costs.values()):
        lines.append(f"[lower, upper]: {result.interval_level:.0%} intervals")
    lines += [f"{front.name}: {front.source}" for front in fronts if front.role in ("proxy", "baseline")]
    lines.append(f"accuracy: {result.accuracy_source}")
    if result.reference_point:
        units = {cost.id: cost.unit for cost in costs} | {"accuracy_percent": "%"}
        point = ", ".join(f"{name} {value:.4g} {units[name]}" for name, value in result.reference_point.items())
        lines.append(f"reference point: {point.replace('accuracy_percent', 'accuracy')}")
    return lines + [f"note: {note}" for note in result.notes]


def result_text(result: ParetoResult, also: Sequence[str] = ()) -> str:
    """The whole answer as plain text, tables aligned with blanks."""
    fronts = shown_fronts(result, also)
    sheets = [front_sheet(result, front) for front in fronts]
    comparison = comparison_sheet(result)
    blocks = [aligned(sheet) for sheet in [*sheets, *([comparison] if comparison else [])]]
    return "\n\n".join([*blocks, "\n".join(source_lines(result, fronts))])


def result_html(result: ParetoResult) -> str:
    """The whole answer as HTML without style sheets or scripts, for notebooks and reports."""
    fronts = shown_fronts(result)
    sheets = [front_sheet(result, front) for front in fronts]
    comparison = comparison_sheet(result)
    return html_of([*sheets, *([comparison] if comparison else [])], source_lines(result, fronts), name="pareto")


def text_of(sheet: Sheet, lines: Iterable[str]) -> str:
    """A table with lines below it as plain text."""
    return "\n".join([aligned(sheet), *lines])


def html_of(sheets: Iterable[Sheet], lines: Iterable[str], *, name: str) -> str:
    """Tables with lines below them as HTML, in the class `hwnas-` and the name of the job."""
    tables = "".join(map(_html_table, sheets))
    items = "".join(f"<li>{html.escape(line)}</li>" for line in lines)
    return f'<div class="hwnas-{name}">{tables}<ul>{items}</ul></div>'


def short_architecture(arch: str) -> str:
    """`3|s1|-a3` for a string of NAS-Bench-201, a character for each operation; any other string as it is."""
    nodes = [[word.partition("~")[0] for word in node.strip("|").split("|")] for node in arch.split("+")]
    if not all(operation in _CODES for node in nodes for operation in node):
        return arch
    return "|".join("".join(_CODES[operation] for operation in node) for node in nodes)


def _architectures(front: FrontResult) -> list[tuple[str, list[str]]]:
    """Index and architecture of each net; a number of its own where the architecture is too long for a table."""
    if _too_long(front):
        return [("net", [f"#{number}" for number in range(1, len(front.nets) + 1)])]
    return [
        ("index", [_NOTHING if net.index is None else str(net.index) for net in front.nets]),
        (_CELL, [short_architecture(net.arch) for net in front.nets]),
    ]


def _too_long(front: FrontResult) -> bool:
    return any(len(short_architecture(net.arch)) > _LONGEST for net in front.nets)


def _long_architectures(fronts: Sequence[FrontResult]) -> list[str]:
    """`flops #1: ...` for each net whose architecture does not stand in its table."""
    return [
        f"{front.name} #{number}: {net.arch}"
        for front in fronts
        if _too_long(front)
        for number, net in enumerate(front.nets, start=1)
    ]


def cost_cells(costs: Sequence[CostResult]) -> list[str]:
    """`18.42` for single values, `18.4 [17.6, 19.3]` with an interval, "-" where there is no value.

    All cells of a column have the same number of decimals: four significant digits at the median, three with intervals.
    """
    with_interval = any(cost.lower is not None for cost in costs)
    digits = decimals([cost.mean for cost in costs], significant=3 if with_interval else 4)
    return [
        _fixed(cost.mean, digits)
        + ("" if cost.lower is None else f" [{_fixed(cost.lower, digits)}, {_fixed(cost.upper, digits)}]")
        for cost in costs
    ]


def decimals(values: Iterable[float | None], *, significant: int) -> int:
    """Digits after the point that give the median value so many significant digits."""
    sizes = [abs(value) for value in values if value]
    if not sizes:
        return 0
    return max(0, significant - 1 - math.floor(math.log10(statistics.median(sizes))))


def _numbers(values: Sequence[float | None], *, significant: int) -> list[str]:
    digits = decimals(values, significant=significant)
    return [_fixed(value, digits) for value in values]


def _fixed(value: float | None, digits: int) -> str:
    """A number with so many decimals; a value that would read 0 without being 0 gets two significant digits."""
    if value is None:
        return _NOTHING
    text = f"{value:,.{digits}f}"
    return f"{value:.2g}" if value and not text.strip("-0.") else text


def _name(cost: ObjectiveResult) -> str:
    """`energy` for `energy_mj`, `energy of pixel3` where the id has a device, `params` for counts."""
    name, _, device = cost.id.partition(".")
    name = name.removesuffix(f"_{cost.unit.lower()}")
    return f"{name} of {device}" if device else name


def _heading(cost: ObjectiveResult) -> str:
    lines = _name(cost).split(" of ")
    unit = f"at least, {cost.unit}" if cost.lower_bound else cost.unit
    return "\n".join(lines if cost.device is None else [*lines, unit])


def _reasons(result: ParetoResult) -> list[str]:
    """Reasons of null figures, once each, with the fronts they hold for unless that is all of them."""
    compared = [front for front in result.fronts if front.role in ("proxy", "baseline")]
    said = []
    for reason in dict.fromkeys(front.comparison.reason_if_null for front in compared):
        names = [front.name for front in compared if front.comparison.reason_if_null == reason]
        if reason is not None:
            said.append(reason if len(names) == len(compared) else f"{', '.join(names)}: {reason}")
    return said


def aligned(sheet: Sheet) -> str:
    """The sheet as lines of text, two blanks between columns."""
    headings = [name.split("\n") for name in sheet.heading]
    depth = max(map(len, headings))
    lines = [[lines[row] if row < len(lines) else "" for lines in headings] for row in range(depth)]
    cells = [*lines, *map(list, sheet.rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(headings))]
    texts = []
    for row in cells:
        padded = [
            cell.rjust(width) if column in sheet.numeric else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        texts.append("  ".join(padded).rstrip())
    return "\n".join([sheet.title, *texts])


def _html_table(sheet: Sheet) -> str:
    align = ["right" if column in sheet.numeric else "left" for column in range(len(sheet.heading))]

    def row(cells: Sequence[str], tag: str) -> str:
        pairs = zip(cells, align, strict=True)
        escaped = (f'<{tag} style="text-align:{side}">{html.escape(cell)}</{tag}>' for cell, side in pairs)
        return f"<tr>{''.join(escaped)}</tr>".replace("\n", "<br>")

    body = "".join(row(cells, "td") for cells in sheet.rows)
    head = row(sheet.heading, "th")
    return f"<table><caption>{html.escape(sheet.title)}</caption><thead>{head}</thead><tbody>{body}</tbody></table>"
