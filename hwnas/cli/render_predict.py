"""How `hwnas predict` shows costs of architectures."""

from __future__ import annotations

from hwnas.api.cost_texts import costs_lines, costs_sheet
from hwnas.api.predict import PredictResult
from hwnas.cli.console import print_json, print_table


def print_prediction(answer: PredictResult, *, as_json: bool) -> None:
    """Print one row per architecture, and the sources below."""
    if as_json:
        print_json(answer.to_dict())
        return
    sheet = costs_sheet(answer)
    print_table(sheet.heading, sheet.rows, numeric=sheet.numeric, title=sheet.title)
    for line in costs_lines(answer):
        print(line)
