"""`pull`, `import_file` and `verify` together: from a mirror, from a server, interrupted, damaged, offline."""

from __future__ import annotations

import io
import json
import os
import pickle
import signal
import subprocess
import sys
import time
import zipfile
from hashlib import sha256
from pathlib import Path

import pytest

from hwnas.data import SOURCES, Progress, import_file, list_sources, open_table, pull, table_path, verify
from hwnas.data.folders import file_path
from hwnas.errors import DataError, MissingExtraError, OfflineError, UnknownNameError, UsageError

NATS = "nas-bench-201/nats_bench.csv"


@pytest.fixture
def nats(publish, nats_csv: bytes) -> bytes:
    """nats-bench, published as the synthetic file."""
    publish("nats-bench", {NATS: nats_csv})
    return nats_csv


@pytest.fixture
def folder(tmp_path: Path, nats: bytes) -> Path:
    """A mirror with that file alone."""
    path = tmp_path / "mirror" / NATS
    path.parent.mkdir(parents=True)
    path.write_bytes(nats)
    return tmp_path / "mirror"


def statuses(names: tuple[str, ...] = ()) -> dict[str, str]:
    return {result.name: result.status for result in verify(names)}


def test_pull_from_a_mirror_makes_a_table_and_keeps_no_file(cache: Path, folder: Path, nats: bytes) -> None:
    events: list[Progress] = []
    (result,) = pull(["nats-bench"], mirror=folder, progress=events.append)
    assert (result.status, result.tables, result.reason) == ("converted", ("nats-bench",), "")
    assert (events[-1].source, events[-1].path, events[-1].done, events[-1].total) == (
        *("nats-bench", NATS),
        *(len(nats), len(nats)),
    )
    table = open_table("nats-bench")
    assert len(table) == 15625 and table.source.sha256 == {NATS: sha256(nats).hexdigest()}
    assert [path.name for path in cache.rglob("*") if path.is_file()] == ["nats-bench.npz"]
    assert statuses() == {"nats-bench": "ok"}


