"""`hwnas proxies`: which zero-cost proxies there are."""

from __future__ import annotations

from typing import Annotated

import typer

from hwnas.cli.console import print_json, print_table


def proxies_command(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Zero-cost proxies: what they are, what they need, and where they were published."""
    from hwnas.api.listings import list_proxies

    proxies = list_proxies()
    if as_json:
        print_json({"proxies": proxies})
        return
    needs = {(False, False): "-", (True, False): "images", (True, True): "images, labels"}
    rows = [
        (proxy["name"], proxy["title"], needs[proxy["uses_data"], proxy["uses_labels"]], proxy["source"])
        for proxy in proxies
    ]
    print_table(("proxy", "what", "needs", "source"), rows)
    print("Higher is better for every proxy.")
