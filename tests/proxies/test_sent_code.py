"""The user's own proxies and spaces reach worker processes, though none runs the script that registers them."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from hwnas.proxies import PROXIES, Proxy, registry
from hwnas.spaces import SPACES, NASBench201, get_space

pytest.importorskip("torch")
from hwnas.proxies.sent_code import own_of, sendable, take

MODULE = """
from dataclasses import replace
from hwnas.proxies import Proxy, PROXIES

def norms(evidence):
    return sum(weight.double().norm().item() for weight in evidence.weights)

PROXY = replace(PROXIES["l2_norm"], name="norms", score=norms)
COUNT = replace(PROXY, name="count", score=lambda evidence: float(len(evidence.weights)))
"""
SCORED = """
import sys
from pathlib import Path
from hwnas.api.score import score_table
from hwnas.api.score_forms import ScoreSettings

settings = ScoreSettings(batch_size=2, workers=2, limit=3)
saved = score_table(space={space!r}, proxies={proxies!r}, settings=settings, out=Path({out!r}))
print(saved.table.proxies, len(saved.table.network_ids))
"""
IN_THE_SCRIPT = """
from hwnas.proxies import register
from hwnas.spaces import SPACES, NASBench201
from my_module import PROXY, replace

class Mine(NASBench201):
    name = "mine"

SPACES["mine"] = Mine()
register(replace(PROXY, name="here", score=lambda evidence: 1.0))
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """`my_module`, which other processes find, and whose proxies nobody has registered."""
    (tmp_path / "my_module.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv(registry.VARIABLE, "")
    monkeypatch.delitem(sys.modules, "my_module", raising=False)
    import my_module

    return my_module


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A script or module that would wait for ever where a worker ran it once more."""
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        timeout=240,
        env={**os.environ, "HWNAS_DATA": str(folder / "data"), "PYTHONPATH": str(folder)},
    )


def test_a_script_without_a_guard(module: ModuleType, tmp_path: Path) -> None:
    """By functions that can be imported, and by the name of one that holds a lambda."""
    registers = "from hwnas.proxies import register\nfrom my_module import *\nregister(PROXY), register(COUNT)\n"
    registers += "register(replace(PROXIES['l2_norm'], name='renamed'))\n"
    asked = SCORED.format(space="nasbench201", proxies=["norms", "count", "renamed"], out="t.npz")
    (tmp_path / "script.py").write_text(registers + asked)
    done = run(tmp_path, "script.py")
    assert (done.returncode, done.stdout) == (0, "('norms', 'count', 'renamed') 3\n"), done.stderr
    assert "note" not in done.stderr


def test_what_a_script_itself_defines_is_scored_there(module: ModuleType, tmp_path: Path) -> None:
    scored = [("mine", "norms"), ("nasbench201", "here")]
    asked = [SCORED.format(space=space, proxies=[proxy], out=f"{proxy}.npz") for space, proxy in scored]
    (tmp_path / "script.py").write_text(IN_THE_SCRIPT + "register(PROXY)\n" + "".join(asked))
    done = run(tmp_path, "script.py")
    assert (done.returncode, done.stdout) == (0, "('norms',) 3\n('here',) 3\n"), done.stderr
    for what in ("space 'mine'", "proxy 'here'"):
        assert f"note: worker processes cannot have {what}, which no module that they can import has" in done.stderr


def test_a_module_that_starts_work_when_it_is_imported(module: ModuleType, tmp_path: Path) -> None:
    asked = SCORED.format(space="nasbench201", proxies=["norms"], out="t.npz")
    (tmp_path / "my_study.py").write_text(MODULE + "from hwnas.proxies import register\nregister(PROXY)\n" + asked)
    done = run(tmp_path, "-c", "import my_study")
    assert done.returncode == 1
    assert "UsageError: expected modules that worker processes import to start no work, got one" in done.stderr


def test_what_is_sent(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    assert sendable(module.PROXY) is module.PROXY
    assert sendable(replace(module.PROXY, name="another")) == replace(module.PROXY, name="another")
    assert sendable(module.COUNT) == "my_module:COUNT"
    assert sendable(replace(module.COUNT, name="another")) is None, "no module has it"
    monkeypatch.setattr(module.norms, "__module__", "__main__")
    assert sendable(module.PROXY) == "my_module:PROXY"
    monkeypatch.setattr(sys, "path", [])
    assert sendable(module.PROXY) is None, "it is here, but other processes would not find it"


def test_what_the_environment_names_is_known_already(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    known, named = dict(PROXIES), dict(registry._named)
    try:
        assert sendable(registry.register_by_name("my_module:COUNT")) == "count"
    finally:
        for now, before in ((PROXIES, known), (registry._named, named)):
            now.clear()
            now.update(before)


def test_taken(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PROXIES, "count", PROXIES["snip"])
    monkeypatch.setitem(PROXIES, "norms", PROXIES["snip"])
    take("my_module:COUNT")
    take(module.PROXY)
    take("norms")
    assert (PROXIES["count"], PROXIES["norms"]) == (module.COUNT, module.PROXY)


class Mine(NASBench201):  # type: ignore[misc]
    name = "mine"


def test_own_ones_are_told_from_those_of_hwnas(monkeypatch: pytest.MonkeyPatch) -> None:
    own: Proxy = replace(PROXIES["snip"], name="own")
    monkeypatch.setitem(PROXIES, "own", own)
    monkeypatch.setitem(SPACES, "mine", Mine())
    assert own_of("nasbench201", ["snip", "zen"]) == []
    assert own_of("mine", ["snip", "own"]) == [get_space("mine"), own]
    take(Mine())
    assert type(get_space("mine")) is Mine
    monkeypatch.setenv("HWNAS_SPACES", f"{Mine.__module__}:Mine")
    assert sendable(Mine()) == "mine"
