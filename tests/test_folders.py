"""Files are written whole or not at all, and a refusal says what to do about that place."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hwnas.errors import DataError
from hwnas.folders import write_whole


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HWNAS_DATA", str(tmp_path / "cache"))
    monkeypatch.setenv("HWNAS_HOME", str(tmp_path / "home"))


def test_a_file_is_replaced_and_its_folder_made(tmp_path: Path) -> None:
    target = tmp_path / "new" / "folder" / "a.bin"
    for content in (b"first", b"2nd"):
        write_whole(target, content)
        assert target.read_bytes() == content
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.skipif(os.name != "posix", reason="permissions are of another kind")
def test_a_file_is_as_readable_as_the_user_lets_files_be(tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(b"")
    write_whole(tmp_path / "whole", b"")
    assert (tmp_path / "whole").stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize("failure", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_a_failed_write_keeps_the_old_file_and_leaves_no_other(
    failure: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "folder" / "a.bin"
    write_whole(target, b"old")

    def fail(*_: object) -> None:
        raise failure

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises((KeyboardInterrupt, DataError)):
        write_whole(target, b"new")
    assert list(target.parent.iterdir()) == [target] and target.read_bytes() == b"old"


@pytest.mark.parametrize(
    ("folder", "advice"),
    [
        ("cache", "or set HWNAS_DATA to another folder"),
        ("home", "or set HWNAS_HOME to another folder"),
        ("elsewhere", "or choose another file or folder"),
    ],
)
def test_the_advice_is_for_the_place(folder: str, advice: str, tmp_path: Path) -> None:
    (tmp_path / folder).write_bytes(b"a file where a folder should be")
    with pytest.raises(DataError, match=f"expected to write .*a.bin, got: .*; make the folder writable .*, {advice}$"):
        write_whole(tmp_path / folder / "a.bin", b"")


def test_a_relative_path_into_the_cache_is_one_of_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HWNAS_DATA", "cache")
    (tmp_path / "cache").write_bytes(b"")
    for target in (Path("cache/a.bin"), tmp_path / "cache" / "a.bin"):
        with pytest.raises(DataError, match="HWNAS_DATA"):
            write_whole(target, b"")
