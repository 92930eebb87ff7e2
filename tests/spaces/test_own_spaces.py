"""Spaces of one's own, known by a name from the command line, from the environment, from Python; what is refused."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import hwnas.spaces
from hwnas.api.devices import adapted_fault, describe_device, unknown_space
from hwnas.api.doctor import doctor
from hwnas.cli import main
from hwnas.devices import read_card, user_cards
from hwnas.errors import UnknownNameError, UsageError
from hwnas.spaces import SPACES, NASBench201, get_space, known_spaces, register, registry

README = Path(hwnas.spaces.__file__).with_name("README.md").read_text(encoding="utf-8")
EXAMPLE = next(text for text in re.findall(r"```python\n(.*?)```", README, re.S) if "class Plain" in text)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The example as `my_space.py` where commands are started; nothing of it is known afterwards."""
    (tmp_path / "my_space.py").write_text(EXAMPLE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setenv(registry.VARIABLE, "")
    monkeypatch.setenv("HWNAS_DATA", str(tmp_path / "data"))
    before, named = dict(SPACES), dict(registry._named)
    yield tmp_path
    for known, kept in ((SPACES, before), (registry._named, named)):
        known.clear()
        known.update(kept)
    sys.modules.pop("my_space", None)


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["hwnas", *arguments])
    with pytest.raises(SystemExit) as done:
        main()
    return int(done.value.code or 0)


def test_every_command_takes_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ("--space", "my_space:Plain")
    assert run(monkeypatch, "pareto", *where, "--device", "gtx-1080-ti", "--budget-ms", "1", "--nets", "2") == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "flops: 2 networks of plain-convs on cifar10" in said
    assert "`hwnas score --all --space my_space:Plain --dataset cifar10" in said
    assert run(monkeypatch, "predict", "3-1-5-3", *where, "--device", "gtx-1080-ti") == 0
    assert run(monkeypatch, "score", "3-1-5-3", *where, "--proxy", "params") == 0
    assert run(monkeypatch, "plan", *where, "--nets", "3", "--out", "kit") == 0
    assert "plain-convs" in known_spaces() and os.environ[registry.VARIABLE] == "my_space:Plain"


