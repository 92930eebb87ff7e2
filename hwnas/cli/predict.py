"""`hwnas predict`: latency and energy of named architectures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hwnas.cli.completion import complete_device
from hwnas.cli.remote import Server, client

Device = Annotated[str, typer.Option(help="Device; `hwnas devices` lists them.", autocompletion=complete_device)]


def predict(
    architectures: Annotated[list[str] | None, typer.Argument(help="Benchmark strings, tuples or indices.")] = None,
    device: Device = "jetson-tx2",
    file: Annotated[Path | None, typer.Option(help="Text file with one architecture per line.")] = None,
    space: Annotated[str, typer.Option(help="Search space.")] = "nasbench201",
    dataset: Annotated[str | None, typer.Option(help="Data set; the space's first by default.")] = None,
    target: Annotated[str | None, typer.Option(help="latency or energy; both where known.")] = None,
    source: Annotated[str, typer.Option(help="auto, measured or predicted.")] = "auto",
    confidence: Annotated[float, typer.Option(help="Probability mass of the intervals.")] = 0.9,
    server: Server = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Latency and energy of architectures on a device, with intervals and sources."""
    from hwnas.api.predict import predict as predict_here
    from hwnas.api.predict import read_architectures
    from hwnas.cli.choices import as_source, as_target
    from hwnas.cli.render_predict import print_prediction

    named = [*(architectures or []), *(read_architectures(file) if file else [])]
    kind, origin = as_target(target), as_source(source)
    ask = client(server).predict if server else predict_here
    answer = ask(named, device=device, space=space, dataset=dataset, target=kind, source=origin, confidence=confidence)
    print_prediction(answer, as_json=as_json)
