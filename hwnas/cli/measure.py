"""`hwnas measure`: the nets of a kit on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Seconds = Annotated[float | None, typer.Option(help="Seconds of each measurement; 2 with a meter, else 0.5.")]
Warmup = Annotated[float | None, typer.Option(help="Seconds before each; 1 with a meter, else 0.5.")]


def measure(
    kit: Annotated[Path, typer.Argument(help="Folder that `hwnas plan` wrote.")],
    runtime: Annotated[
        str | None,
        typer.Option(help="onnxruntime, litert or torch; without, what reads the kit. The kit's agent has others."),
    ] = None,
    rounds: Annotated[int, typer.Option(help="How often each net has its turn.")] = 5,
    threads: Annotated[int | None, typer.Option(help="Threads; the runtime's choice by default.")] = None,
    window: Seconds = None,
    warmup: Warmup = None,
    meter: Annotated[str, typer.Option(help="auto, none, ina3221, nvml or rapl.")] = "auto",
    out: Annotated[Path | None, typer.Option(help="Results file; results.json in the kit by default.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Latency and energy of the nets of a kit on this machine; an interrupted run goes on where it was."""
    from hwnas.api.measure import MeasureSettings
    from hwnas.api.measure import measure as ask
    from hwnas.cli.console import progress_bar
    from hwnas.cli.render_kit import print_measured

    settings = MeasureSettings(rounds=rounds, threads=threads, window_s=window, warmup_s=warmup, meter=meter)
    with progress_bar("measurements") as progress:
        answer = ask(kit, runtime=runtime, settings=settings, out=out, progress=progress)
    print_measured(answer, as_json=as_json)
