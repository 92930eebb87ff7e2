"""Temporary files: gone with their process, or at the next start where it was killed; never those of others."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hwnas.service.temporary import own_folder, remove_left

KEEPS = """
import sys, tempfile
import multiprocessing.util
from hwnas.service.temporary import keep_temporary_files_together
keep_temporary_files_together()
open(tempfile.mkdtemp() + "/file", "w").close()
assert multiprocessing.util.get_temp_dir().startswith(tempfile.tempdir)
print(tempfile.tempdir, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where temporary files go in this test."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    yield tmp_path


@pytest.fixture
def other(place: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that keeps a folder, until its standard input closes."""
    with subprocess.Popen([sys.executable, "-c", KEEPS], stdin=-1, stdout=-1, stderr=-1, text=True) as process:
        yield process
        process.kill()


def test_a_folder_is_gone_afterwards(place: Path) -> None:
    with own_folder() as folder:
        (folder / "file").touch()
        assert folder.parent == place
    assert list(place.iterdir()) == []


def test_the_folder_of_a_living_process_stays(place: Path, other: subprocess.Popen[str]) -> None:
    assert other.stdin is not None and other.stdout is not None
    folder = Path(other.stdout.readline().strip())
    remove_left()
    assert len(list(folder.glob("*/file"))) == 1
    other.stdin.close()
    assert other.wait() == 0
    assert list(place.iterdir()) == [] and other.stderr is not None and other.stderr.read() == ""


def test_the_folder_of_a_killed_process_goes_at_the_next_start(place: Path, other: subprocess.Popen[str]) -> None:
    assert other.stdout is not None
    folder = Path(other.stdout.readline().strip())
    other.kill()
    other.wait()
    assert folder.is_dir()
    with own_folder() as own:
        assert list(place.iterdir()) == [own]


def test_what_is_not_ours_stays(place: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Folders without a lock, and a link that leads elsewhere."""
    (place / "hwnas-wanything").mkdir()
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "lock").touch()
    (place / "hwnas-wlink").symlink_to(elsewhere)
    remove_left()
    assert (place / "hwnas-wanything").is_dir() and (elsewhere / "lock").exists()
