"""One writer at a time."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from hwnas.errors import DataError
from hwnas.proxies import lock
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
    target, told, first = tmp_path / "table.npz", [], ExitStack()
    held = tmp_path / "table.npz.lock"
    first.enter_context(single_writer(target))

    def wait(process: int) -> None:
        told.append(process)
        if len(told) == 2:
            first.close()  # the first has ended
        assert len(told) < 3

    with single_writer(target, waits=wait):
        assert held.read_text() == str(os.getpid())

        def tire(_process: int) -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt), single_writer(target, waits=tire):
            pass
        with pytest.raises(DataError, match="is writing"), single_writer(target):  # whose it is has it still
            pass
    assert told == [os.getpid()] * 2 and not held.exists()


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


@pytest.mark.parametrize("left", ["own", "living", "no number", ""])
def test_a_file_that_somebody_left_holds_nobody_up(tmp_path: Path, left: str) -> None:
    """A container starts again with the same numbers: the dead writer's number is one's own, or another process's."""
    number = {"own": str(os.getpid()), "living": str(os.getppid())}.get(left, left)
    (tmp_path / "table.npz.lock").write_text(number)
    with single_writer(tmp_path / "table.npz"):
        assert (tmp_path / "table.npz.lock").read_text() == str(os.getpid())
    assert not list(tmp_path.iterdir())


def test_the_lock_of_a_process_that_was_killed_is_free(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib, time; from hwnas.proxies.lock import single_writer\n"
        "with single_writer(pathlib.Path(sys.argv[1])): print('in', flush=True); time.sleep(600)\n"
    )
    target = tmp_path / "table.npz"
    command = [sys.executable, "-c", code, str(target)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None and writer.stdout.readline() == "in\n"
        with pytest.raises(DataError, match=f"process {writer.pid} is writing"), single_writer(target):
            pass
        writer.kill()
    assert (tmp_path / "table.npz.lock").read_text() == str(writer.pid)
    with single_writer(target):
        pass


def test_a_lock_that_is_removed_while_it_is_opened_is_taken_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its holder leaves after another one opened the file and before that one locks it: a third comes to a new file."""
    target, first, really = tmp_path / "table.npz", ExitStack(), lock._locked
    first.enter_context(single_writer(target))

    def late(file: int) -> bool:
        first.close()
        return really(file)

    monkeypatch.setattr(lock, "_locked", late)
    with single_writer(target):
        monkeypatch.setattr(lock, "_locked", really)
        with pytest.raises(DataError, match="is writing"), single_writer(target):
            pass


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="expected to write"), single_writer(tmp_path / "file" / "table.npz"):
        pass
