"""`hwnas serve`: the service over HTTP, with a page to look at."""

from __future__ import annotations

from typing import Annotated

import typer


def serve(
    host: Annotated[
        str, typer.Option(help="Address to listen at; others than loopback need HWNAS_TOKEN.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen at.")] = 8765,
    database: Annotated[str | None, typer.Option(help="Address of the database; a SQLite file by default.")] = None,
    workers: Annotated[int, typer.Option(min=0, help="Processes for jobs; 0 where `hwnas worker` runs elsewhere.")] = 1,
    rate: Annotated[float, typer.Option(help="Requests a second of one address in the long run; 0: no limit.")] = 50.0,
    behind_proxy: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Address of a proxy to believe in who asks (X-Forwarded-For)."),
    ] = None,
    demo: Annotated[bool, typer.Option("--demo", help="With a device and jobs to look at, gone afterwards.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Log warnings alone, not each request.")] = False,
) -> None:
    """Serve the API, its documentation and a page to look at; Ctrl-C ends it, jobs go on at the next start."""
    from hwnas.service.extra import require_service

    require_service()
    from hwnas.service.ending import end_by_signals, leave_busy_threads, leave_quickly

    end = end_by_signals()
    from contextlib import nullcontext

    from hwnas.service.demo import demo as with_something_to_look_at
    from hwnas.service.server import serve as run
    from hwnas.service.settings import Limits, Settings, token_of_environment

    limits = Limits(rate=rate)
    token = token_of_environment()
    settings = Settings(host=host, port=port, database=database, token=token, proxy=behind_proxy, limits=limits)
    with with_something_to_look_at(settings) if demo else nullcontext(settings) as its_settings:
        run(its_settings, end, workers=workers, verbose=not quiet)
    leave_busy_threads()
    leave_quickly()
