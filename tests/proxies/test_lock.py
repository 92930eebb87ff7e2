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


def test_a_second_writer_waits_where_somebody_is_told(tmp_path: Path) -> None:
    target, told = tmp_path / "table.npz", []

    def wait(process: int) -> None:
        told.append(process)
        if len(told) == 2:
            (tmp_path / "table.npz.lock").unlink()  # the first has ended
        assert len(told) < 3

    (tmp_path / "table.npz.lock").write_text(str(os.getppid()))
    with single_writer(target, waits=wait):
        assert (tmp_path / "table.npz.lock").read_text() == str(os.getpid())
    assert told == [os.getppid()] * 2
    (tmp_path / "table.npz.lock").write_text(str(os.getppid()))

    def tire(_process: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), single_writer(target, waits=tire):
        pass
    assert (tmp_path / "table.npz.lock").read_text() == str(os.getppid()), "whose it is has it still"


def test_one_at_a_time_whoever_comes_first(tmp_path: Path) -> None:
    """Four processes, each of which enters ten times: between two lines of one no line of another."""
    code = (
        "import sys, pathlib; from hwnas.proxies import lock; lock.POLL_SECONDS = 0.001\n"
        "target = pathlib.Path(sys.argv[1])\n"
        "for _ in range(10):\n"
        "    with lock.single_writer(target, waits=lambda _: None):\n"
        "        for _ in range(2):\n"
        "            with target.open('a') as file: file.write(sys.argv[2])\n"
    )
    target = tmp_path / "table"
    several = [subprocess.Popen([sys.executable, "-c", code, str(target), name]) for name in "abcd"]
    assert [one.wait() for one in several] == [0, 0, 0, 0]
    written = target.read_text()
    assert sorted(written) == sorted("abcd" * 20) and all(
        a == b for a, b in zip(written[::2], written[1::2], strict=True)
    )


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
