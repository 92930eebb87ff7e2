"""The README is true: its commands run, its Python runs, and nothing that exists is missing from it."""

from __future__ import annotations

import csv
import hashlib
import re
import shlex
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest

import hwnas
from hwnas.cli import main
from hwnas.cli.app import app
from hwnas.devices import load_devices
from hwnas.proxies import PROXIES
from hwnas.spaces import SPACES

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", README, re.S | re.M)
SHELL = [line.strip() for language, text in BLOCKS if language == "sh" for line in text.splitlines() if line.strip()]
# These train, score a whole space, or need a download or the mirror's folder.
LONG = re.compile(
    r"train|--all|data pull|data import|pip install|pytest|git clone|--module|measure|adapt|verify|my-board"
    r"|serve|hwnas worker|kernels build|kernels fit|\.onnx|tflite"
)
COMMANDS = [line.split("#")[0].strip() for line in SHELL if line.startswith("hwnas ") and not LONG.search(line)]


def test_the_readme_has_commands_to_run() -> None:
    assert len(COMMANDS) >= 8
    assert any("hwnas pareto --device jetson-tx2 --budget-mj 20 --proxy zen" in line for line in SHELL)


@pytest.mark.data
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_runs(
    command: str,
    pulled: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HWNAS_DATA", str(pulled))
    monkeypatch.setenv("HWNAS_HOME", str(tmp_path))
    monkeypatch.setattr("sys.argv", shlex.split(command))
    with pytest.raises(SystemExit) as done:
        main()
    printed = capsys.readouterr()
    assert not done.value.code, printed.err
    assert printed.out


def test_what_lists_find_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The figures beneath the first example are those of the default, from what is shipped alone."""
    if find_spec("analognasbench") is None:
        pytest.skip("the extra `truth` is not installed")
    monkeypatch.setenv("HWNAS_DATA", str(tmp_path))
    said = re.search(r"volume of (.+?) within (.+?) mJ, where `params` has ([\d./\s]+)\. ", README, re.S)
    assert said is not None
    found = {"auto": [], "params": []}
    for budget in said[2].split("/"):
        result = hwnas.pareto("jetson-tx2", budget_mj=float(budget))
        for name, shares in found.items():
            shares.append(result.front(name).comparison.relative_hypervolume)
    for shares, stated in zip(found.values(), (said[1], said[3]), strict=True):
        assert [f"{share:.3f}" for share in shares] == [share.strip() for share in stated.split("/")]


@pytest.mark.data
def test_a_new_device_in_four_commands(
    pulled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As they stand, but for shorter measurements."""
    pytest.importorskip("onnxruntime")
    text = next(text for language, text in BLOCKS if language == "sh" and "hwnas plan" in text)
    commands = [line.split("#")[0].split() for line in text.splitlines()]
    assert [words[1] for words in commands] == ["plan", "measure", "adapt", "pareto", "verify"]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HWNAS_DATA", str(pulled))
    monkeypatch.setenv("HWNAS_HOME", str(tmp_path))
    for words in commands:
        if words[1] in ("measure", "verify"):
            words += ["--rounds", "1", "--window", "0.02", "--warmup", "0.01", "--threads", "1"]
        monkeypatch.setattr("sys.argv", words)
        with pytest.raises(SystemExit) as done:
            main()
        assert not done.value.code, capsys.readouterr().err


@pytest.mark.parametrize("code", [text for language, text in BLOCKS if language == "python"])
def test_the_python_runs(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HWNAS_DATA", str(tmp_path))
    exec(compile(code, "README.md", "exec"), {"__name__": "readme"})


@pytest.mark.parametrize("folder", ["latency", "latency/kernels", "pareto", "hwnas/graphs"])
def test_the_python_of_folders_runs(folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HWNAS_DATA", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    text = (ROOT / folder / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", text, re.S | re.M)
    assert blocks
    for code in blocks:
        exec(compile(code, f"{folder}/README.md", "exec"), {"__name__": "readme"})


def test_every_command_proxy_space_and_device_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HWNAS_HOME", str(tmp_path))  # without devices of whoever runs this
    commands = {command.name for command in app.registered_commands} | {g.name for g in app.registered_groups}
    assert None not in commands
    for name in commands:
        assert f"hwnas {name}" in README, name
    for name in (*PROXIES, *SPACES, *load_devices()):
        assert f"`{name}`" in README, name


def test_links_lead_somewhere() -> None:
    for target, anchor in re.findall(r"\]\(([^)#:]*)(?:#([^)]+))?\)", README):
        assert (ROOT / target).exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", (ROOT / (target or "README.md")).read_text(encoding="utf-8"), re.M)
            slugs = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
            assert anchor in slugs, f"{target}#{anchor}"


def test_no_documentation_has_a_path_of_a_machine() -> None:
    for path in ROOT.rglob("*.md"):
        if not any(part.startswith(".") for part in path.relative_to(ROOT).parts):
            text = path.read_text(encoding="utf-8")
            assert "/home/" not in text and "/root/" not in text, path


@pytest.mark.data
def test_no_public_file_is_committed(mirror: Path) -> None:
    """Byte for byte; what is made from public files is ours, the files themselves stay where they were published."""
    try:
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    tracked = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    assert ROOT / "README.md" in tracked
    with (mirror / "MANIFEST.csv").open(newline="") as file:
        public = {row["sha256"]: row["path"] for row in csv.DictReader(file)}
    assert all(len(digest) == 64 for digest in public)
    found = {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in tracked if path.is_file()}
    assert {str(path): public[digest] for path, digest in found.items() if digest in public} == {}
