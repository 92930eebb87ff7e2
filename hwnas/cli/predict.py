"""`hwnas predict`: latency and energy of named architectures, or of any network in an ONNX file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from hwnas.cli.completion import complete_device
from hwnas.cli.remote import Server, client
from hwnas.cli.space_option import USUAL_SPACE, SpaceNameIfSaid
from hwnas.errors import UsageError

Device = Annotated[str, typer.Option(help="Device; `hwnas devices` lists them.", autocompletion=complete_device)]


_SOURCE, _TOP = "auto", 20  # where nobody says; given, they must belong to what is asked


def predict(
    architectures: Annotated[
        list[str] | None, typer.Argument(help="Benchmark strings, tuples or indices; or one ONNX file.")
    ] = None,
    device: Device = "jetson-tx2",
    file: Annotated[Path | None, typer.Option(help="Text file with one architecture per line.")] = None,
    space: SpaceNameIfSaid = None,
    dataset: Annotated[str | None, typer.Option(help="Data set; the space's first by default.")] = None,
    target: Annotated[str | None, typer.Option(help="latency or energy; both where known.")] = None,
    source: Annotated[str | None, typer.Option(show_default=_SOURCE, help="auto, measured or predicted.")] = None,
    confidence: Annotated[float, typer.Option(help="Probability mass of the intervals.")] = 0.9,
    top: Annotated[
        int | None, typer.Option(show_default=str(_TOP), help="Of an ONNX file: how many kernels to list.")
    ] = None,
    batch_size: Annotated[int | None, typer.Option(help="Of an ONNX file whose batch is symbolic.")] = None,
    size: Annotated[list[str] | None, typer.Option(help="Of a symbolic axis of an ONNX file: H=96.")] = None,
    out: Annotated[Path | None, typer.Option(help="Of an ONNX file: a picture, a bar per kernel (.png, .svg).")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 where a kernel has no model.")] = False,
    server: Server = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Latency and energy of architectures, or kernel by kernel of an ONNX file, with intervals and sources."""
    if any(word.lower().endswith(".onnx") for word in architectures or []):
        of_names = {"--file": file, "--space": space, "--dataset": dataset, "--source": source}
        _refuse(of_names, kind="architectures", other="an ONNX file")
        options = ModelOptions(
            confidence=confidence,
            top=_TOP if top is None else top,
            batch_size=batch_size,
            sizes=read_sizes(size or []),
            out=out,
            strict=strict,
            server=server,
        )
        _predict_model(architectures or [], device, target, options, as_json=as_json)
        return
    of_files = {"--top": top, "--batch-size": batch_size, "--size": size[0] if size else None, "--out": out}
    _refuse(of_files, kind="an ONNX file", other="architectures")
    from hwnas.api.predict import predict as predict_here
    from hwnas.api.predict import read_architectures
    from hwnas.cli.choices import as_source, as_target
    from hwnas.cli.render_predict import print_prediction

    named = [*(architectures or []), *(read_architectures(file) if file else [])]
    ask = client(server).predict if server else predict_here
    answer = ask(
        named,
        device=device,
        space=USUAL_SPACE if space is None else space,
        dataset=dataset,
        target=as_target(target),
        source=as_source(_SOURCE if source is None else source),
        confidence=confidence,
    )
    print_prediction(answer, as_json=as_json)
    if strict and not answer.covered:
        raise typer.Exit(1)


def _refuse(given: Mapping[str, object], *, kind: str, other: str) -> None:
    """Raise `UsageError` for an option of `kind` alone that was given with the other."""
    for option, value in given.items():
        if value is not None:
            raise UsageError(f"expected {option} with {kind} alone, got {str(value)!r} with {other}; leave it out")


@dataclass(frozen=True, kw_only=True)
class ModelOptions:
    """Options of a prediction kernel by kernel."""

    confidence: float
    top: int
    batch_size: int | None
    sizes: dict[str, int]
    out: Path | None
    strict: bool
    server: str | None


def read_sizes(words: list[str]) -> dict[str, int]:
    """Lengths by the names of symbolic axes, of words such as `H=96`. Raises `UsageError` for other words."""
    found: dict[str, int] = {}
    for word in words:
        parts = re.fullmatch(r"\s*(\S.*?)\s*=\s*([0-9]{1,12})\s*", word)
        if parts is None:
            raise UsageError(f"expected --size NAME=LENGTH, such as H=96, got {word!r}")
        name, length = parts.groups()
        if name in found:
            raise UsageError(f"expected --size once for each name, got {name!r} twice; leave one out")
        found[name] = int(length)
    return found


def _predict_model(files: list[str], device: str, target: str | None, options: ModelOptions, *, as_json: bool) -> None:
    from hwnas.api.predict_model import predict_model, save_picture
    from hwnas.cli.choices import as_target
    from hwnas.cli.render_kernels import print_model_prediction

    if len(files) != 1:
        raise UsageError(f"expected one ONNX file, got {len(files)} names: {', '.join(files)}")
    if options.top < 0:
        raise UsageError(f"expected --top of at least 0, got {options.top}; 0 lists no kernel")
    if options.server is not None:
        if target is not None or options.batch_size is not None or options.sizes:
            raise UsageError("expected no --target, --batch-size or --size for a service, got one; leave it out")
        answer = client(options.server).predict_model(files[0], device=device, confidence=options.confidence)
    else:
        answer = predict_model(
            files[0],
            device=device,
            target=as_target(target),
            confidence=options.confidence,
            batch_size=options.batch_size,
            sizes=options.sizes,
        )
    if options.out is not None:
        save_picture(answer, options.out)
    print_model_prediction(answer, top=options.top, as_json=as_json)
    if options.strict and not answer.covered:
        raise typer.Exit(1)
