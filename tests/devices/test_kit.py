"""The folder of a kit and the joining of the agent."""

from __future__ import annotations

import ast
import json
from dataclasses import replace
from pathlib import Path

import pytest

from hwnas.devices.agent.files import AgentError, read_manifest, sha256_of
from hwnas.devices.kit import AGENT_FOLDER, AGENT_PARTS, KitFacts, KitNet, agent_source, kit_readme, write_kit
from hwnas.errors import DataError, UsageError

FACTS = KitFacts(space="nasbench201", dataset="cifar10", batch_size=2, seed=7, method="random", chosen="By hand.")


def net(number: int, content: bytes = b"net") -> KitNet:
    import hashlib

    return KitNet(
        name=f"{number:03d}",
        arch=str(number),
        index=None,
        role="check",
        file=f"nets/{number:03d}.onnx",
        sha256=hashlib.sha256(content).hexdigest(),
        input_shape=(2, 3, 8 + number, 8),
    )


def test_a_kit_holds_all_that_its_agent_needs(tmp_path: Path) -> None:
    nets = [net(number) for number in range(3)]
    written = write_kit(tmp_path / "a" / "kit", facts=FACTS, nets=nets, files={n.file: b"net" for n in nets})
    folder = written.parent
    assert {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} == {
        *("manifest.json", "agent.py", "README.md"),
        *(f"nets/00{number}.onnx" for number in range(3)),
    }
    manifest = read_manifest(folder)
    assert manifest == json.loads(written.read_text()) and manifest["batch_size"] == 2 and manifest["seed"] == 7
    assert manifest["nets"][1] == {
        **{"name": "001", "arch": "1", "index": None, "role": "check", "file": "nets/001.onnx"},
        **{"sha256": sha256_of(folder / "nets/001.onnx"), "input_shape": [2, 3, 9, 8]},
    }


def test_another_kit_is_not_written_over(tmp_path: Path) -> None:
    write_kit(tmp_path, facts=FACTS, nets=[net(1)], files={"nets/001.onnx": b"net"})
    write_kit(tmp_path, facts=FACTS, nets=[net(1)], files={"nets/001.onnx": b"net"})
    with pytest.raises(UsageError, match="expected a folder without a kit"):
        write_kit(tmp_path, facts=FACTS, nets=[net(2)], files={"nets/002.onnx": b"net"})
    assert not (tmp_path / "nets/002.onnx").exists()


def test_a_kit_without_its_manifest_is_none(tmp_path: Path) -> None:
    """The manifest is written last, so that a kit that was cut off is not taken for a whole one."""
    (tmp_path / "nets").write_text("a file where the folder should be")
    with pytest.raises(DataError, match="expected to write"):
        write_kit(tmp_path, facts=FACTS, nets=[net(1)], files={"nets/001.onnx": b"net"})
    assert not (tmp_path / "manifest.json").exists()
    with pytest.raises(AgentError, match="got no such file"):
        read_manifest(tmp_path)
    (tmp_path / "manifest.json").write_text("[1]")
    with pytest.raises(AgentError, match=r"expected a JSON object .* got a list"):
        read_manifest(tmp_path)
    (tmp_path / "manifest.json").write_text('{"kind": "hwnas-kit", "schema_version": 1, "nets": []}')
    with pytest.raises(AgentError, match="expected a list of nets"):
        read_manifest(tmp_path)


def test_the_readme_names_every_runtime_and_option_that_there_is() -> None:
    nets = [net(0), net(1)]
    text = kit_readme(FACTS, nets) + kit_readme(replace(FACTS, format="tflite"), nets)
    assert "2 nets" in text and "nasbench201 (cifar10)" in text and "2x3x8x8, 2x3x9x8" in text
    source = agent_source()
    for word in ("onnxruntime", "trtexec", "litert", "tflite", "command"):
        assert f"--runtime {word}" in text and f'"{word}"' in source
    options = {word.strip("`\"'.,();=").split("=")[0] for word in text.split() if word.strip("`(").startswith("--")}
    of_others = {option for option in options if f'"{option}"' not in source}
    assert of_others == {"--name", "--n", "--format", "--precision"}, "of hwnas and of mytool"


def test_joining_keeps_every_definition_and_imports_once() -> None:
    joined = ast.parse(agent_source())
    defined = [node.name for node in joined.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    parts = [ast.parse((AGENT_FOLDER / f"{part}.py").read_text()) for part in AGENT_PARTS]
    wanted = [node.name for part in parts for node in part.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    assert defined == wanted and len(set(defined)) == len(defined)
    imports = [ast.unparse(node) for node in joined.body if isinstance(node, ast.Import | ast.ImportFrom)]
    assert len(imports) == len(set(imports)) and not any("hwnas" in line for line in imports)
    assert sorted(imports, key=lambda line: line.startswith("from ")) == imports
