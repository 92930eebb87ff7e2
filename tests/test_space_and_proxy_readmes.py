"""The examples of the folders' READMEs run, and the proxy of the example passes the contract beside it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import hwnas.proxies
import hwnas.spaces
from hwnas.proxies import PROXIES, score_module
from hwnas.spaces import SPACES

README = {
    name: Path(module.__file__).with_name("README.md").read_text(encoding="utf-8")
    for name, module in (("proxies", hwnas.proxies), ("spaces", hwnas.spaces))
}


def blocks(name: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", README[name], flags=re.DOTALL)


def run(name: str) -> dict[str, Any]:
    """Names that the examples define, one after the other."""
    names: dict[str, Any] = {}
    for block in blocks(name):
        exec(compile(block, f"README of {name}", "exec"), names)
    return names


def contract_methods(contract: type) -> list[str]:
    methods = [method for method in dir(contract) if method.startswith("test_")]
    assert len(methods) >= 5
    return methods


def test_spaces(capsys: pytest.CaptureFixture[str]) -> None:
    names = run("spaces")
    index, network = re.findall(r"\[(\d+)\]", capsys.readouterr().out)[:2]
    assert names["space"].strings(names["space"].vector(names["space"].index(names["vectors"]))) and index == network
    for method in contract_methods(names["TestMySpace"]):
        getattr(names["TestMySpace"](), method)()


def test_proxies(capsys: pytest.CaptureFixture[str]) -> None:
    torch = pytest.importorskip("torch")
    from hwnas.proxies.batches import Batch

    names = run("proxies")
    assert "naswot" in capsys.readouterr().out
    for method in contract_methods(names["TestMeanNorm"]):
        getattr(names["TestMeanNorm"](), method)()
    layer = torch.nn.Linear(3, 2, bias=False)
    layer.weight.data[:] = torch.tensor([[3.0, 0, 0], [0, 4.0, 0]])
    module = torch.nn.Sequential(torch.nn.Flatten(), layer)
    batch = Batch(images=torch.zeros(1, 3, 1, 1), labels=torch.zeros(1, dtype=torch.int64), source="zero")
    assert score_module(module, batch, [names["PROXY"]]) == {"mean_norm": 5.0}


def test_everything_is_named() -> None:
    for name in PROXIES:
        assert f"`{name}`" in README["proxies"]
    for name in SPACES:
        assert name in README["spaces"]
    for folder, module in (("proxies", hwnas.proxies), ("spaces", hwnas.spaces)):
        for file in Path(module.__file__).parent.glob("*.py"):
            if file.name != "__init__.py" and file.stem not in PROXIES:
                assert f"`{file.name}`" in README[folder], file.name
