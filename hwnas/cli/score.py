"""`hwnas score`: proxy scores of single networks, or of a whole space."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hwnas.cli.completion import complete_proxy
from hwnas.errors import UsageError

Architectures = Annotated[list[str] | None, typer.Argument(help="Networks: strings of the space, tuples or indices.")]
Proxies = Annotated[
    list[str] | None,
    typer.Option("--proxy", help="A proxy, repeatable; without, all.", autocompletion=complete_proxy),
]
Images = Annotated[Path | None, typer.Option(help="A .npz file with x and y; else the pulled images, else noise.")]
Workers = Annotated[int | None, typer.Option(help="Processes for --all; without, one per core.")]
Limit = Annotated[int | None, typer.Option(help="With --all: a random sample of so many architectures.")]
Out = Annotated[Path | None, typer.Option(help="With --all: the file of the table; else in the cache.")]


def score_command(
    architectures: Architectures = None,
    space: Annotated[str, typer.Option(help="The search space.")] = "nasbench201",
    dataset: Annotated[str | None, typer.Option(help="Data set; without, the first of the space.")] = None,
    proxy: Proxies = None,
    whole: Annotated[bool, typer.Option("--all", help="Score the whole space; an interrupted run resumes.")] = False,
    images: Images = None,
    batch_size: Annotated[int, typer.Option(help="The first so many images.")] = 64,
    seed: Annotated[int, typer.Option(help="Of initial weights and random inputs.")] = 0,
    fresh: Annotated[bool, typer.Option("--fresh", help="Compute also what a table has.")] = False,
    device: Annotated[str, typer.Option(help="cpu, cuda or auto.")] = "auto",
    workers: Workers = None,
    limit: Limit = None,
    out: Out = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Scores of networks by zero-cost proxies: higher is better."""
    from hwnas.api.score import score, score_table
    from hwnas.api.score_forms import ScoreSettings
    from hwnas.cli import render_scores
    from hwnas.cli.console import progress_bar

    _check(single=bool(architectures), whole=whole, only_whole=(workers, limit, out), fresh=fresh)
    settings = ScoreSettings(
        images=images, batch_size=batch_size, seed=seed, device=device, workers=workers, limit=limit
    )
    proxies = proxy or None
    if architectures:
        found = score(architectures, space=space, dataset=dataset, proxies=proxies, settings=settings, fresh=fresh)
        render_scores.networks(found, as_json=as_json)
        return
    with progress_bar("networks") as report:
        saved = score_table(space=space, dataset=dataset, proxies=proxies, settings=settings, out=out, progress=report)
    render_scores.table(saved, as_json=as_json)


def _check(*, single: bool, whole: bool, only_whole: tuple[object, ...], fresh: bool) -> None:
    if single == whole:
        got = "both" if whole else "neither"
        raise UsageError(f"expected networks or --all, got {got}; e.g. `hwnas score 1462` or `hwnas score --all`")
    if single and any(value is not None for value in only_whole):
        raise UsageError("--workers, --limit and --out belong to --all; leave them out or score the whole space")
    if whole and fresh:
        raise UsageError("--fresh belongs to single networks; to score a space anew, give another --out")
