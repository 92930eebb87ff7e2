"""Proxies of one's own, known by a name from the command line, from the environment, from Python; what is refused."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path

import pytest

import hwnas.proxies
from hwnas.cli import main
from hwnas.cli.proxy_option import proxy_name
from hwnas.errors import UnknownNameError, UsageError
from hwnas.proxies import PROXIES, get_proxy, known_proxies, register, registry
from hwnas.proxies.combinations import get_scorer

README = Path(hwnas.proxies.__file__).with_name("README.md").read_text(encoding="utf-8")
EXAMPLE = next(text for text in re.findall(r"```python\n(.*?)```", README, re.S) if "mean_norm" in text)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The example as `my_proxy.py` where commands are started; nothing of it is known afterwards."""
    (tmp_path / "my_proxy.py").write_text(EXAMPLE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setenv(registry.VARIABLE, "")
    monkeypatch.setenv("HWNAS_DATA", str(tmp_path / "data"))
    before, named = dict(PROXIES), dict(registry._named)
    yield tmp_path
    for known, kept in ((PROXIES, before), (registry._named, named)):
        known.clear()
        known.update(kept)
    sys.modules.pop("my_proxy", None)


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["hwnas", *arguments])
    with pytest.raises(SystemExit) as done:
        main()
    return int(done.value.code or 0)


