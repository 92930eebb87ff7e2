"""Kernels of architectures: taken apart once in a process, and where they are many once for all processes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hwnas.graphs import Graph
from hwnas.latency.kernels import censuses, kept_censuses
from hwnas.latency.kernels.censuses import Census
from hwnas.latency.kernels.kept_censuses import census_path
from hwnas.latency.kernels.networks import Networks
from hwnas.spaces import Space, get_space

SPACE = get_space("nas-bench-macro")
VECTORS = SPACE.sample(12, seed=0)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Architectures whose graph was made, in order."""
    made: list[str] = []
    graph = type(SPACE).graph

    def counted(self: Space, vector: np.ndarray, *, dataset: str) -> Graph:
        made.extend(self.strings(vector[None]))
        return graph(self, vector, dataset=dataset)

    monkeypatch.setattr(type(SPACE), "graph", counted)
    return made


@pytest.fixture
def kept(read: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Census]:
    """A census as a new process has it; four architectures are worth a file."""
    monkeypatch.setenv("HWNAS_DATA", str(tmp_path))
    monkeypatch.setattr(censuses, "_WORTH_KEEPING", 4)
    monkeypatch.setattr(censuses, "_FEW", 1)
    return lambda: Census(SPACE, dataset="cifar10", runtime="tensorrt")


def path() -> Path:
    return census_path(SPACE, dataset="cifar10", runtime="tensorrt")


def described(networks: Networks) -> list[list[tuple[str, tuple[float, ...], float]]]:
    """Of each network its kernels, whatever their numbers are."""
    names = {
        networks.offsets[kind] + row: (kind, tuple(features))
        for kind, table in networks.features.items()
        for row, features in enumerate(table.tolist())
    }
    rows: list[list[tuple[str, tuple[float, ...], float]]] = [[] for _ in range(len(networks))]
    for network, kernel, count in zip(networks.network, networks.kernel, networks.count, strict=True):
        rows[network].append((*names[int(kernel)], float(count)))
    return [sorted(row) for row in rows]


def test_once_in_a_process(read: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HWNAS_DATA", str(tmp_path))
    census = Census(SPACE, dataset="cifar10", runtime="none")
    first = census.networks(VECTORS[:4])
    again = census.networks(VECTORS[[3, 3, 5, 0]])
    assert len(read) == len(census) == 5
    assert again.size == 4
    sizes = [np.bincount(networks.network, networks.count, minlength=4) for networks in (first, again)]
    assert sizes[0][3] == sizes[1][0] == sizes[1][1]
    assert census.networks(VECTORS[:0]).size == 0
    assert not path().exists()


def test_many_are_kept_for_the_next_process(kept: Callable[[], Census], read: list[str]) -> None:
    before = described(kept().networks(VECTORS))
    assert len(read) == 12
    census = kept()
    assert census.unknown(VECTORS) == 0
    assert described(census.networks(VECTORS[::-1])) == before[::-1]
    assert len(read) == 12
    few = kept()
    few.networks(VECTORS[:1])  # sooner taken apart than looked up
    assert len(read) == 13


def test_few_are_not(kept: Callable[[], Census]) -> None:
    kept().networks(VECTORS[:3])
    assert not path().exists()
    assert kept().unknown(VECTORS[:3]) == 3


def test_what_two_processes_took_apart_is_kept_of_both(kept: Callable[[], Census], read: list[str]) -> None:
    one, other = kept(), kept()
    one.networks(VECTORS[:6])
    other.networks(VECTORS[6:])
    assert one.unknown(VECTORS) == kept().unknown(VECTORS) == 0
    assert described(one.networks(VECTORS)) == described(other.networks(VECTORS)) == described(kept().networks(VECTORS))
    assert len(read) == 12


def test_an_interrupted_process_keeps_what_it_has(
    kept: Callable[[], Census], read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = type(SPACE).graph

    def interrupted(self: Space, vector: np.ndarray, *, dataset: str) -> Graph:
        if len(read) == 7:
            raise KeyboardInterrupt
        return graph(self, vector, dataset=dataset)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(type(SPACE), "graph", interrupted)
        kept().networks(VECTORS)
    kept().networks(VECTORS)
    assert len(read) == 12


def test_other_code_makes_other_kernels(kept: Callable[[], Census], monkeypatch: pytest.MonkeyPatch) -> None:
    kept().networks(VECTORS)
    monkeypatch.setattr(kept_censuses, "graph_code", lambda: "0123456789ab")
    assert kept().unknown(VECTORS) == 12


@pytest.mark.parametrize("content", [b"", b"no zip file", None])
def test_a_damaged_file_is_told_and_made_anew(
    content: bytes | None, kept: Callable[[], Census], read: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    before = described(kept().networks(VECTORS))
    whole = path().read_bytes()
    path().write_bytes(whole[: len(whole) // 2] if content is None else content)
    assert described(kept().networks(VECTORS)) == before
    assert f"note: {path()}: expected kernels of architectures, got" in caplog.text
    assert kept().unknown(VECTORS) == 0
    assert len(read) == 24


def test_where_nothing_can_be_written_the_answer_is_the_same(
    kept: Callable[[], Census], caplog: pytest.LogCaptureFixture
) -> None:
    path().parent.write_text("a file where the folder should be")
    assert len(kept().networks(VECTORS)) == 12
    assert "note: kernels of architectures are not kept for the next time: expected to write" in caplog.text
