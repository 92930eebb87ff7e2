"""`hwnas space`: spaces of your own."""

from __future__ import annotations

from typing import Annotated

import typer

from hwnas.cli.console import print_json, print_table

app = typer.Typer(help="Spaces of your own: whether they keep the contract.", no_args_is_help=True)


@app.callback()
def space() -> None:
    """Spaces of your own."""


@app.command("check")
def check(
    space: Annotated[str, typer.Argument(help="The space, as package.module:Class.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Run the contract of spaces on one of your own; exits with 1 where a rule is broken."""
    from hwnas.api.check_space import check_space

    found = check_space(space)
    if as_json:
        print_json(found.to_dict())
    else:
        rows = [("kept" if c.problem is None else "BROKEN", c.name, c.problem or c.rule) for c in found.checks]
        print_table(("", "rule", "what it says, or the line that fails"), rows, title=f"space {found.space}")
    if not found.kept:
        raise typer.Exit(1)
