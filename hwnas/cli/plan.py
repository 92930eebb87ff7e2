"""`hwnas plan`: a kit of nets to measure on a new device."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hwnas.cli.space_option import SpaceName


def plan(
    out: Annotated[Path, typer.Option(help="Folder of the kit; made if need be.")],
    space: SpaceName = "nasbench201",
    dataset: Annotated[str | None, typer.Option(help="Data set; the space's first by default.")] = None,
    nets: Annotated[int, typer.Option("-n", "--nets", help="How many nets to measure.")] = 10,
    check: Annotated[int, typer.Option(help="So many random nets more, to test the model on.")] = 0,
    method: Annotated[
        str, typer.Option(help="auto, design (from known devices), spread, random, reference (HELP's ten).")
    ] = "auto",
    arch: Annotated[
        list[str] | None, typer.Option(help="Measure this architecture instead of a choice; repeatable.")
    ] = None,
    batch_size: Annotated[int, typer.Option(help="Images of one run.")] = 1,
    seed: Annotated[int, typer.Option(help="Of the choice and of the random weights.")] = 0,
    form: Annotated[str, typer.Option("--format", help="onnx, or tflite for phones and LiteRT.")] = "onnx",
    precision: Annotated[str, typer.Option(help="float32, or int8 with --format tflite.")] = "float32",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Choose nets to measure on a new device and write them as a kit: their files and an agent that runs them."""
    from hwnas.api.plan import PlanSettings
    from hwnas.api.plan import plan as ask
    from hwnas.cli.console import progress_bar
    from hwnas.cli.render_kit import print_plan

    files = {"batch_size": batch_size, "seed": seed, "format": form, "precision": precision}
    settings = PlanSettings(method=method, given=tuple(arch or ()), check=check, **files)  # type: ignore[arg-type]
    with progress_bar("nets") as progress:
        answer = ask(out, space=space, dataset=dataset, nets=nets, settings=settings, progress=progress)
    print_plan(answer, as_json=as_json)
