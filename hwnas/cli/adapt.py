"""`hwnas adapt`: a new device from about ten measurements."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hwnas.cli.remote import Server, client
from hwnas.cli.space_option import SpaceNameIfSaid

Files = Annotated[
    list[Path], typer.Argument(help="results.json of a kit, or CSV: architecture, latency_ms[, energy_mj][, role].")
]


def adapt(
    measurements: Files,
    name: Annotated[str, typer.Option(help="How commands will call the device.")],
    space: SpaceNameIfSaid = None,
    dataset: Annotated[str | None, typer.Option(help="Data set of a table; the space's first by default.")] = None,
    unit: Annotated[
        str | None, typer.Option(help="Unit of the latencies, which columns may name: ms, s or us.")
    ] = None,
    energy_unit: Annotated[str | None, typer.Option(help="Unit of the energies, likewise: mJ, J or uJ.")] = None,
    method: Annotated[str, typer.Option(help="How: auto, latent, meta (needs torch) or alone.")] = "auto",
    power_w: Annotated[float | None, typer.Option(help="Power in W, where no energy was measured.")] = None,
    power_error: Annotated[float, typer.Option(help="Its relative error between nets.")] = 0.1,
    batch_size: Annotated[int | None, typer.Option(help="Images per run, which a table does not say.")] = None,
    kind: Annotated[str | None, typer.Option(help="Kind of device for its card, such as edge-gpu.")] = None,
    title: Annotated[str | None, typer.Option(help="Its name for people.")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="In place of the model that the device has.")] = False,
    add: Annotated[bool, typer.Option("--add", help="Together with what it was adapted from.")] = False,
    out: Annotated[Path | None, typer.Option(help="Also write the answer as JSON to this file.")] = None,
    server: Server = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Adapt to a new device from about ten measurements; afterwards every command knows it by its name."""
    from hwnas.api.adapt import AdaptSettings
    from hwnas.api.adapt import adapt as adapt_here
    from hwnas.cli.json_file import check_json_path, write_json_file
    from hwnas.cli.render_adapt import print_adapted

    check_json_path(out)
    how = {"method": method, "unit": unit, "energy_unit": energy_unit, "replace": replace, "add": add}
    about = {"power_w": power_w, "power_error": power_error, "batch_size": batch_size, "kind": kind, "title": title}
    settings = AdaptSettings(**how, **about)  # type: ignore[arg-type]
    ask = client(server).adapt if server else adapt_here
    answer = ask(measurements, name=name, space=space, dataset=dataset, settings=settings)
    write_json_file(out, answer.to_dict())
    print_adapted(answer, as_json=as_json)
