"""How the command line ends: exit codes, one line on the error stream, and when a traceback."""

from __future__ import annotations

import contextlib
import signal
import sys

import pytest

from hwnas.cli import main
from hwnas.errors import DataError, UsageError

FAILURES = {
    "hwnas.api.listings.list_proxies": ["proxies"],
    "hwnas.api.train.train": ["train"],
    "hwnas.api.score.score_table": ["score", "--all", "--proxy", "zen"],
    "hwnas.api.score.score": ["score", "7"],
    "hwnas.data.pull": ["data", "pull", "nats-bench"],
    "hwnas.data.verify": ["data", "verify"],
}


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Run the command whose function `name` raises; returns the exit code and what was complained."""

    def run(name: str, failure: BaseException, *before: str) -> tuple[object, str]:
        def fail(*_: object, **__: object) -> None:
            raise failure

        monkeypatch.setattr(name, fail)
        monkeypatch.setattr(sys, "argv", ["hwnas", *before, *FAILURES[name]])
        with pytest.raises(SystemExit) as done:
            main()
        printed = capsys.readouterr()
        assert printed.out == ""
        return done.value.code, printed.err

    return run


@pytest.mark.parametrize("name", FAILURES)
def test_only_commands_that_keep_their_work_promise_to_go_on(failing, name: str) -> None:
    code, complaint = failing(name, KeyboardInterrupt())
    kept = "; what was finished is kept, and the same command goes on from there"
    keeps = name in ("hwnas.api.train.train", "hwnas.api.score.score_table", "hwnas.data.pull")
    assert (code, complaint) == (130, f"interrupted{kept if keeps else ''}\n")


def test_what_compiled_code_raises_when_it_is_interrupted_is_no_bug(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted_inside() -> None:
        with contextlib.suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        raise ValueError("'T{' is not a valid buffer format")

    monkeypatch.setattr("hwnas.api.listings.list_proxies", interrupted_inside)
    monkeypatch.setattr(sys, "argv", ["hwnas", "proxies"])
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(SystemExit) as done:
        main()
    assert (done.value.code, capsys.readouterr().err) == (130, "interrupted\n")
    assert signal.getsignal(signal.SIGINT) is before


def test_an_interrupt_is_an_interrupt_with_debug(failing) -> None:
    assert failing("hwnas.api.train.train", KeyboardInterrupt(), "--debug")[0] == 130


@pytest.mark.parametrize(
    ("failure", "code", "line"),
    [
        (UsageError("expected a, got b"), 2, "error: expected a, got b"),
        (DataError("damaged"), 1, "error: damaged"),
        (PermissionError(13, "Permission denied", "x.npz"), 1, "error: no permission for x.npz; "),
        (TypeError("a bug\nof two lines"), 1, "internal error: TypeError: a bug of two lines; run again with"),
        (ZeroDivisionError(), 1, "internal error: ZeroDivisionError:; run again with `hwnas --debug"),
    ],
)
def test_a_failure_is_one_line(failing, failure: Exception, code: int, line: str) -> None:
    got, complaint = failing("hwnas.api.listings.list_proxies", failure)
    assert got == code and complaint.startswith(line) and complaint.count("\n") == 1


def test_debug_shows_the_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise TypeError("a bug")

    monkeypatch.setattr("hwnas.api.listings.list_proxies", fail)
    monkeypatch.setattr(sys, "argv", ["hwnas", "--debug", "proxies"])
    with pytest.raises(TypeError, match="a bug"):
        main()


@pytest.mark.parametrize("arguments", [["nonsense"], ["proxies", "--nonsense"], ["devices", "jetsn"]])
def test_wrong_use_exits_with_2(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["hwnas", *arguments])
    with pytest.raises(SystemExit) as done:
        main()
    assert done.value.code == 2 and arguments[-1].lstrip("-") in capsys.readouterr().err
