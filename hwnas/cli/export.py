"""`hwnas export`: an architecture as an ONNX file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hwnas.cli.space_option import SpaceName


def export(
    arch: Annotated[str, typer.Argument(help="Architecture, in any form that its space knows.")],
    out: Annotated[Path, typer.Option(help="ONNX file to write.")],
    space: SpaceName = "nasbench201",
    dataset: Annotated[str | None, typer.Option(help="Data set; the space's first by default.")] = None,
    batch_size: Annotated[int, typer.Option(help="Images of one run.")] = 1,
    seed: Annotated[int, typer.Option(help="Of the initial weights.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Write an architecture as an ONNX file that computes what its torch module computes with its initial weights."""
    from hwnas.api.export import export as ask
    from hwnas.cli.console import print_json

    answer = ask(arch, out, space=space, dataset=dataset, batch_size=batch_size, seed=seed)
    if as_json:
        print_json(answer.to_dict())
        return
    print(f"{answer.file}: {answer.bytes:,} bytes, {answer.params:,} parameters, operator set {answer.operator_set}")
    print(f"{answer.arch} of {answer.space}, {answer.dataset}, batch of {answer.batch_size}, weights of seed {seed}")
