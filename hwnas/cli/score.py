"""`hwnas score`: proxy scores of single networks, or of a whole space."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hwnas.cli.proxy_option import proxy_option
from hwnas.cli.remote import Server, client
from hwnas.cli.score_options import check_belonging, check_images, kind_of_use, network_settings
from hwnas.cli.space_option import SpaceName

Architectures = Annotated[list[str] | None, typer.Argument(help="Networks: strings of the space, tuples or indices.")]
Proxies = Annotated[
    list[str] | None,
    proxy_option(
        "A proxy, repeatable, or one of your own as package.module:NAME; without, the cheaper ones, with --module all."
    ),
]
Images = Annotated[Path | None, typer.Option(help="A .npz file with x and y; else the pulled images, else noise.")]
Workers = Annotated[int | None, typer.Option(help="Processes for --all; without, one per core.")]
Executor = Annotated[str, typer.Option(help="With --all: what spreads the work, process or ray.")]
Module = Annotated[
    str | None,
    typer.Option(
        metavar="PACKAGE.MODULE:FACTORY",
        help="A network of your own: FACTORY() returns it. It is your code: it is imported, from here too, and run.",
    ),
]
Data = Annotated[
    Path | None,
    typer.Option(
        help="With --module: a .npz file with x and perhaps y, or a folder of images (of classes); else noise."
    ),
]
Labels = Annotated[str, typer.Option(help="With --module: given (random where there are none) or random.")]
Classes = Annotated[int | None, typer.Option(help="With --module: classes of random labels; without, all logits.")]
Shape = Annotated[str | None, typer.Option(help="With --module and without --data: of an image; without, 3,32,32.")]
Size = Annotated[
    int | None, typer.Option(help="With --data: scale and crop images to so many pixels; else noise of that size.")
]
Limit = Annotated[int | None, typer.Option(help="With --all: a random sample of so many distinct networks.")]
Out = Annotated[Path | None, typer.Option(help="With --all: the file of the table; else in the cache.")]


def score_command(
    architectures: Architectures = None,
    space: SpaceName = "nasbench201",
    dataset: Annotated[str | None, typer.Option(help="Data set; without, the first of the space.")] = None,
    proxy: Proxies = None,
    whole: Annotated[bool, typer.Option("--all", help="Score the whole space; an interrupted run resumes.")] = False,
    images: Images = None,
    batch_size: Annotated[int | None, typer.Option(help="The first so many images; without, 64 at most.")] = None,
    seed: Annotated[int, typer.Option(help="Of initial weights and random inputs.")] = 0,
    fresh: Annotated[bool, typer.Option("--fresh", help="Compute also what a table has.")] = False,
    device: Annotated[str, typer.Option(help="cpu, cuda or auto.")] = "auto",
    workers: Workers = None,
    executor: Executor = "process",
    limit: Limit = None,
    out: Out = None,
    module: Module = None,
    data: Data = None,
    labels: Labels = "given",
    classes: Classes = None,
    shape: Shape = None,
    size: Size = None,
    server: Server = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Scores of networks by zero-cost proxies: higher is better."""
    from hwnas.api import score as here
    from hwnas.api.network import score_factory
    from hwnas.api.score_forms import ScoreSettings
    from hwnas.cli import render_scores
    from hwnas.cli.console import progress_bar

    kind = kind_of_use(architectures, whole=whole, module=module)
    belonging: dict[str, dict[str, object]] = {
        "--all": {"workers": workers, "limit": limit, "out": out, "executor": executor != "process"},
        "--module": {"data": data, "labels": labels != "given", "classes": classes, "shape": shape},
        "networks": {"fresh": fresh},
        "networks or --all": {"images": images, "dataset": dataset, "server": server},
    }
    check_belonging(kind, belonging)
    known = client(server) if server else here
    proxies = proxy or None
    if module is not None:
        own = network_settings(batch_size=batch_size, seed=seed, labels=labels, classes=classes, shape=shape, size=size)
        check_images(data, shape=shape, size=size)
        scored = score_factory(module, data, proxies=proxies, settings=own, device=device)
        render_scores.network(scored, as_json=as_json)
        return
    settings = ScoreSettings(
        images=images,
        batch_size=batch_size,
        seed=seed,
        device=device,
        executor=executor,
        workers=workers,
        limit=limit,
        side=size,
    )
    if architectures:
        with progress_bar("networks to rank among", at_once=False) as report:
            found = known.score(
                architectures,
                space=space,
                dataset=dataset,
                proxies=proxies,
                settings=settings,
                fresh=fresh,
                progress=report,
            )
        render_scores.networks(found, as_json=as_json)
        return
    with progress_bar("networks") as report:
        saved = known.score_table(
            space=space, dataset=dataset, proxies=proxies, settings=settings, out=out, progress=report
        )
    render_scores.table(saved, as_json=as_json)
