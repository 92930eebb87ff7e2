"""How `hwnas score` shows what it did."""

from __future__ import annotations

from hwnas.api.network_forms import NetworkResult
from hwnas.api.score_forms import SavedTable, ScoreResult
from hwnas.api.score_texts import network_lines, network_sheet, networks_lines, networks_sheet
from hwnas.cli.console import print_json, print_table
from hwnas.render import Sheet


def networks(result: ScoreResult, *, as_json: bool) -> None:
    """Print one line per proxy for a single network, one per network for several; then where the scores are from."""
    if as_json:
        print_json(result.to_dict())
        return
    sheet = networks_sheet(result)
    if len(result.architectures) == 1:
        print(sheet.title)
    _print(sheet, networks_lines(result))


def network(result: NetworkResult, *, as_json: bool) -> None:
    """Print a network's scores, what they were computed on, and why some are missing."""
    if as_json:
        print_json(result.to_dict())
        return
    print(result.network)
    _print(network_sheet(result), network_lines(result))


def table(saved: SavedTable, *, as_json: bool) -> None:
    """Print what the table has and where it lies."""
    if as_json:
        print_json(saved.to_dict())
        return
    scores, recipe = saved.table, saved.table.recipe
    print(f"{len(scores.network_ids):,} networks by {', '.join(_scored(saved))}")
    print(f"on {recipe['dataset']}: {recipe['images']}; seed {recipe['seed']}")
    for proxy, count in saved.undefined.items():
        print(f"{proxy}: undefined (NaN) for {count:,} networks")
    for note in saved.notes:
        print(f"note: {note}")
    print(f"written to {saved.path}")


def _scored(saved: SavedTable) -> list[str]:
    """The proxies, and of how many networks where it is not all."""
    columns = zip(saved.table.proxies, (~saved.table.unscored).sum(axis=0).tolist(), strict=True)
    return [name if count == len(saved.table.network_ids) else f"{name} ({count:,} of them)" for name, count in columns]


def _print(sheet: Sheet, lines: list[str]) -> None:
    print_table(sheet.heading, sheet.rows, numeric=sheet.numeric)
    for line in lines:
        print(line)
