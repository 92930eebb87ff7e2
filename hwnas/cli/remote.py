"""The option `--server`: the same functions, answered by a service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from hwnas.client import Client

Server = Annotated[
    str | None,
    typer.Option(
        envvar="HWNAS_SERVER", help="Ask the service at this address, as http://127.0.0.1:8765; else answer here."
    ),
]


def client(server: str) -> Client:
    """The service at an address, with the token in `HWNAS_TOKEN`. Raises `UsageError`, `MissingExtraError`."""
    from hwnas.client import Client

    return Client(server)
