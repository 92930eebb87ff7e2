"""Workers reuse the memory that they freed."""

from __future__ import annotations

import subprocess
import sys

import pytest

# Page faults of ten times eight tensors of 4 MB, freed together, in a process of its own: the setting cannot be undone.
COUNT = """
import resource, torch
from hwnas.proxies.freed_memory import keep_freed_memory
{setting}
[torch.ones(2**20) for _ in range(8)]
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    [torch.ones(2**20) for _ in range(8)]
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="a setting of glibc")
def test_pages_are_cleared_once() -> None:
    pytest.importorskip("torch")
    plain, kept = faults("pass"), faults("keep_freed_memory()")
    assert kept < plain / 4


def faults(setting: str) -> int:
    answer = subprocess.run(
        [sys.executable, "-c", COUNT.format(setting=setting)], capture_output=True, text=True, check=True
    )
    return int(answer.stdout)


def test_another_c_library_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    from hwnas.proxies import freed_memory

    monkeypatch.setattr(freed_memory.ctypes, "CDLL", lambda _name: object())
    freed_memory.keep_freed_memory()