def test_the_mirror_may_come_from_the_environment(folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HWNAS_MIRROR", str(folder))
    assert pull(["nats-bench"])[0].status == "converted"


def test_what_is_there_is_not_made_again(cache: Path, folder: Path) -> None:
    pull(["nats-bench"], mirror=folder)
    before = table_path("nats-bench").stat().st_mtime_ns
    assert pull(["nats-bench"], mirror=folder)[0].status == "present"
    assert table_path("nats-bench").stat().st_mtime_ns == before
    assert pull(["nats-bench"], mirror=folder, force=True)[0].status == "converted"
    assert table_path("nats-bench").stat().st_mtime_ns > before


def test_a_damaged_table_is_found_and_made_again(cache: Path, folder: Path) -> None:
    pull(["nats-bench"], mirror=folder)
    content = table_path("nats-bench").read_bytes()
    table_path("nats-bench").write_bytes(content[: len(content) // 2])
    (result,) = verify()
    assert result.status == "damaged" and "hwnas data pull nats-bench" in result.reason
    pull(["nats-bench"], mirror=folder)
    assert statuses() == {"nats-bench": "ok"}


def test_a_table_made_from_other_files_is_found_and_made_again(cache: Path, folder: Path, publish) -> None:
    pull(["nats-bench"], mirror=folder)
    newer = (folder / NATS).read_bytes() + b"\n"
    publish("nats-bench", {NATS: newer})
    (result,) = verify()
    assert result.status == "damaged" and "not the published ones" in result.reason
    (folder / NATS).write_bytes(newer)
    assert pull(["nats-bench"], mirror=folder)[0].status == "converted"
    assert statuses() == {"nats-bench": "ok"}


def test_without_names_what_cannot_be_had_is_left_out(cache: Path, folder: Path, no_package: None) -> None:
    results = {result.source: result for result in pull(mirror=folder)}
    assert results["nats-bench"].status == "converted"
    assert results["help-ofa"].status == "skipped"
    assert "the mirror has no help/ofa/" in results["help-ofa"].reason
    assert "hwnas[truth]" in results["analog-nasbench"].reason
    assert "timm" not in results and "hw-nas-bench-pickle" not in results


def test_a_named_source_that_the_mirror_lacks_is_an_error(cache: Path, folder: Path) -> None:
    with pytest.raises(DataError, match=r"expected help/ofa/\S+ in the mirror .*No such file"):
        pull(["help-ofa"], mirror=folder)
    with pytest.raises(UnknownNameError, match="did you mean 'nats-bench'"):
        pull(["nats-bensh"], mirror=folder)
    with pytest.raises(UsageError, match="expected a folder as mirror"):
        pull(["nats-bench"], mirror=folder / "absent")


def test_a_changed_file_in_the_mirror_is_refused(cache: Path, folder: Path) -> None:
    path = folder / NATS
    path.write_bytes(path.read_bytes().replace(b"50.0,", b"99.0,", 1))
    with pytest.raises(DataError, match=r"expected the published nas-bench-201/nats_bench\.csv"):
        pull(["nats-bench"], mirror=folder)
    assert open_table("nats-bench") is None


def test_a_pickle_with_the_wrong_checksum_is_not_even_opened(cache: Path, tmp_path: Path) -> None:
    evidence = tmp_path / "evidence"
    evil = tmp_path / "help/ofa/latency/2080ti_1.pt"
    for file in SOURCES["help-ofa"].files:
        (tmp_path / file.path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file.path).touch()
    evil.write_bytes(f"cos\nsystem\n(S'touch {evidence}'\ntR.".encode())
    with pytest.raises(DataError, match="expected the published help/ofa/"):
        pull(["help-ofa"], mirror=tmp_path)
    assert not evidence.exists()


def test_pull_from_a_server_resumes(cache: Path, server, nats: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    server.files[f"/o/r/c/{NATS}"] = nats
    server.plan = ["404"]
    with pytest.raises(DataError, match="got 404"):
        pull(["nats-bench"], base_url=server.url)
    part = file_path(NATS + ".part")
    part.write_bytes(nats[:100_000])
    monkeypatch.setenv("HWNAS_DATA_URL", server.url + "/")
    assert pull(["nats-bench"])[0].status == "converted"
    assert server.requests[-1] == (f"/o/r/c/{NATS}", "bytes=100000-")
    assert [path.name for path in cache.rglob("*") if path.is_file()] == ["nats-bench.npz"]


def test_offline(cache: Path, nats: bytes) -> None:
    with pytest.raises(OfflineError, match="hwnas data import FILE"):
        pull(["nats-bench"], base_url="http://127.0.0.1:9")
    with pytest.raises(DataError, match=r"expected an address for images/cifar10\.npz"):
        pull(["images"], base_url="http://127.0.0.1:9")


@pytest.mark.parametrize("name", ["images", "help-ofa"])
@pytest.mark.usefixtures("cache")
def test_the_network_leaves_out_what_has_no_address(name: str, server, monkeypatch: pytest.MonkeyPatch) -> None:
    for other in set(SOURCES) - {name}:
        monkeypatch.delitem(SOURCES, other)
    (result,) = pull(base_url=server.url)
    assert result.status == "skipped" and "--mirror DIR" in result.reason
    assert server.requests == []


@pytest.mark.skipif(os.name != "posix", reason="needs SIGINT")
def test_ctrl_c_leaves_a_part_that_resumes_and_no_table(cache: Path, server) -> None:
    file = SOURCES["nats-bench"].files[0]
    address = f"/{file.upstream}"
    server.files[address] = bytes(file.size)
    server.plan = ["hang"]
    # A shell that starts the tests in the background makes them, and their children, ignore the signal.
    heed = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    code = f"{heed}from hwnas.data import pull; pull(['nats-bench'])"
    environment = {**os.environ, "HWNAS_DATA": str(cache), "HWNAS_DATA_URL": server.url}
    process = subprocess.Popen([sys.executable, "-c", code], env=environment, stderr=subprocess.PIPE, text=True)
    part = file_path(f"{file.path}.part")
    deadline = time.monotonic() + 20
    while not (part.exists() and part.stat().st_size > 0) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert "KeyboardInterrupt" in errors and process.returncode != 0
    so_far = part.stat().st_size
    assert 0 < so_far <= file.size // 2
    assert [path for path in cache.rglob("*") if path.is_file()] == [part]
    with pytest.raises(DataError):  # zeros are not the published file
        pull(["nats-bench"], base_url=server.url)
    assert server.requests[1] == (address, f"bytes={so_far}-")


def test_raw_sources_are_kept_as_they_are(cache: Path, tmp_path: Path, publish, no_package: None) -> None:
    publish("timm", {"timm/a.csv": b"a,b\n", "timm/deep/b.csv": b"c\n"}, ())
    for path, content in (("timm/a.csv", b"a,b\n"), ("timm/deep/b.csv", b"c\n")):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    assert pull(["timm"], mirror=tmp_path)[0].status == "kept"
    assert file_path("timm/deep/b.csv").read_bytes() == b"c\n"
    assert pull(["timm"], mirror=tmp_path)[0].status == "present"
    assert statuses() == {"timm/a.csv": "ok", "timm/deep/b.csv": "ok"}
    file_path("timm/a.csv").write_bytes(b"a,c\n")
    assert statuses() == {"timm/a.csv": "damaged", "timm/deep/b.csv": "ok"}
    assert {result.source for result in pull(mirror=tmp_path, raw=True) if result.status == "kept"} == {"timm"}
    assert statuses()["timm/a.csv"] == "ok"


def test_lists_say_what_is_there(cache: Path, folder: Path) -> None:
    assert {status.status for status in list_sources()} == {"absent"}
    assert statuses(("nats-bench", "accel-nasbench")) == {
        "nats-bench": "absent",
        "accel-nasbench": "absent",
    }
    pull(["nats-bench"], mirror=folder)
    assert {s.source.name: s.status for s in list_sources()}["nats-bench"] == "present"
    assert not cache.joinpath("files").exists()
    for content in (table_path("nats-bench").read_bytes()[:1000], b"garbage"):
        table_path("nats-bench").write_bytes(content)
        assert {s.source.name: s.status for s in list_sources()}["nats-bench"] == "damaged"


def test_a_file_is_recognised_by_its_contents(cache: Path, tmp_path: Path, nats: bytes) -> None:
    path = tmp_path / "any name"
    path.write_bytes(nats)
    result = import_file(path)
    assert (result.source, result.tables, result.missing) == ("nats-bench", ("nats-bench",), ())
    assert statuses() == {"nats-bench": "ok"}
    assert path.read_bytes() == nats


def test_unknown_files_are_refused(cache: Path, tmp_path: Path) -> None:
    path = tmp_path / "nats_bench.csv"
    path.write_bytes(b"something else")
    with pytest.raises(UsageError, match="which no source has"):
        import_file(path)
    with pytest.raises(DataError, match="expected a published file of 'nats-bench'"):
        import_file(path, as_name="nats-bench")
    with pytest.raises(UnknownNameError):
        import_file(path, as_name="nats")
    with pytest.raises(UsageError, match=r"expected a file to import, got .*No such file"):
        import_file(tmp_path / "absent")
    assert not cache.exists()


def test_a_source_of_several_files_waits_for_all(cache: Path, tmp_path: Path, publish) -> None:
    net = {"ks": [3] * 20, "e": [4] * 20, "d": [2] * 5, "r": 224}
    latency = io.BytesIO()
    with zipfile.ZipFile(latency, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps([1.5, 2.5], 2))
    files = {"o/ofa_archs.json": json.dumps({"arch": [net, net]}).encode(), "o/latency/a.pt": latency.getvalue()}
    publish("help-ofa", files)
    for name, content in files.items():
        (tmp_path / Path(name).name).write_bytes(content)
    first = import_file(tmp_path / "a.pt")
    assert (first.tables, first.missing) == ((), ("o/ofa_archs.json",))
    assert open_table("help-ofa") is None
    second = import_file(tmp_path / "ofa_archs.json")
    assert (second.tables, second.missing) == (("help-ofa",), ())
    assert open_table("help-ofa")["a"].tolist() == [1.5, 2.5]
    assert not list((cache / "files").rglob("*.*"))


def test_a_raw_file_is_kept(cache: Path, tmp_path: Path, publish) -> None:
    publish("timm", {"timm/a.csv": b"a", "timm/b.csv": b"b"}, ())
    (tmp_path / "x").write_bytes(b"b")
    assert import_file(tmp_path / "x").missing == ("timm/a.csv",)
    assert file_path("timm/b.csv").read_bytes() == b"b"


def test_a_malicious_import_runs_nothing(cache: Path, tmp_path: Path) -> None:
    evidence, path = tmp_path / "evidence", tmp_path / "HW-NAS-Bench-v1_0.pickle"
    path.write_bytes(f"cos\nsystem\n(S'touch {evidence}'\ntR.".encode())
    with pytest.raises(DataError, match="a pickle that names"):
        import_file(path)
    with pytest.raises(DataError, match="a pickle that names"):
        import_file(path.rename(tmp_path / "other"), as_name="hw-nas-bench-pickle")
    assert not evidence.exists() and not cache.exists()


def test_a_package_that_is_not_installed_is_named(cache: Path, no_package: None) -> None:
    with pytest.raises(MissingExtraError, match=r"hwnas\[truth\]"):
        pull(["analog-nasbench"])


def test_no_place_to_write_is_one_error(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("HWNAS_DATA", str(tmp_path / "file" / "cache"))
    with pytest.raises(DataError, match="HWNAS_DATA"):
        pull(["nats-bench"], mirror=folder)
