"""Pickles read as plain data: nothing that a pickle names is ever imported or called.

Names that a converter expects are answered by stand-ins that only hold data; any other name is a `DataError`.
"""

from __future__ import annotations

import io
import pickle
import zipfile
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from hwnas.errors import DataError

StandIns = Mapping[tuple[str, str], Callable[..., Any]]


class _PlainUnpickler(pickle.Unpickler):
    def __init__(self, stream: io.BufferedIOBase, stand_ins: StandIns) -> None:
        # latin-1 keeps the bytes of strings that Python 2 wrote.
        super().__init__(stream, encoding="latin-1")
        self._stand_ins = stand_ins

    def find_class(self, module: str, name: str) -> Callable[..., Any]:
        if (module, name) not in self._stand_ins:
            raise DataError(f"expected plain data, got a pickle that names {module}.{name}; the file is not used")
        return self._stand_ins[module, name]


def load_plain(content: bytes | io.BufferedIOBase, stand_ins: StandIns | None = None) -> Any:
    """The lists, dicts, strings and numbers of a pickle; objects become what `stand_ins` makes of them.

    content: the pickle, or a stream that it is read from, such as one that is decompressed on the way.
    Raises `DataError` for a pickle that names anything else or that is damaged.
    """
    try:
        stream = io.BytesIO(content) if isinstance(content, bytes) else content
        return _PlainUnpickler(stream, stand_ins or {}).load()
    except DataError:
        raise
    except Exception as error:  # a damaged pickle raises almost anything
        raise DataError(f"expected a pickle of plain data, got one that cannot be read ({error})") from error


def load_torch(content: bytes) -> Any:
    """The value in a file of `torch.save`, when it holds plain data only: a zip archive with one pickle.

    Raises `DataError` for anything else, tensors included.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            (member,) = (name for name in archive.namelist() if name.endswith("/data.pkl"))
            pickled = archive.read(member)
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise DataError(f"expected a file of torch.save, got one that cannot be read ({error})") from error
    return load_plain(pickled)


class _Dtype:
    """Stand-in of numpy.dtype: only numbers and booleans of fixed size."""

    def __init__(self, code: str, *_: object) -> None:
        self._code, self._order = code.lstrip("<>=|"), "="

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self._order = str(state[1]).replace("|", "=")

    def decode(self, content: bytes | str) -> np.ndarray:
        if self._code not in _NUMBERS or self._order not in ("<", ">", "="):
            raise DataError(f"expected numbers, got an array of type {self._code!r}")
        dtype = np.dtype(self._order + self._code)
        return np.frombuffer(content.encode("latin-1") if isinstance(content, str) else content, dtype)


class _Array(list[Any]):
    """Stand-in of numpy.ndarray: a list (nested where it has several axes)."""

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, dtype, fortran, content = state
        if isinstance(content, list):  # an array of objects lists them
            self.extend(content)
        else:
            array = dtype.decode(content).reshape(shape, order="F" if fortran else "C")
            self.extend(np.atleast_1d(array).tolist())


def _scalar(dtype: _Dtype, content: bytes | str) -> Any:
    return dtype.decode(content)[0].item()


def _encode(text: str, encoding: str) -> bytes:
    """Stand-in of _codecs.encode, with which Python 3 writes bytes in old pickles."""
    return text.encode({"latin1": "latin-1"}[encoding])


def _no_bytes() -> bytes:
    """Stand-in of bytes(), with which Python 3 writes b"" in old pickles."""
    return b""


_NUMBERS: Final = frozenset(("b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8"))
# Arrays and numbers of numpy as lists and Python numbers. The module was renamed in numpy 2.
NUMPY: Final[StandIns] = {
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Dtype,
    ("_codecs", "encode"): _encode,
    ("__builtin__", "bytes"): _no_bytes,
    **{(f"numpy.{core}.multiarray", "_reconstruct"): lambda *_: _Array() for core in ("core", "_core")},
    **{(f"numpy.{core}.multiarray", "scalar"): _scalar for core in ("core", "_core")},
    ("collections", "OrderedDict"): dict,
}
