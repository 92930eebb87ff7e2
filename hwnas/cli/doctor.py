"""`hwnas doctor`: what is installed, which data is present, what to do."""

from __future__ import annotations

from typing import Annotated

import typer


def doctor_command(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """What is installed, which data is present, and what to do; exits with 1 where something is broken."""
    from hwnas.api.doctor import doctor
    from hwnas.cli.console import print_json, print_table

    result = doctor()
    if as_json:
        print_json(result.to_dict())
    else:
        rows = [(f.group, f.name, f.status, f.advice or f.detail) for f in result.findings]
        print_table(("", "what", "status", "detail, or what to do"), rows)
    if result.broken:
        raise typer.Exit(1)