def apart(*arguments: str, **environment: str) -> str:
    """What a process of its own prints."""
    done = subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_two_networks(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("torch")
    asked = ("score", "1462", "15624", "--batch-size", "2", "--json", "--proxy")
    assert run(monkeypatch, *asked, "my_proxy:PROXY") == 0
    first, other = (net["scores"]["mean_norm"] for net in json.loads(capsys.readouterr().out)["nets"])
    assert first != other
    assert os.environ[registry.VARIABLE] == "my_proxy:PROXY" and registry.known_elsewhere(get_proxy("mean_norm"))
    said = json.loads(apart("-m", "hwnas", *asked, "mean-norm", HWNAS_PROXIES="my_proxy:PROXY"))
    assert [net["scores"]["mean_norm"] for net in said["nets"]] == [first, other]


def test_a_search_with_two_processes(folder: Path) -> None:
    """Each finds the proxy by the name that the environment hands on."""
    pytest.importorskip("torch")
    where = ("--device", "titan-rtx", "--budget-ms", "8.5", "--space", "fbnet", "--nets", "2")
    how = ("--method", "random", "--evaluations", "4", "--workers", "2", "--proxy", "my_proxy:PROXY")
    assert re.search(r"mean_norm: \d networks? of fbnet", apart("-m", "hwnas", "pareto", *where, *how))


def test_a_table_with_two_processes_and_a_sum(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch")
    how = ("--limit", "4", "--batch-size", "2", "--workers", "2", "--out", "t.npz")
    out = apart("-m", "hwnas", "score", "--all", *how, "--proxy", "my_proxy:PROXY+l2_norm")
    assert "4 networks by mean_norm, l2_norm" in out
    assert proxy_name("zen+my_proxy:PROXY") == "zen+mean_norm" and proxy_name("zen+flops") == "zen+flops"
    assert get_scorer("zen+mean_norm").components == ("zen", "mean_norm")
    assert run(monkeypatch, "proxies", "evaluate", "--proxy", "my_proxy:PROXY", "--dataset", "cifar100") == 1
    assert "--proxy" not in capsys.readouterr().err.replace("--proxy my_proxy:PROXY`", "")


def test_the_environment_names_some(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnknownNameError):
        get_proxy("mean_norm")
    monkeypatch.setenv(registry.VARIABLE, "my_proxy:PROXY")
    assert list(known_proxies())[-1] == "mean_norm" and get_proxy("Mean-Norm") is get_scorer("mean_norm")
    monkeypatch.setenv(registry.VARIABLE, "my_proxy:PROXY,no_such:THING")
    with pytest.raises(UsageError, match="expected a Python module no_such"):
        get_scorer("another")


def test_it_may_ask_for_others_while_it_is_imported(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asking = "from hwnas.proxies import get_proxy\nSNIP = get_proxy('snip')\n"
    (folder / "my_proxy.py").write_text(asking + EXAMPLE, encoding="utf-8")
    monkeypatch.setenv(registry.VARIABLE, "my_proxy:PROXY")
    assert get_proxy("mean_norm").title == "mean of weight norms"


def test_python_registers_one(folder: Path) -> None:
    import my_proxy

    assert register(my_proxy.PROXY) is get_proxy("mean_norm") is register(my_proxy.PROXY)
    assert not registry.known_elsewhere(my_proxy.PROXY)


def test_a_proxy_in_the_place_of_its_name_is_refused(folder: Path) -> None:
    """In a process of its own, without the checks of types that tests add."""
    code = "import my_proxy as m\nfrom hwnas.proxies import *\ntry: get_proxy(m.PROXY)\nexcept Exception as e: print(e)"
    said = "expected the name of a proxy, got a Proxy; hwnas.proxies.register(it) makes it known by its name\n"
    assert apart("-c", code) == said


@pytest.mark.parametrize("name", ["my_proxy:PROXY", "zen+my_proxy:PROXY"])
def test_in_python_and_over_http_a_module_is_no_name(folder: Path, name: str) -> None:
    for find in (get_proxy, get_scorer):
        with pytest.raises(
            UsageError, match=r"got '.*my_proxy:PROXY', .* hwnas\.proxies\.register\(it\).* HWNAS_PROXIES"
        ):
            find(name)
    assert "my_proxy" not in sys.modules, "nothing is imported by what a request names"


def test_columns_of_results_are_those_that_files_have() -> None:
    from hwnas.api.objectives import DEVICE_COSTS
    from hwnas.results import NetResult

    facts = {field.name for field in fields(NetResult)} - {"costs"}
    assert facts | {*DEVICE_COSTS} <= registry._COLUMNS


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"name": "zen"}, "a name that no other proxy has, got 'zen'"),
        ({"name": "auto"}, "a name that no other proxy has, got 'auto'"),
        ({"name": "random"}, "a name that no other proxy has, got 'random'"),
        ({"name": "accuracy"}, "a name that no column of results has, got 'accuracy'; .* such as accuracy_proxy"),
        ({"name": "energy_mj"}, "a name that no column of results has, got 'energy_mj'"),
        ({"name": "index"}, "a name that no column of results has, got 'index'"),
        ({"name": "Mine"}, "a name of a-z, 0-9 and _, got 'Mine'"),
        ({"name": "a+b"}, "a name of a-z, 0-9 and _, got 'a\\+b'"),
        ({"by_architecture": True}, "computed from a network, got 'mean_norm' with by_architecture"),
    ],
)
def test_what_is_refused(folder: Path, changes: dict[str, object], says: str) -> None:
    import my_proxy

    with pytest.raises(UsageError, match=says):
        register(replace(my_proxy.PROXY, **changes))
    assert "mean_norm" not in PROXIES


def test_evidence_is_named_as_it_is() -> None:
    """In a process of its own, without the checks of types that tests add."""
    code = (
        "from dataclasses import fields, replace\nfrom hwnas.proxies import PROXIES\n"
        "for needs in (frozenset({'gradient'}), 'gradients'):\n"
        "    try: replace(PROXIES['snip'], needs=needs)\n"
        "    except Exception as e: print(type(e).__name__, e)"
    )
    unknown, string = apart("-c", code).splitlines()
    assert unknown.startswith("UnknownNameError evidence that snip needs, 'gradient' is not known; did you mean 'grad")
    assert string == (
        "UsageError expected needs of snip to be a set of names, got 'gradients'; e.g. frozenset({'gradients'})"
    )


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("my_proxy:NOTHING", "expected NOTHING in my_proxy to be a Proxy, got nothing of that name; it has PROXY"),
        ("my_proxy:score", "to be a Proxy, got a function; it has PROXY"),
        ("my_proxy.py:PROXY", "expected a Proxy as package.module:NAME, got 'my_proxy.py:PROXY'; e.g. my_proxy:PROXY"),
    ],
)
def test_what_is_no_proxy(folder: Path, name: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        registry.register_by_name(name)
    assert os.environ[registry.VARIABLE] == ""
