"""Terminals and files that do not take UTF-8, as on older Windows, and a system without what the service needs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from hwnas.errors import UsageError
from hwnas.service import extra

MAIN_JOB = ["pareto", "--device", "jetson-tx2", "--budget-mj", "20", "--proxy", "zen"]


def printed(encoding: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    return subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, timeout=120, check=False)


def run(encoding: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    return printed(encoding, "-m", "hwnas", *arguments)


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_signs_that_an_encoding_lacks_are_written_plainly(encoding: str) -> None:
    wide, narrow = run("utf-8", *MAIN_JOB), run(encoding, *MAIN_JOB)
    assert (wide.returncode, narrow.returncode, narrow.stderr) == (0, 0, b"")
    written = wide.stdout.decode()
    assert "→" in written, "a sign that neither encoding has"
    assert narrow.stdout.decode(encoding) == written.replace("→", "->")


def test_json_escapes_what_an_encoding_lacks() -> None:
    written = printed("ascii", "-c", "from hwnas.cli.console import print_json; print_json({'sign': '→ü'})")
    assert b"\\u2192\\u00fc" in written.stdout
    assert json.loads(written.stdout) == {"sign": "→ü"}


def test_an_error_names_what_was_given_in_any_encoding() -> None:
    failed = run("ascii", "pareto", "--device", "zürich", "--budget-mj", "20")
    assert failed.returncode == 2
    assert rb"device 'z\xfcrich' is not known" in failed.stderr


def test_the_service_says_on_windows_where_it_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extra, "os", SimpleNamespace(name="nt"))
    with pytest.raises(UsageError, match="Linux and macOS"):
        extra.require_service()
