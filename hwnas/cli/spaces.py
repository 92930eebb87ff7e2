"""`hwnas spaces`: which search spaces there are."""

from __future__ import annotations

from typing import Annotated

import typer

from hwnas.cli.console import print_json, print_table
from hwnas.cli.remote import Server, client


def spaces_command(
    server: Server = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Search spaces: how large they are, which data sets they have, and where they were published."""
    from hwnas.api.listings import list_spaces

    spaces = client(server).list_spaces() if server else list_spaces()
    if as_json:
        print_json({"spaces": spaces})
        return
    rows = [
        (space["name"], space["title"], _size(space["architectures"]), ", ".join(space["datasets"]), space["source"])
        for space in spaces
    ]
    print_table(("space", "what", "architectures", "data sets", "source"), rows, numeric=(2,))


def _size(architectures: int) -> str:
    """All digits up to a billion, above that two."""
    return f"{architectures:,}" if architectures < 10**9 else f"{architectures:.1e}"
