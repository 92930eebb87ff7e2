"""`hwnas kernels`: models that predict any network, kernel by kernel."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hwnas.cli.kernels_fusion import fusion_command

app = typer.Typer(no_args_is_help=True, help="Kernel models: list them, build one of this machine, fit one to data.")
app.command("fusion")(fusion_command)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_command(as_json: AsJson = False) -> None:
    """Devices that have a kernel model, and how good it is."""
    from hwnas.api.kernels import list_kernel_models
    from hwnas.cli.render_kernels import print_models

    print_models(list_kernel_models(), as_json=as_json)


@app.command("build")
def build_command(
    device: Annotated[str, typer.Option(help="What to call this machine.")] = "this-host",
    runtime: Annotated[str, typer.Option(help="What runs the networks: onnxruntime.")] = "onnxruntime",
    minutes: Annotated[float, typer.Option(help="Time to measure in; fitting comes after.")] = 10.0,
    target_error: Annotated[
        float | None, typer.Option(help="Stop at this median error of networks, in percent.")
    ] = None,
    threads: Annotated[int, typer.Option(help="Threads of one operator.")] = 1,
    seed: Annotated[int, typer.Option(help="Seed of the networks.")] = 0,
    folder: Annotated[Path | None, typer.Option(help="Folder for the measurements.")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Forget earlier measurements.")] = False,
    as_json: AsJson = False,
) -> None:
    """Measure kernels of generated networks on this machine, where the model is unsure, and fit their latency."""
    from hwnas.api.kernels import build
    from hwnas.cli.render_kernels import build_progress, print_built
    from hwnas.latency.kernels.builder import BuildSettings

    settings = BuildSettings(minutes=minutes, target_error=target_error, threads=threads, seed=seed)
    with build_progress(minutes) as report:
        result = build(
            device=device, runtime=runtime, folder=folder, replace=replace, settings=settings, progress=report
        )
    print_built(result, as_json=as_json)


@app.command("fit")
def fit_command(
    source: Annotated[
        str, typer.Option(help="gpu-kernels, phone-kernels, jetson-nano-cnn, hw-nas-bench or help-fbnet.")
    ],
    out: Annotated[Path | None, typer.Option(help="Folder for the models; the user's own by default.")] = None,
    as_json: AsJson = False,
) -> None:
    """Fit kernel models to published measurements that `hwnas data pull` brought."""
    from hwnas.api.kernel_fits import fit
    from hwnas.cli.console import print_json
    from hwnas.cli.render_kernels import fit_progress, print_built

    with fit_progress() as report:
        results = fit(source, out=out, progress=report)
    if as_json:
        print_json([result.to_dict() for result in results])
        return
    for result in results:
        print_built(result, as_json=False)


@app.command("nn-meter")
def nn_meter_command(
    folder: Annotated[Path, typer.Argument(help="Unpacked predictors of nn-Meter: conv-bn-relu.pkl and others.")],
    device: Annotated[str | None, typer.Option(help="What to call the device; without, the folder's name.")] = None,
    as_json: AsJson = False,
) -> None:
    """Keep predictors of nn-Meter as a kernel model; neither nn-Meter nor its scikit-learn is needed."""
    from hwnas.api.nn_meter import import_nn_meter
    from hwnas.cli.render_kernels import print_built

    print_built(import_nn_meter(folder, device=device), as_json=as_json)
