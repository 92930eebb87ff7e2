"""Pickles are read as data; whatever else they ask for does not happen."""

from __future__ import annotations

import collections
import io
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwnas.data.pickles import NUMPY, load_plain, load_torch
from hwnas.errors import DataError

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
    max_leaves=20,
)


class Calls:
    """Pickles as a call of any function."""

    def __init__(self, function: Callable[..., Any], *arguments: object) -> None:
        self.function, self.arguments = function, arguments

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[object, ...]]:
        return self.function, self.arguments


def torch_file(pickled: bytes, *, prefix: str = "archive") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(f"{prefix}/data.pkl", pickled)
        archive.writestr(f"{prefix}/version", "3")
    return buffer.getvalue()


@settings(deadline=None)
@given(value=PLAIN, protocol=st.integers(0, 5))
def test_plain_data_comes_back(value: Any, protocol: int) -> None:
    assert load_plain(pickle.dumps(value, protocol), NUMPY) == value


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4])
@pytest.mark.parametrize("stand_ins", [None, NUMPY])
@pytest.mark.parametrize("wrap", [lambda evil: evil, lambda evil: {"a": [evil]}, lambda evil: np.array([evil])])
def test_a_malicious_pickle_runs_nothing(tmp_path: Path, protocol: int, stand_ins: Any, wrap: Any) -> None:
    evidence = tmp_path / "evidence"
    for call in (Calls(os.system, f"touch {evidence}"), Calls(open, str(evidence), "w"), Calls(eval, "1/0")):
        with pytest.raises(DataError, match="expected plain data, got a pickle that names"):
            load_plain(pickle.dumps(wrap(call), protocol), stand_ins)
        with pytest.raises(DataError, match="expected plain data, got a pickle that names"):
            load_torch(torch_file(pickle.dumps(wrap(call), protocol)))
    assert not evidence.exists()


def test_attributes_of_stand_ins_are_no_way_out() -> None:
    reach = b"cnumpy\nndarray\n(S'__globals__'\nlt." + b"\x80\x04\x8c\x05numpy\x8c\x10ndarray.__init__\x93."
    for pickled in (b"\x80\x04\x8c\x05numpy\x8c\x10ndarray.__init__\x93.", b"cbuiltins\ngetattr\n.", reach[1:]):
        with pytest.raises(DataError):
            load_plain(pickled, NUMPY)


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4])
@pytest.mark.parametrize(
    "array",
    [
        np.linspace(0, 1, 7),
        np.arange(6, dtype=np.int32).reshape(2, 3),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.array([1.5, -2], dtype=">f4"),
        np.array([True, False]),
        np.array([1, "two", None], dtype=object),
        np.array([], dtype=np.float32),
    ],
    ids=lambda array: f"{array.dtype}-{array.shape}",
)
def test_arrays_become_lists(array: np.ndarray, protocol: int) -> None:
    for core in (b"numpy._core", b"numpy.core"):  # as numpy 2 and numpy 1 write it
        if core == b"numpy.core" and protocol == 4:
            continue  # there the name's length is written before it
        pickled = pickle.dumps({"values": array}, protocol).replace(b"numpy._core", core)
        assert load_plain(pickled, NUMPY) == {"values": array.tolist()}


@pytest.mark.parametrize("number", [np.float64(0.1), np.float32(0.1), np.int64(-5), np.bool_(True), np.uint8(200)])
@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_numbers_of_numpy_become_python_numbers(number: np.generic, protocol: int) -> None:
    read = load_plain(pickle.dumps([number], protocol), NUMPY)[0]
    assert read == number.item() and type(read) is type(number.item())


def test_ordered_dicts_become_dicts() -> None:
    assert load_plain(pickle.dumps(collections.OrderedDict(b=1, a=2), 2), NUMPY) == {"b": 1, "a": 2}


@pytest.mark.parametrize("dtype", ["U3", "S3", "M8[s]", [("a", "f8")], "c16"])
def test_arrays_that_are_not_numbers_are_refused(dtype: Any) -> None:
    with pytest.raises(DataError):
        load_plain(pickle.dumps(np.zeros(2, dtype=dtype), 2), NUMPY)


@given(cut=st.floats(0, 1, exclude_max=True))
def test_a_truncated_pickle_is_an_error(cut: float) -> None:
    content = pickle.dumps({"a": [1.0, "b"], "c": np.zeros(3)}, 2)
    with pytest.raises(DataError):
        load_plain(content[: int(cut * len(content))], NUMPY)


def test_files_of_torch_are_read_without_torch() -> None:
    assert load_torch(torch_file(pickle.dumps([1.5, 2], 2))) == [1.5, 2]
    assert load_torch(torch_file(pickle.dumps({"a": 1}, 2), prefix="other")) == {"a": 1}


def test_files_that_torch_writes_are_read(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    torch.save({"latency": [1.25, 3.5]}, tmp_path / "plain.pt")
    assert load_torch((tmp_path / "plain.pt").read_bytes()) == {"latency": [1.25, 3.5]}
    torch.save(torch.zeros(2), tmp_path / "tensor.pt")
    with pytest.raises(DataError, match="names torch"):
        load_torch((tmp_path / "tensor.pt").read_bytes())


@pytest.mark.parametrize("content", [b"", b"no zip", torch_file(b"\x80")[:-30], torch_file(b"cut short")])
def test_other_files_are_refused(content: bytes) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        load_torch(content)


def test_a_zip_without_a_pickle_is_refused() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("something", "else")
    with pytest.raises(DataError, match=r"expected a file of torch\.save"):
        load_torch(buffer.getvalue())
