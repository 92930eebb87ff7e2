"""One writer at a time."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hwnas.errors import DataError
from hwnas.proxies.lock import single_writer


def test_a_second_writer_is_refused_and_the_lock_goes_with_the_first(tmp_path: Path) -> None:
    target = tmp_path / "folder" / "table.npz"
    with single_writer(target):
        assert (tmp_path / "folder" / "table.npz.lock").read_text() == str(os.getpid())
        with pytest.raises(DataError, match=f"process {os.getpid()} is writing"), single_writer(target):
            pass
    assert not list((tmp_path / "folder").iterdir())
    with pytest.raises(KeyboardInterrupt), single_writer(target):
        raise KeyboardInterrupt
    assert not list((tmp_path / "folder").iterdir())


def test_the_lock_of_a_process_that_is_gone_is_taken_over(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    (tmp_path / "table.npz.lock").write_text(str(gone.pid))
    with single_writer(tmp_path / "table.npz"):
        assert (tmp_path / "table.npz.lock").read_text() == str(os.getpid())


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="expected to write"), single_writer(tmp_path / "file" / "table.npz"):
        pass
