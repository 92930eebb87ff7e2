"""Tables as files: exact, lazy, and never silently wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hwnas.data import Table, TableSource, cache_folder, open_table, table_path
from hwnas.data.table_files import FORMAT_VERSION, Contents, write_table
from hwnas.data.tables import table_in_memory
from hwnas.errors import DataError, UnknownNameError
from hwnas.folders import write_whole

SOURCE = TableSource(title="a title", licence="MIT", url="https://example.org", sha256={"a.csv": "0" * 64}, note="why")
CONTENTS = Contents(
    columns={
        "a_ms": np.array([1.5, np.nan, 1e-300]),
        "codes": np.arange(6, dtype=np.int8).reshape(3, 2),
        "name": np.array(["x", "yy", "ü"]),
    },
    units={"a_ms": "ms"},
    attributes={"reference": [3, 1]},
)
in_one_cache = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=100)


@pytest.fixture
def written(cache: Path) -> Path:
    return write_table("nats-bench", SOURCE, CONTENTS)


def assert_same(table: Table | None) -> None:
    assert table is not None
    assert table.columns == tuple(CONTENTS.columns)
    for column, expected in CONTENTS.columns.items():
        np.testing.assert_array_equal(table[column], expected)
        assert table[column].dtype == expected.dtype


def test_a_table_comes_back_as_it_was_written(written: Path) -> None:
    table = open_table("nats-bench")
    assert_same(table)
    assert (table.name, len(table), table.source) == ("nats-bench", 3, SOURCE)
    assert dict(table.units) == {"a_ms": "ms"}
    assert dict(table.attributes) == {"reference": [3, 1]}
    assert "codes" in table and "other" not in table
    assert repr(table) == "Table('nats-bench', 3 rows: a_ms, codes, name)"


def test_numpy_reads_the_file_by_itself(written: Path) -> None:
    with np.load(written, allow_pickle=False) as arrays:
        np.testing.assert_array_equal(arrays["codes"], CONTENTS.columns["codes"])


def test_a_table_in_memory_is_the_same(cache: Path) -> None:
    assert_same(table_in_memory("nats-bench", SOURCE, CONTENTS))
    assert not cache.exists()


def test_columns_are_shared_and_cannot_be_changed(written: Path) -> None:
    table = open_table("nats-bench")
    assert table["a_ms"] is table["a_ms"]
    with pytest.raises(ValueError, match="read-only"):
        table["a_ms"][0] = 0


def test_a_column_is_read_only_when_it_is_asked_for(written: Path) -> None:
    content = written.read_bytes()
    table = open_table("nats-bench")
    position = content.index(CONTENTS.columns["codes"].tobytes())
    written.write_bytes(content[:position] + b"\xff" + content[position + 1 :])
    np.testing.assert_array_equal(table["a_ms"], CONTENTS.columns["a_ms"])
    with pytest.raises(DataError, match=r"column 'codes'.*CRC.*hwnas data pull nats-bench"):
        table["codes"]


def test_what_is_absent_is_none_and_looking_makes_no_folder(cache: Path) -> None:
    assert open_table("nats-bench") is None
    assert not cache.exists()


def test_unknown_names_are_answered_with_near_ones(written: Path) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'nats-bench'"):
        open_table("nats-bensh")
    with pytest.raises(UnknownNameError, match="did you mean 'codes'"):
        open_table("nats-bench")["code"]


@in_one_cache
@given(share=st.floats(0, 1, exclude_max=True))
def test_a_truncated_file_is_an_error(written: Path, share: float) -> None:
    content = written.read_bytes()
    try:
        written.write_bytes(content[: int(share * len(content))])
        with pytest.raises(DataError, match="hwnas data pull nats-bench"):
            open_table("nats-bench")
    finally:
        written.write_bytes(content)


@in_one_cache
@given(data=st.data())
def test_a_changed_byte_is_an_error_or_changes_nothing(written: Path, data: st.DataObject) -> None:
    content = written.read_bytes()
    position = data.draw(st.integers(0, len(content) - 1))
    value = data.draw(st.integers(0, 255))
    try:
        written.write_bytes(content[:position] + bytes([value]) + content[position + 1 :])
        try:
            table = open_table("nats-bench")
            columns = {column: table[column] for column in table.columns}
        except DataError as error:
            assert "hwnas data pull nats-bench" in str(error)
        else:
            for column, expected in CONTENTS.columns.items():
                np.testing.assert_array_equal(columns[column], expected)
    finally:
        written.write_bytes(content)


def rewrite_header(path: Path, **changes: object) -> None:
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    header = {**json.loads(members["header.json"]), **changes}
    with zipfile.ZipFile(path, "w") as archive:
        for name, member in members.items():
            archive.writestr(name, json.dumps(header) if name == "header.json" else member)


@pytest.mark.parametrize("version", [0, FORMAT_VERSION + 1, "one", None])
def test_another_version_is_named(written: Path, version: object) -> None:
    rewrite_header(written, format_version=version)
    with pytest.raises(DataError, match=f"format version {version}, where this hwnas reads version {FORMAT_VERSION}"):
        open_table("nats-bench")


def test_the_file_of_another_table_is_refused(written: Path) -> None:
    written.rename(table_path("help-ofa"))
    with pytest.raises(DataError, match=r"got table 'nats-bench'.*hwnas data pull help-ofa"):
        open_table("help-ofa")


def test_a_header_that_promises_other_rows_is_refused(written: Path) -> None:
    rewrite_header(written, rows=4)
    with pytest.raises(DataError, match="3 rows instead of 4"):
        open_table("nats-bench")["a_ms"]


@pytest.mark.parametrize("content", [b"", b"not a table", b"PK\x05\x06" + bytes(18)])
def test_a_file_that_is_no_table_is_refused(cache: Path, content: bytes) -> None:
    write_whole(table_path("hw-nas-bench-fbnet"), content)
    with pytest.raises(DataError, match=r"hwnas data import HW-NAS-Bench-v1_0\.pickle"):
        open_table("hw-nas-bench-fbnet")


def test_pickled_objects_in_a_column_are_never_loaded(written: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "objects.npy", np.array([{}, {}, {}], dtype=object), allow_pickle=True)
    with zipfile.ZipFile(written) as archive:
        header = archive.read("header.json")
    with zipfile.ZipFile(written, "w") as archive:
        archive.writestr("header.json", header)
        archive.write(tmp_path / "objects.npy", "a_ms.npy")
    with pytest.raises(DataError, match="not a plain column"):
        open_table("nats-bench")["a_ms"]


def test_columns_of_unequal_length_are_refused(cache: Path) -> None:
    unequal = Contents(columns={"a": np.zeros(3), "b": np.zeros(2)})
    with pytest.raises(DataError, match=r"one length, got lengths \[2, 3\]"):
        write_table("nats-bench", SOURCE, unequal)
    assert not cache.exists()


def test_an_interrupted_write_leaves_the_old_file_and_nothing_else(
    written: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_table("nats-bench", SOURCE, Contents(columns={"a_ms": np.zeros(1)}))
    assert_same(open_table("nats-bench"))
    assert [path.name for path in written.parent.iterdir()] == ["nats-bench.npz"]


def test_a_place_that_cannot_be_written_is_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("HWNAS_DATA", str(tmp_path / "file" / "cache"))
    with pytest.raises(DataError, match=r"expected to write .*HWNAS_DATA"):
        write_table("nats-bench", SOURCE, CONTENTS)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="permissions do not bind this user")
def test_no_write_permission_is_the_same_error(cache: Path) -> None:
    cache.mkdir()
    cache.chmod(0o500)
    with pytest.raises(DataError, match="Permission denied; make the folder writable"):
        write_table("nats-bench", SOURCE, CONTENTS)


def test_the_cache_folder_is_the_chosen_one_or_the_platforms(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HWNAS_DATA", "~/somewhere")
    assert cache_folder() == Path.home() / "somewhere"
    monkeypatch.delenv("HWNAS_DATA")
    if sys.platform == "linux":
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
        assert cache_folder() == tmp_path / "hwnas"
    assert not (tmp_path / "hwnas").exists()


def test_reading_a_table_imports_nothing_heavy(written: Path) -> None:
    code = "import sys; from hwnas.data import open_table; open_table('nats-bench')['a_ms']; print(*sys.modules)"
    loaded = set(
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    )
    assert "hwnas.data.tables" in loaded
    heavy = {"pandas", "torch", "scipy", "pydantic", "pooch", "rich", "typer", "http.client", "hwnas.spaces"}
    assert not loaded & heavy
