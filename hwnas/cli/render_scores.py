"""How `hwnas score` shows what it did."""

from __future__ import annotations

import numpy as np

from hwnas.api.network_forms import NetworkResult, NetworkScore
from hwnas.api.score_forms import SavedTable, ScoreColumn, ScoreResult, reason_not_finite
from hwnas.cli.console import print_json, print_table


def networks(result: ScoreResult, *, as_json: bool) -> None:
    """Print one line per proxy for a single network, one per network for several; then where the scores are from."""
    if as_json:
        print_json(result.to_dict())
        return
    columns = result.columns
    if len(result.architectures) == 1:
        print(result.architectures[0])
        lines = [(column.proxy.name, _cell(column, 0, exact=True), column.proxy.unit) for column in columns]
        print_table(("proxy", "score", "unit"), lines, numeric=(1,))
    else:
        names = [column.proxy.name for column in columns]
        rows = [[_label(result, row), *(_cell(c, row) for c in columns)] for row in range(len(result.architectures))]
        print_table(("net", *names), rows, numeric=range(1, len(names) + 1))
        for row, architecture in enumerate(result.architectures):
            print(f"{_label(result, row)}: {architecture}")
    print(f"Scores on {result.dataset}; higher is better.")
    for source in dict.fromkeys(column.source for column in columns):
        print(f"{', '.join(c.proxy.name for c in columns if c.source == source)}: {source}")
    for reason in dict.fromkeys(_reasons(result)):
        print(reason)


def network(result: NetworkResult, *, as_json: bool) -> None:
    """Print a network's scores, what they were computed on, and why some are missing."""
    answer = result.to_dict()
    if as_json:
        print_json(answer)
        return
    print(result.network)
    lines = [(score.proxy.name, _number(score), score.proxy.unit) for score in result.scores]
    print_table(("proxy", "score", "unit"), lines, numeric=(1,))
    print(f"Scores on {result.images}; {result.loss}, seed {result.seed}; higher is better.")
    for name, reason in answer["nets"][0]["reasons"].items():
        print(f"{name}: {reason.removeprefix(f'{name} ')}")
    for source in dict.fromkeys(score.source for score in result.scores if score.proxy.unit):
        print(f"{', '.join(s.proxy.name for s in result.scores if s.source == source)}: {source}")
    for note in result.notes:
        print(f"note: {note}")


def table(saved: SavedTable, *, as_json: bool) -> None:
    """Print what the table has and where it lies."""
    if as_json:
        print_json(saved.to_dict())
        return
    scores, recipe = saved.table, saved.table.recipe
    print(f"{len(scores.network_ids):,} networks by {', '.join(scores.proxies)}, {len(scores.missing):,} unfinished")
    print(f"on {recipe['dataset']}: {recipe['images']}; seed {recipe['seed']}")
    for proxy, count in saved.undefined.items():
        print(f"{proxy}: undefined (NaN) for {count:,} networks")
    print(f"written to {saved.path}")


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
    return [
        f"{column.proxy.name}: {reason_not_finite(column.proxy, value)}"
        for column in result.columns
        for value in column.scores[~np.isfinite(column.scores)].tolist()
    ]
