"""Downloads from a loopback server that cuts, lies and refuses."""

from __future__ import annotations

import socket
from hashlib import sha256
from pathlib import Path

import pytest

from hwnas.data.downloads import download
from hwnas.data.sources import SourceFile
from hwnas.errors import DataError, OfflineError, UsageError

CONTENT = bytes(range(256)) * 1200
FILE = SourceFile(path="a/b.csv", size=len(CONTENT), sha256=sha256(CONTENT).hexdigest(), upstream="o/r/c/b.csv")


class Fetch:
    """One target and the server that has it."""

    def __init__(self, server, folder: Path) -> None:
        self.server, self.target = server, folder / "files" / "b.csv"
        self.part = self.target.with_name("b.csv.part")
        self.reports: list[int] = []
        server.files["/b.csv"] = CONTENT

    def __call__(self, file: SourceFile = FILE) -> None:
        download(f"{self.server.url}/b.csv", file, self.target, report=self.reports.append, pause_s=0.0)

    @property
    def ranges(self) -> list[str | None]:
        return [wanted for _, wanted in self.server.requests]


@pytest.fixture
def fetch(server, tmp_path: Path) -> Fetch:
    return Fetch(server, tmp_path)


def assert_done(fetch: Fetch) -> None:
    assert fetch.target.read_bytes() == CONTENT
    assert not fetch.part.exists()


def test_a_whole_file(fetch: Fetch) -> None:
    fetch()
    assert_done(fetch)
    assert fetch.reports == sorted(fetch.reports) and fetch.reports[-1] == len(CONTENT)


def test_a_cut_connection_is_resumed_at_once(fetch: Fetch) -> None:
    fetch.server.plan = ["cut", "cut"]
    fetch()
    assert_done(fetch)
    half, quarter = len(CONTENT) // 2, len(CONTENT) // 4
    assert fetch.ranges == [None, f"bytes={half}-", f"bytes={half + quarter}-"]


def test_after_too_many_cuts_the_next_call_goes_on(fetch: Fetch) -> None:
    fetch.server.plan = ["cut"] * 4
    with pytest.raises(OfflineError, match=r"cut at \d+ of \d+ bytes; the same command goes on"):
        fetch()
    so_far = fetch.part.stat().st_size
    assert CONTENT.startswith(fetch.part.read_bytes()) and 0 < so_far < len(CONTENT)
    assert not fetch.target.exists()
    fetch()
    assert fetch.ranges[-1] == f"bytes={so_far}-"
    assert_done(fetch)


@pytest.mark.parametrize("plan", ["no-range", "wrong-range"])
def test_a_server_that_does_not_resume_sends_it_again(fetch: Fetch, plan: str) -> None:
    fetch.part.parent.mkdir()
    fetch.part.write_bytes(CONTENT[:1000])
    fetch.server.plan = [plan]
    fetch()
    assert_done(fetch)
    assert fetch.ranges[0] == "bytes=1000-"


def test_a_part_of_another_file_is_thrown_away(fetch: Fetch) -> None:
    fetch.part.parent.mkdir()
    fetch.part.write_bytes(b"x" * 1000)
    fetch()
    assert_done(fetch)
    assert fetch.ranges == ["bytes=1000-", None]


@pytest.mark.parametrize("extra", [0, 1, 5000])
def test_a_part_that_is_complete_or_too_long(fetch: Fetch, extra: int) -> None:
    fetch.part.parent.mkdir()
    fetch.part.write_bytes(CONTENT + bytes(extra))
    fetch()
    assert_done(fetch)
    assert fetch.ranges == ([None] if extra else [])


def test_a_wrong_checksum_is_refused_and_removed(fetch: Fetch) -> None:
    fetch.server.files["/b.csv"] = b"y" * len(CONTENT)
    with pytest.raises(DataError, match=rf"expected the published a/b\.csv .*{FILE.sha256[:12]}"):
        fetch()
    assert list(fetch.target.parent.iterdir()) == []
    assert len(fetch.ranges) == 1


def test_more_bytes_than_published_are_not_kept(fetch: Fetch) -> None:
    fetch.server.plan = ["longer"]
    with pytest.raises(DataError, match="expected the published"):
        fetch()
    assert list(fetch.target.parent.iterdir()) == []


def test_a_file_without_pinned_size_is_brought_whole(fetch: Fetch) -> None:
    fetch(SourceFile(path="a/b.csv", size=None, sha256=None, upstream=None))
    assert_done(fetch)


@pytest.mark.parametrize("status", [404, 403])
def test_what_the_server_does_not_have_is_said(fetch: Fetch, status: int) -> None:
    fetch.server.plan = [str(status)] * 4
    with pytest.raises(DataError, match=rf"got {status} .*--mirror DIR") as caught:
        fetch()
    assert not isinstance(caught.value, OfflineError)
    assert len(fetch.ranges) == 1


def test_a_busy_server_is_asked_again(fetch: Fetch) -> None:
    fetch.server.plan = ["503", "429"]
    fetch()
    assert_done(fetch)
    fetch.target.unlink()
    fetch.server.plan = ["500"] * 4
    with pytest.raises(OfflineError, match="the server answered 500"):
        fetch()


def test_offline_says_what_to_do(cache: Path, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/b.csv"
        with pytest.raises(OfflineError, match=r"refused.*hwnas data pull --mirror DIR.*hwnas data import FILE"):
            download(url, FILE, tmp_path / "b.csv", report=lambda _: None)


def test_a_folder_that_cannot_be_written_is_said(fetch: Fetch) -> None:
    fetch.target.parent.write_bytes(b"a file where a folder should be")
    with pytest.raises(DataError, match="expected to write"):
        fetch()


@pytest.mark.parametrize("url", ["file:///etc/hostname", "ftp://example.org/a"])
def test_only_http_is_fetched(tmp_path: Path, url: str) -> None:
    with pytest.raises(UsageError, match="expected an address that starts with http"):
        download(url, FILE, tmp_path / "b.csv", report=lambda _: None)
