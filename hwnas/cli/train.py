"""`hwnas train`: rebuild the cost predictors that are shipped."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hwnas.cli.completion import complete_device
from hwnas.cli.space_option import SpaceName
from hwnas.errors import UsageError

Device = Annotated[
    str | None,
    typer.Option(help="Report this device only; all heads share a trunk.", autocompletion=complete_device),
]


def train(
    space: SpaceName = "nasbench201",
    device: Device = None,
    target: Annotated[str | None, typer.Option(help="Report latency or energy only.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the results; the cache by default.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of splits, weights and batches.")] = 0,
    compare: Annotated[
        bool, typer.Option("--compare", help="Also 900 training nets, and boosting beside every figure.")
    ] = False,
    meta: Annotated[
        bool, typer.Option("--meta", help="Instead the meta-learned model of new devices (hwnas adapt --method meta).")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Train the predictors of all devices of a space; an interrupted run goes on where it was."""
    from hwnas.api.train import compare_predictors
    from hwnas.api.train import train as run
    from hwnas.api.train_meta import train_meta as run_meta
    from hwnas.cli import render_train
    from hwnas.cli.choices import as_target

    if meta and (device or target or compare):
        raise UsageError("--meta trains one model for all devices' latency: drop --device, --target and --compare")
    wanted = render_train.wanted(device, as_target(target))
    with render_train.training_progress() as progress:
        if meta:
            return render_train.print_meta(
                run_meta(space=space, out=out, seed=seed, progress=progress), as_json=as_json
            )
        result = run(space=space, out=out, seed=seed, progress=progress)
        figures = compare_predictors(space=space, out=out, seed=seed, progress=progress) if compare else None
    return render_train.print_result(result, figures, wanted=wanted, as_json=as_json)
