"""`hwnas data`: the same results as the functions, for people and for programs."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from hwnas.cli import render_data
from hwnas.cli.data import app
from hwnas.data import SOURCES, Progress, table_path
from hwnas.errors import DataError, UnknownNameError

CONTENT = b"a,b\n1,2\n"


@pytest.fixture
def folder(cache: Path, tmp_path: Path, publish) -> Path:
    """A mirror of a `timm` that has one small file."""
    publish("timm", {"timm/a.csv": CONTENT}, ())
    (tmp_path / "timm").mkdir()
    (tmp_path / "timm/a.csv").write_bytes(CONTENT)
    return tmp_path


def run(*arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(app, arguments)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result


def run_json(*arguments: str, code: int = 0) -> list[dict[str, object]]:
    parsed: list[dict[str, object]] = json.loads(run(*arguments, "--json", code=code).stdout)
    return parsed


def test_list_names_every_source_with_its_addresses(cache: Path) -> None:
    listed = {entry["name"]: entry for entry in run_json("list")}
    assert listed.keys() == SOURCES.keys()
    file = listed["nats-bench"]["parts"][0]["files"][0]
    assert file["upstream"].startswith("v-tao/nats-bench-landscape/") and len(file["sha256"]) == 64
    assert listed["nats-bench"]["status"] == "absent"
    text = run("list").stdout
    assert all(name in text for name in SOURCES) and "licence" in text and "absent" in text


def test_pull_verify_and_repair(folder: Path) -> None:
    assert run_json("pull", "timm", "--mirror", str(folder)) == [
        {"source": "timm", "status": "kept", "tables": [], "reason": ""}
    ]
    assert run_json("verify", "timm") == [{"name": "timm/a.csv", "kind": "file", "status": "ok", "reason": ""}]
    (folder / "cache/files/timm/a.csv").write_bytes(b"changed")
    (damaged,) = run_json("verify", code=1)
    assert damaged["status"] == "damaged" and "expected the published timm/a.csv" in str(damaged["reason"])
    assert "damaged" in run("verify", "timm", code=1).stdout
    assert "kept" in run("pull", "timm", "--mirror", str(folder)).stdout
    assert "ok" in run("verify", "timm").stdout


def test_verify_of_what_is_absent_fails_only_when_it_is_named(folder: Path) -> None:
    assert run_json("verify") == []
    assert "nothing is in the cache" in run("verify").stdout
    assert run_json("verify", "timm", code=1)[0]["status"] == "absent"


def test_import(folder: Path) -> None:
    (imported,) = run_json("import", str(folder / "timm/a.csv"))
    assert imported == {"path": "timm/a.csv", "source": "timm", "tables": [], "missing": []}
    assert (folder / "cache/files/timm/a.csv").read_bytes() == CONTENT


def test_errors_are_the_errors_of_the_functions(folder: Path) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'timm'"):
        run("pull", "tim", "--mirror", str(folder))
    assert not table_path("nats-bench").exists()


def test_a_terminal_sees_progress(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    with render_data.progress() as report:
        report(Progress(source="timm", path="timm/a.csv", done=10, total=100))
        report(Progress(source="timm", path="timm/b.csv", done=30, total=60))
    shown = capsys.readouterr()
    assert "timm/b.csv" in shown.err and "30/60 bytes" in shown.err
    assert shown.out == ""


def test_no_progress_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    with render_data.progress() as report:
        report(Progress(source="timm", path="timm/a.csv", done=10, total=100))
    assert capsys.readouterr() == ("", "")


def test_a_mirror_without_anything_is_a_failure(folder: Path, tmp_path: Path, no_package: None) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"expected published files of \d+ sources, got none; a mirror is a folder"):
        run("pull", "--mirror", str(tmp_path / "empty"))
    run("pull", "timm", "--mirror", str(folder))
    run("pull", "--raw", "--mirror", str(tmp_path / "empty"))  # something is here already


def test_list_tells_damage_of_a_file_by_its_size(folder: Path) -> None:
    run("pull", "timm", "--mirror", str(folder))
    assert {entry["name"]: entry["status"] for entry in run_json("list")}["timm"] == "present"
    (folder / "cache/files/timm/a.csv").write_bytes(CONTENT[:3])
    assert {entry["name"]: entry["status"] for entry in run_json("list")}["timm"] == "damaged"
