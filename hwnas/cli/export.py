"""`hwnas export`: an architecture as an ONNX or TFLite file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hwnas.cli.space_option import SpaceName


def export(
    arch: Annotated[str, typer.Argument(help="Architecture, in any form that its space knows.")],
    out: Annotated[Path, typer.Option(help="File to write; .tflite for a phone, else ONNX.")],
    space: SpaceName = "nasbench201",
    dataset: Annotated[str | None, typer.Option(help="Data set; the space's first by default.")] = None,
    batch_size: Annotated[int, typer.Option(help="Images of one run.")] = 1,
    precision: Annotated[str, typer.Option(help="float32, or int8 in a .tflite file.")] = "float32",
    seed: Annotated[int, typer.Option(help="Of the initial weights.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Write an architecture as a file that computes what its torch module computes with its initial weights."""
    from hwnas.api.export import ExportSettings
    from hwnas.api.export import export as ask
    from hwnas.cli.console import print_json

    settings = ExportSettings(batch_size=batch_size, precision=precision, seed=seed)
    answer = ask(arch, out, space=space, dataset=dataset, settings=settings)
    if as_json:
        print_json(answer.to_dict())
        return
    form = f"{answer.precision}, by {answer.written_by}"
    form = form if answer.operator_set is None else f"operator set {answer.operator_set}"
    shape = "x".join(map(str, answer.input_shape))
    print(f"{answer.file}: {answer.bytes:,} bytes, {answer.params:,} parameters, {form}, input {shape}")
    print(f"{answer.arch} of {answer.space}, {answer.dataset}, batch of {answer.batch_size}, weights of seed {seed}")
