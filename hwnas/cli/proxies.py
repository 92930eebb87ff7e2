"""`hwnas proxies`: which zero-cost proxies there are, how good they are, and what their scores depend on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from hwnas.cli.proxy_option import proxy_option
from hwnas.cli.remote import Server, client
from hwnas.cli.space_option import SpaceName, space_name

Proxies = Annotated[
    list[str] | None,
    proxy_option("Proxy, repeatable, or one of your own as package.module:NAME; all scored ones by default."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Out = Annotated[Path | None, typer.Option(help="Also write .json, .csv, or a picture (.png, .svg, .pdf).")]


class _ListByDefault(TyperGroup):
    """`hwnas proxies` and `hwnas proxies --json` are `hwnas proxies list`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """The arguments, with `list` before them where no command is named."""
        named = (args[:1] and not args[0].startswith("-")) or "--help" in args
        return super().parse_args(ctx, args if named else ["list", *args])


app = typer.Typer(cls=_ListByDefault, help="Zero-cost proxies: what they are, how good they are, what they depend on.")


@app.command("list")
def proxies_command(server: Server = None, as_json: AsJson = False) -> None:
    """Zero-cost proxies and combinations: what they are, what they need, and where they were published."""
    from hwnas.api import listings
    from hwnas.cli import render_proxies

    known = client(server) if server else listings
    render_proxies.listing(known.list_proxies(), known.list_combinations(), as_json=as_json)


@app.command("evaluate")
def evaluate_command(
    space: Annotated[
        list[str] | None,
        typer.Option(parser=space_name, metavar="SPACE", help="Space, repeatable; 'all' for every scored one."),
    ] = None,
    dataset: Annotated[
        list[str] | None, typer.Option(help="Data set, repeatable; every scored one by default.")
    ] = None,
    proxy: Proxies = None,
    distinct: Annotated[bool, typer.Option("--distinct", help="Each network once, not each architecture.")] = False,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """How well proxies order networks whose true accuracies are known, and what a search would find with them."""
    from hwnas.api.evaluate import evaluate
    from hwnas.cli import render_proxies

    spaces = space or ["nasbench201"]
    where: str | list[str] = "all" if "all" in spaces else spaces
    answer = evaluate(space=where, dataset=dataset or (), proxies=proxy or (), distinct=distinct)
    render_proxies.evaluation(answer, as_json=as_json, out=out)


@app.command("sensitivity")
def sensitivity_command(
    by: Annotated[str, typer.Option(help="seed, initialisation, batch_size or epochs.")] = "seed",
    space: SpaceName = "nasbench201",
    dataset: Annotated[str | None, typer.Option(help="Data set; without, the first of the space.")] = None,
    proxy: Proxies = None,
    nets: Annotated[int, typer.Option(help="How many networks, drawn at random.")] = 50,
    workers: Annotated[int | None, typer.Option(help="Processes; without, one per core.")] = None,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """How much the order that a proxy gives depends on seed, initialisation, batch size, or epochs of training."""
    from hwnas.api.sensitivity import SensitivitySettings, sensitivity
    from hwnas.cli import render_proxies
    from hwnas.cli.console import progress_bar

    with progress_bar("networks") as report:
        settings = SensitivitySettings(nets=nets, workers=workers)
        answer = sensitivity(by, space=space, dataset=dataset, proxies=proxy or (), settings=settings, progress=report)
    render_proxies.sensitivity(answer, as_json=as_json, out=out)
