"""`hwnas worker`: works on the jobs of a service."""

from __future__ import annotations

from typing import Annotated

import typer

Database = Annotated[str | None, typer.Option(help="Address of the database; without, HWNAS_DATABASE or a file.")]


def worker(
    database: Database = None,
    slots: Annotated[int, typer.Option(min=1, help="Jobs at a time; one is kept for quick ones.")] = 2,
    attached: Annotated[bool, typer.Option("--attached", hidden=True, help="End when standard input closes.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Log warnings alone.")] = False,
) -> None:
    """Work on jobs, here or on any machine that reaches the database; Ctrl-C gives back what is under way."""
    from hwnas.service.extra import require_service

    require_service()
    from hwnas.service.ending import end_by_signals, leave_quickly

    end = end_by_signals()
    from hwnas.service.settings import Settings
    from hwnas.service.work import work

    work(Settings(database=database), end, slots=slots, attached=attached, verbose=not quiet)
    leave_quickly()
