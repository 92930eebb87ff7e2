"""Accuracies of NATS-Bench's size space (Dong et al. 2021) from the benchmark's own files, in either of their forms.

NATS-sss-v1_0-50262-simple.tar: a folder of bzip2-compressed pickles, `meta` with `{"meta_archs": 32,768 strings}` and
`000000` to `032767` with `{"01" | "12" | "90" (epochs of training): results}` of one architecture each.
NATS-sss-v1_0-50262.pickle.pbz2: one such pickle, `{"meta_archs": strings, "arch2infos": {number: the same}}`. All of it
is in memory while it is read, more than ten times its size; the archive is read architecture by architecture.

Written after the benchmark's public code, which reads these files; tried on made-up files of that form only.
"""

from __future__ import annotations

import bz2
import io
import re
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np

from hwnas.arrays import Array, Float
from hwnas.data.converters.rows import in_order
from hwnas.data.pickles import NUMPY, load_plain
from hwnas.data.table_files import Contents
from hwnas.errors import DataError
from hwnas.spaces import NATSSize

# Epochs of the full training, and the set of images on which the benchmark reports test accuracy.
_EPOCHS: Final = "90"
_TEST_SETS: Final = {"cifar10": "ori-test", "cifar100": "x-test", "ImageNet16-120": "x-test"}
_MEMBER: Final = re.compile(r"(?:.*/)?(meta|\d{6})\.pickle\.pbz2")


def convert_nats_bench_size(files: Mapping[str, bytes], tables: tuple[str, ...]) -> Iterator[tuple[str, Contents]]:
    """Test accuracy (%) after 90 epochs, mean over the seeds there are, in the order of the space.

    `benchmark_index` is the benchmark's own number. Raises `DataError` where the file is not of the published form.
    """
    ((path, content),) = files.items()
    try:
        if path.endswith(".tar"):
            strings, accuracy = _read_archive(content)
        else:
            strings, accuracy = _read_pickle(content)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, tarfile.TarError) as error:
        raise DataError(f"{path}: expected the form of NATS-sss v1.0, got {error!r}") from error
    order = in_order(path, NATSSize(), strings)
    unknown = int(np.isnan(accuracy).any(axis=1).sum())
    if unknown:
        raise DataError(f"{path}: expected accuracies of all architectures, got none of {unknown} of them")
    columns = dict(zip(_TEST_SETS, accuracy[order].T.copy(), strict=True))
    units = dict.fromkeys(columns, "%")
    yield tables[0], Contents(columns={**columns, "benchmark_index": order.astype(np.int64)}, units=units)


def _read_archive(content: bytes) -> tuple[Sequence[str], Float[Array, "n 3"]]:
    """Strings of the architectures and their accuracies, in the benchmark's order."""
    rows: dict[int, list[float]] = {}
    strings: Sequence[str] = ()
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:*") as archive:
        for member in archive:
            match = _MEMBER.fullmatch(member.name)
            if match is None or not member.isfile():
                continue
            stream = archive.extractfile(member)
            assert stream is not None  # a file has contents
            value = _load(stream.read())
            if match[1] == "meta":
                strings = value["meta_archs"]
            else:
                rows[int(match[1])] = _accuracies(value)
    return strings, _table(rows, len(strings))


def _read_pickle(content: bytes) -> tuple[Sequence[str], Float[Array, "n 3"]]:
    """The same from the one pickle of everything."""
    everything = _load(content)
    infos, strings = everything["arch2infos"], everything["meta_archs"]
    return strings, _table({number: _accuracies(infos[number]) for number in infos}, len(strings))


def _load(content: bytes) -> Any:
    """The value of a compressed pickle, decompressed while it is read."""
    with bz2.open(io.BytesIO(content)) as stream:
        return load_plain(stream, NUMPY)


def _accuracies(info: Mapping[str, Any]) -> list[float]:
    """Test accuracies of one architecture on the three data sets after its last epoch."""
    trained = info[_EPOCHS]
    accuracies = []
    for dataset, test_set in _TEST_SETS.items():
        runs = [trained["all_results"][dataset, seed] for seed in trained["dataset_seed"][dataset]]
        accuracies.append(float(np.mean([run["eval_acc1es"][f"{test_set}@{run['epochs'] - 1}"] for run in runs])))
    return accuracies


def _table(rows: Mapping[int, list[float]], size: int) -> Float[Array, "n 3"]:
    """Rows by their number; NaN where there is none."""
    table = np.full((size, len(_TEST_SETS)), np.nan)
    for number, accuracies in rows.items():
        table[number] = accuracies
    return table
