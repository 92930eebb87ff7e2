"""Scores as a person reads them: a table, then what they are of and where they are from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hwnas.render import Sheet

if TYPE_CHECKING:
    from hwnas.api.network_forms import NetworkResult, NetworkScore
    from hwnas.api.score_forms import ScoreColumn, ScoreResult


def networks_sheet(result: ScoreResult) -> Sheet:
    """One row per proxy for a single network, one per network for several."""
    columns, count = result.columns, len(result.architectures)
    if count == 1:
        rows = [(column.proxy.name, _cell(column, 0, exact=True), column.proxy.unit) for column in columns]
        return Sheet(title=result.architectures[0], heading=("proxy", "score", "unit"), rows=tuple(rows), numeric=(1,))
    names = [column.proxy.name for column in columns]
    cells = [(_label(result, row), *(_cell(column, row) for column in columns)) for row in range(count)]
    title = f"{count} networks of {result.space}"
    return Sheet(title=title, heading=("net", *names), rows=tuple(cells), numeric=tuple(range(1, len(names) + 1)))


def networks_lines(result: ScoreResult) -> list[str]:
    """The networks of a table of several, what they were scored on, sources, why a score is not finite, notes."""
    columns = result.columns
    several = enumerate(result.architectures) if len(result.architectures) > 1 else ()
    sources = dict.fromkeys(column.source for column in columns)
    reasons = dict.fromkeys(_reasons(result))
    return [
        *(f"{_label(result, row)}: {architecture}" for row, architecture in several),
        f"Scores on {result.dataset}; higher is better.",
        *(f"{', '.join(c.proxy.name for c in columns if c.source == source)}: {source}" for source in sources),
        *reasons,
        *(f"note: {note}" for note in result.notes),
    ]


def network_sheet(result: NetworkResult) -> Sheet:
    """One row per proxy."""
    rows = tuple((score.proxy.name, _number(score), score.proxy.unit) for score in result.scores)
    return Sheet(title=result.network, heading=("proxy", "score", "unit"), rows=rows, numeric=(1,))


def network_lines(result: NetworkResult) -> list[str]:
    """What a network was scored on, why scores are missing, who counted what, and notes."""
    reasons = result.to_dict()["nets"][0]["reasons"]
    sources = dict.fromkeys(score.source for score in result.scores if score.proxy.unit)
    return [
        f"Scores on {result.images}; {result.loss}, seed {result.seed}; higher is better.",
        *(f"{name}: {reason.removeprefix(f'{name} ')}" for name, reason in reasons.items()),
        *(f"{', '.join(s.proxy.name for s in result.scores if s.source == source)}: {source}" for source in sources),
        *(f"note: {note}" for note in result.notes),
    ]


def _cell(column: ScoreColumn, row: int, *, exact: bool = False) -> str:
    """Counts exact or in millions, scores with five digits."""
    value = float(column.scores[row])
    if column.kind != "counted":
        return f"{value:.5g}"
    return f"{value:,.0f}" if exact else f"{value / 1e6:,.3f}M"


def _number(score: NetworkScore) -> str:
    if score.value is None:
        return "-"
    return f"{score.value:,.0f}" if score.proxy.unit else f"{score.value:.5g}"


def _label(result: ScoreResult, row: int) -> str:
    """The index in the space, where it has one, else the place in the question."""
    index = result.index[row]
    return f"#{row + 1}" if index is None else str(index)


def _reasons(result: ScoreResult) -> list[str]:
    from hwnas.api.score_forms import reason_not_finite

    return [
        f"{column.proxy.name}: {reason_not_finite(column.proxy, value)}"
        for column in result.columns
        for value in column.scores[~np.isfinite(column.scores)].tolist()
    ]
