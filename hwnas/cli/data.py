"""`hwnas data`: which public tables there are, and how they come into the cache."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hwnas.errors import DataError

app = typer.Typer(no_args_is_help=True, help="Public tables: list, pull, import, verify.")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Names = Annotated[list[str] | None, typer.Argument(help="Names of sources; without any, all that have tables.")]
Mirror = Annotated[
    Path | None, typer.Option(help="Folder with the published files, instead of the network; else HWNAS_MIRROR.")
]


@app.command("list")
def list_command(as_json: AsJson = False) -> None:
    """Every source: what it adds, its licence and size, and whether it is in the cache."""
    from hwnas.cli import render_data
    from hwnas.data import list_sources

    render_data.sources(list_sources(), as_json=as_json)


@app.command("pull")
def pull_command(
    names: Names = None,
    mirror: Mirror = None,
    raw: Annotated[bool, typer.Option("--raw", help="Also sources that are kept as they are.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Also what is in the cache already.")] = False,
    as_json: AsJson = False,
) -> None:
    """Bring sources from a mirror or the network, check and convert them; exits with 1 where none was found."""
    from hwnas.cli import render_data
    from hwnas.data import SOURCES, pull

    with render_data.progress() as report:
        results = pull(names or (), mirror=mirror, raw=raw, force=force, progress=report)
    render_data.results(results, as_json=as_json)
    files = [result for result in results if SOURCES[result.source].kind == "files"]
    if files and all(result.status == "skipped" for result in files):
        raise DataError(
            f"expected published files of {len(files)} sources, got none; a mirror is a folder with the paths that "
            "`hwnas data list --json` names"
        )


@app.command("import")
def import_command(
    paths: Annotated[list[Path], typer.Argument(help="Published files, recognised by their checksums.")],
    as_name: Annotated[str | None, typer.Option("--as", help="Source of a file without a known checksum.")] = None,
    as_json: AsJson = False,
) -> None:
    """Take files that you have already, such as HW-NAS-Bench-v1_0.pickle."""
    from hwnas.cli import render_data
    from hwnas.data import import_file

    render_data.results([import_file(path, as_name=as_name) for path in paths], as_json=as_json)


@app.command("verify")
def verify_command(names: Names = None, as_json: AsJson = False) -> None:
    """Compare the cache with the published checksums; exits with 1 where something is damaged or missing."""
    from hwnas.cli import render_data
    from hwnas.data import verify

    results = verify(names or ())
    render_data.results(results, as_json=as_json)
    if any(result.status != "ok" for result in results):
        raise typer.Exit(1)
