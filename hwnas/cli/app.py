"""The command line: a thin shell over `hwnas.api`. Parse, call, render."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Final

import typer

from hwnas.cli import (
    accuracy,
    adapt,
    data,
    devices,
    doctor,
    export,
    kernels,
    measure,
    pareto,
    plan,
    predict,
    proxies,
    score,
    search_ops,
    serve,
    space,
    spaces,
    train,
    verify,
    worker,
)
from hwnas.cli.encodings import print_in_any_encoding
from hwnas.errors import HwnasError
from hwnas.version import __version__

INTERRUPTED: Final = 130  # what typer makes of Ctrl-C inside a command
KEPT: Final = "; what was finished is kept, and the same command goes on from there"

app = typer.Typer(
    name="hwnas",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Networks with the most accuracy within a time and energy budget on a real device.",
)
app.command("pareto")(pareto.pareto_command)
app.add_typer(accuracy.app, name="accuracy")
app.command("devices")(devices.devices_command)
app.command("doctor")(doctor.doctor_command)
app.add_typer(data.app, name="data")
app.command("predict")(predict.predict)
app.command("train")(train.train)
app.command("score")(score.score_command)
app.command("plan")(plan.plan)
app.command("measure")(measure.measure)
app.command("adapt")(adapt.adapt)
app.command("verify")(verify.verify)
app.command("export")(export.export)
app.add_typer(kernels.app, name="kernels")
app.add_typer(proxies.app, name="proxies")
app.command("serve")(serve.serve)
app.command("worker")(worker.worker)
app.command("search-ops")(search_ops.search_ops)
app.command("spaces")(spaces.spaces_command)
app.add_typer(space.app, name="space")


def _print_version(wanted: bool) -> bool:
    if wanted:
        print(f"hwnas {__version__}")
        raise typer.Exit
    return wanted


@app.callback()
def common(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the whole traceback of a failure.")] = False,
) -> None:
    """Options of every command."""


def main() -> None:
    """Run the command line. Exits with 0, with 1 on failure, with 2 on wrong use, with 130 on interruption."""
    print_in_any_encoding()
    with _noted_interrupts() as interrupts:
        _run(interrupts)


def _run(interrupts: Sequence[int]) -> None:
    try:
        app()
    except SystemExit as done:
        if done.code != INTERRUPTED:
            raise
        _interrupted()
    except KeyboardInterrupt:
        _interrupted()
    except HwnasError as error:
        _fail(f"error: {error}", error.exit_code)
    except PermissionError as error:
        _fail(f"error: no permission for {error.filename}; allow it or choose another file or folder", 1)
    except OSError as error:
        _fail(f"error: {error}", 1)
    except Exception as error:
        if interrupts:  # compiled code that is interrupted may raise something else in its place
            _interrupted()
        # A bug: whoever reports it needs the traceback, whoever meets it does not
        what = " ".join(f"{type(error).__name__}: {error}".split())
        _fail(f"internal error: {what}; run again with `hwnas --debug ...` for the traceback", 1)


@contextmanager
def _noted_interrupts() -> Iterator[list[int]]:
    """Ctrl-C as ever, and a list that has an entry for each. Where it is ignored, it stays so."""
    interrupts: list[int] = []

    def note(number: int, _frame: object) -> None:
        interrupts.append(number)
        raise KeyboardInterrupt

    before = signal.getsignal(signal.SIGINT)
    if before is not signal.default_int_handler or threading.current_thread() is not threading.main_thread():
        yield interrupts
        return
    signal.signal(signal.SIGINT, note)
    try:
        yield interrupts
    finally:
        signal.signal(signal.SIGINT, before)


def resumable(arguments: Sequence[str]) -> bool:
    """Whether a command line is one of those that keep what is finished and go on from there."""
    words = [word for word in arguments if not word.startswith("-")]
    return (
        words[:1] in (["train"], ["measure"], ["verify"])
        or words[:2] in (["data", "pull"], ["kernels", "build"])
        or (words[:1] == ["score"] and "--all" in arguments)
        or (words[:1] == ["pareto"] and any(word.startswith(("--method", "--space")) for word in arguments))
    )


def _interrupted() -> None:
    print(f"interrupted{KEPT if resumable(sys.argv[1:]) else ''}", file=sys.stderr)
    sys.exit(INTERRUPTED)


def _fail(message: str, code: int) -> None:
    if "--debug" in sys.argv:
        raise
    print(message, file=sys.stderr)
    sys.exit(code)
