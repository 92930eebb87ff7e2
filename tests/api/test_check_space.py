"""`hwnas space check`: the example of the README keeps the contract, and what is broken in it is named."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import hwnas.spaces
from hwnas.api.check_space import check_space
from hwnas.cli import main
from hwnas.errors import UsageError
from hwnas.testing import SpaceContract

README = Path(hwnas.spaces.__file__).with_name("README.md").read_text(encoding="utf-8")
EXAMPLE = next(text for text in re.findall(r"```python\n(.*?)```", README, re.S) if "class Plain" in text)


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with the example as `my_space.py`, in which commands are started."""
    (tmp_path / "my_space.py").write_text(EXAMPLE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield tmp_path
    sys.modules.pop("my_space", None)


def test_the_example_is_short_and_keeps_every_rule(written: Path) -> None:
    assert len(EXAMPLE.splitlines()) <= 70
    found = check_space("my_space:Plain")
    assert found.space == "plain-convs" and found.kept
    assert {f"test_{check.name}" for check in found.checks} == {
        name for name in dir(SpaceContract) if name.startswith("test_")
    }
    assert all(check.rule for check in found.checks)


def test_the_example_has_the_module_of_its_graph(written: Path) -> None:
    torch = pytest.importorskip("torch")
    check_space("my_space:Plain")
    space = sys.modules["my_space"].Plain()
    vector = space.parse(["3-1-5-3"])[0]
    module = space.module(vector, dataset="cifar10")
    params = sum(parameter.numel() for parameter in module.parameters())
    assert params == space.graph(vector, dataset="cifar10").params
    assert module(torch.zeros(2, 3, 32, 32)).shape == (2, 10)


@pytest.mark.parametrize(
    ("right", "wrong", "rule"),
    [
        ("return self.index(vectors)", "return self.index(vectors) * 1.0", "network_id"),
        ("return self.index(vectors)", "return self.index(vectors) * 0", "network_id"),
        ("stride=1 + layer % 2)\n            tensor", "stride=1)\n            tensor[0]", "graph_can_be_executed"),
        ("dtype=np.float32)[vectors]", "dtype=np.float64)[vectors]", "predictor_inputs"),
        ("class Plain(Space):", "class Plain(Space):\n    size = 7", "facts"),
    ],
)
def test_a_broken_rule_is_named(written: Path, right: str, wrong: str, rule: str) -> None:
    assert right in EXAMPLE
    (written / "my_space.py").write_text(EXAMPLE.replace(right, wrong), encoding="utf-8")
    found = check_space("my_space:Plain")
    assert not found.kept
    assert rule in {check.name for check in found.checks if check.problem}


@pytest.mark.parametrize(
    ("right", "wrong", "rule", "said"),
    [
        ("nn.ReLU()", "nn.ReLu()", "module", r"`module` of space 'plain-convs' .* has no attribute 'ReLu'.*my_space"),
        ("nn.Conv2d(channels, 16,", "nn.Conv2d(channels, 12,", "module", "my_space|expected input"),
        ("bias=False", "bias=True", "module", "expected a module of [0-9]+ parameters, as counts say, got [0-9]+"),
        ("nn.Linear(16, 10)", "nn.Linear(16, 10).T", "module", "my_space.py"),
        ('"relu", tensor', '"reluu", tensor', "graph_can_be_executed", "hwnas.graphs.kinds.KINDS, got 'reluu'"),
        ('"plain-convs", ()', '"nasbench201", ()', "names", "no other space has, got 'nasbench201'"),
        ('"plain-convs", ()', '"../../evil dir", ()', "names", "for the space, .* got '../../evil dir'"),
        ('"plain-convs", ()', '"plain-convs", ("Pl",)', "names", "in lower case, .* got 'Pl'"),
        ('("cifar10",)', '("data/cifar10",)', "names", "for the data set, .* got 'data/cifar10'"),
    ],
)
def test_what_cannot_work_is_told(written: Path, right: str, wrong: str, rule: str, said: str) -> None:
    if rule == "module":
        pytest.importorskip("torch")
    assert right in EXAMPLE
    (written / "my_space.py").write_text(EXAMPLE.replace(right, wrong), encoding="utf-8")
    problems = {check.name: check.problem for check in check_space("my_space:Plain").checks if check.problem}
    assert re.search(said, problems[rule]), problems


def test_the_command_says_so(
    written: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["hwnas", "space", "check", "my_space:Plain", "--json"])
    with pytest.raises(SystemExit) as done:
        main()
    assert not done.value.code
    assert json.loads(capsys.readouterr().out)["kept"] is True
    (written / "my_space.py").write_text(EXAMPLE.replace("return self.index(vectors)", "return 3"), encoding="utf-8")
    sys.modules.pop("my_space")
    monkeypatch.setattr("sys.argv", ["hwnas", "space", "check", "my_space:Plain"])
    with pytest.raises(SystemExit) as done:
        main()
    assert done.value.code == 1
    assert "BROKEN" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("my_space", "package.module:function"),
        ("my_space:Other", "function Other in my_space, got none"),
        ("my_space:GraphBuilder", "a hwnas.spaces.Space, got a GraphBuilder"),
        ("no_such_module:Plain", "a Python module no_such_module"),
    ],
)
def test_what_is_no_space_is_refused(written: Path, name: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        check_space(name)