def test_processes_know_it(folder: Path) -> None:
    """Two share the work; each finds the space by the name that the environment hands on."""
    pytest.importorskip("torch")
    command = "from hwnas.cli import main; main()"
    scored = ["score", "--all", "--space", "my_space:Plain", "--limit", "4", "--batch-size", "2", "--workers", "2"]
    done = subprocess.run(
        [sys.executable, "-c", command, *scored, "--proxy", "l2_norm", "--out", "t.npz"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "4 networks by l2_norm" in done.stdout


def test_the_environment_names_some(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnknownNameError):
        get_space("plain-convs")
    monkeypatch.setenv(registry.VARIABLE, "my_space:Plain")
    assert get_space("Plain-Convs").size == 81 and list(known_spaces())[-1] == "plain-convs"
    assert get_space("plain-convs") is get_space("plain-convs")
    monkeypatch.setenv(registry.VARIABLE, "my_space:Plain,no_such:Thing")
    with pytest.raises(UsageError, match="expected a Python module no_such"):
        get_space("nasbench201")


def test_python_registers_one(folder: Path) -> None:
    import my_space

    space = register(my_space.Plain())
    assert get_space("plain-convs") is space is register(my_space.Plain())


def test_a_space_in_the_place_of_its_name_is_refused(folder: Path) -> None:
    """In a process of its own, without the checks of types that tests add."""
    code = "import hwnas, my_space\ntry: hwnas.pareto('tx2', space=my_space.Plain())\nexcept Exception as e: print(e)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    said = "expected the name of a space, got a Plain; hwnas.spaces.register(it) makes it known by its name\n"
    assert done.stdout == said


def test_what_is_no_space_or_has_a_name_that_is_taken(folder: Path) -> None:
    import my_space

    taken = type("Taken", (my_space.Plain,), {"name": "mine", "aliases": ("nb201",)})
    assert "nb201" in NASBench201.aliases
    with pytest.raises(UsageError, match="a name that no other space has, got 'nb201'"):
        register(taken())
    outside = type("Outside", (my_space.Plain,), {"name": "../outside"})
    with pytest.raises(UsageError, match=r"beginning with a letter or digit, got '\.\./outside'"):
        register(outside())
    for name, said in (("os:getcwd", "got a str"), ("my_space:Nothing", "expected a function Nothing")):
        with pytest.raises(UsageError, match=said):
            registry.register_by_name(name)
    assert os.environ[registry.VARIABLE] == ""


def test_indices_and_tuples_are_read_where_it_reads_none(folder: Path) -> None:
    """As tables print indices; what is the space's own string stays that."""
    import my_space

    space = my_space.Plain()
    vectors = space.all_vectors()[[0, 80, 7]]
    assert np.array_equal(space.parse(["0", "80", "7"]), vectors)
    assert np.array_equal(space.parse([str(tuple(row.tolist())) for row in vectors]), vectors)
    assert np.array_equal(space.parse(["80", *space.strings(vectors[2:])]), vectors[1:])
    for wrong, said in (
        ("81", "indices 0 to 80, got 81"),
        ("-1", "got -1"),
        ("(0, 0, 0, 3)", "3 choices at position 3"),
    ):
        with pytest.raises(UsageError, match=said):
            space.parse([wrong])
    with pytest.raises(UsageError, match=r"expected 4 kernels .* got \['a-b'\]"):
        space.parse(["a-b"])
    digits = type(
        "Digits", (my_space.Plain,), {"parse": lambda self, texts: np.array([[0, 0, 0, int(t)] for t in texts])}
    )
    assert digits().parse(["2"]).tolist() == [[0, 0, 0, 2]]


def test_commands_take_indices(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ("--space", "my_space:Plain")
    assert run(monkeypatch, "score", "7", *where, "--proxy", "params", "--json") == 0
    scored = json.loads(capsys.readouterr().out)["nets"][0]
    assert (scored["arch"], scored["index"]) == ("1-1-5-3", 7)
    assert run(monkeypatch, "plan", *where, "--arch", "0", "--arch", "80", "--out", "kit") == 0


def test_errors_of_its_own_code_are_told_with_their_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch")
    text = EXAMPLE.replace("        layers = []\n", "        layers = [] + nothing\n")
    (folder / "my_space.py").write_text(text, encoding="utf-8")
    line = text.splitlines().index("        layers = [] + nothing") + 1
    where = ("1-1-1-1", "--space", "my_space:Plain")
    for command in (("score", *where), ("export", *where, "--out", "net.onnx")):
        assert run(monkeypatch, *command) == 2
        said = " ".join(capsys.readouterr().err.split())
        assert "expected `module` of space 'plain-convs' to build a network, got NameError" in said
        assert f"my_space.py:{line}: layers = [] + nothing" in said


def adapted_to(folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A device that is adapted from a table of the space, which a command names by its class; then it is forgotten."""
    monkeypatch.setenv("HWNAS_HOME", str(folder / "home"))
    nets = [f"{a}-{b}-1-3,{1 + 0.1 * a + 0.2 * b}" for a in (1, 3, 5) for b in (1, 3, 5)]
    (folder / "mine.csv").write_text("\n".join(["architecture,latency_ms", *nets]), encoding="utf-8")
    assert run(monkeypatch, "adapt", "mine.csv", "--space", "my_space:Plain", "--name", "my-board") == 0
    return "plain-convs"


def forget_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a shell without the variable."""
    monkeypatch.setenv(registry.VARIABLE, "")
    for known in (SPACES, registry._named):
        known.pop("plain-convs", None)
        known.pop("my_space:Plain", None)


def test_a_device_is_adapted_in_it_and_nothing_is_damaged_where_it_is_not_known(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    name = adapted_to(folder, monkeypatch)
    where = f"latency of my-board, {name}, cifar10"
    assert "my-board" in capsys.readouterr().out
    assert [f.status for f in doctor().findings if f.name == where] == ["ok"]
    assert describe_device("my-board").costs[0].prediction.startswith("alone, 9 measurements")
    forget_it(monkeypatch)
    (finding,) = [f for f in doctor().findings if f.name == where]
    said = f"space {name} is not known here; one of your own is known by its name with HWNAS_SPACES="
    assert finding.status == "absent" and finding.advice.startswith(said)
    assert describe_device("my-board").costs[0].prediction.startswith(said)
    monkeypatch.setenv(registry.VARIABLE, "no_such:Thing")
    assert adapted_fault_and_reason("my-board") == ("", True)


def adapted_fault_and_reason(name: str) -> tuple[str, bool]:
    """Of a device whose space the environment names wrongly: no fault of its files, and what is wrong."""
    card = read_card(user_cards() / f"{name}.toml")
    (variant,) = card.variants
    (model,) = variant.adapted
    return adapted_fault(model, card.device(variant.name)), "expected a Python module no_such" in unknown_space(model)


@pytest.mark.parametrize("name", ["plain-convs", "my_space:Plain"])
def test_one_that_is_not_known_is_told_how_to_be(folder: Path, name: str) -> None:
    with pytest.raises(UnknownNameError, match=r"HWNAS_SPACES=package.module:Class .* hwnas.spaces.register\(it\)"):
        get_space(name)
