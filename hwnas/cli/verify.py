"""`hwnas verify`: nets of a front measured again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Kit = Annotated[Path | None, typer.Option(help="Folder for the nets; without --runtime they are only written.")]
Results = Annotated[Path | None, typer.Option(help="Compare this results.json of the kit; measure nothing.")]


def verify(
    front: Annotated[Path, typer.Argument(help="JSON file of `hwnas pareto --out front.json`.")],
    name: Annotated[str | None, typer.Option("--front", help="Front of the answer; its first by default.")] = None,
    nets: Annotated[int, typer.Option(help="How many of its nets, evenly along its costs.")] = 5,
    runtime: Annotated[str | None, typer.Option(help="Measure here by onnxruntime, litert or torch.")] = None,
    kit: Kit = None,
    results: Results = None,
    feed_back: Annotated[bool, typer.Option("--feed-back", help="Adapt the device again with these too.")] = False,
    rounds: Annotated[int, typer.Option(help="How often each net has its turn.")] = 5,
    threads: Annotated[int | None, typer.Option(help="Threads; by default as the device was measured.")] = None,
    window: Annotated[float | None, typer.Option(help="Seconds of each measurement.")] = None,
    warmup: Annotated[float | None, typer.Option(help="Seconds before each.")] = None,
    meter: Annotated[str, typer.Option(help="auto, none, ina3221, nvml or rapl.")] = "auto",
    out: Annotated[Path | None, typer.Option(help="Also write the answer as JSON to this file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure nets of a front again, here or on a board: do they lie in their intervals, and do the budgets hold?"""
    from hwnas.api.measure import MeasureSettings
    from hwnas.api.verify import VerifySettings
    from hwnas.api.verify import verify as ask
    from hwnas.cli.console import progress_bar
    from hwnas.cli.json_file import check_json_path, write_json_file
    from hwnas.cli.render_verify import print_verified

    check_json_path(out)
    how = MeasureSettings(rounds=rounds, threads=threads, window_s=window, warmup_s=warmup, meter=meter)
    places = {"results": results, "kit": kit, "runtime": runtime}
    settings = VerifySettings(front=name, nets=nets, measure=how, feed_back=feed_back, **places)  # type: ignore[arg-type]
    with progress_bar("measurements") as progress:
        answer = ask(front, settings, progress=progress)
    write_json_file(out, answer.to_dict())
    print_verified(answer, source=front, as_json=as_json)
