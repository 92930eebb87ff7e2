"""`hwnas kernels fusion`: whether a runtime executes two operators as one."""

from __future__ import annotations

from typing import Annotated

import typer


def fusion_command(
    first: Annotated[str, typer.Argument(help="Operator, such as conv.")],
    second: Annotated[str, typer.Argument(help="Operator that reads it, such as relu.")],
    runtime: Annotated[str, typer.Option(help="What runs the networks: onnxruntime.")] = "onnxruntime",
    channels: Annotated[int, typer.Option(help="Channels of the feature map.")] = 8,
    size: Annotated[int, typer.Option(help="Its height and width.")] = 112,
    rounds: Annotated[int, typer.Option(help="How often each network has its turn.")] = 9,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Time two operators alone and in a row: are they one kernel here, and do the rules say so?"""
    from hwnas.api.fusion import measure_fusion
    from hwnas.cli.console import print_json, progress_bar
    from hwnas.cli.render_fusion import print_fusion

    with progress_bar("measurements") as progress:
        shape = (1, channels, size, size)
        answer = measure_fusion(first, second, runtime=runtime, shape=shape, rounds=rounds, progress=progress)
    if as_json:
        print_json(answer.to_dict())
        return
    print_fusion(answer)
