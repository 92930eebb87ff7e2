"""A kit: the folder that goes to a board, with nets, their manifest, the agent and what to do there.

The agent is the files of `agent/`, which this package uses itself, joined to one: `agent_source`.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal, final

from hwnas.devices.agent.files import KIT_SCHEMA
from hwnas.errors import UsageError
from hwnas.folders import write_whole
from hwnas.version import __version__

Role = Literal["calibrate", "check"]
Format = Literal["onnx", "tflite"]
Precision = Literal["float32", "int8"]
MANIFEST: Final = "manifest.json"
AGENT_FOLDER: Final = Path(__file__).with_name("agent")
# Each file uses only those before it.
AGENT_PARTS: Final = (
    *("timings", "files", "host", "meters", "ina3221", "rapl", "nvml", "find_meter", "runs", "onnx_runtime"),
    *("tools", "trtexec", "litert", "adb", "tflite", "command", "summary", "busy", "campaign", "main"),
)


@final
class OtherKitError(UsageError):
    """The folder for a kit holds another kit."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"expected a folder without a kit, got {folder}, which holds another one; choose another name")


@final
@dataclass(frozen=True, kw_only=True)
class KitNet:
    """One net of a kit.

    role: "calibrate" a model with it, or "check" the model. index: null in a space that cannot be enumerated.
    input_shape: as the file takes it: batch, channels, height, width, in a TFLite file channels last.
    """

    name: str
    arch: str
    index: int | None
    role: Role
    file: str
    sha256: str
    input_shape: tuple[int, ...]


@final
@dataclass(frozen=True, kw_only=True)
class KitFacts:
    """What all nets of a kit share, and how they were chosen.

    format: of their files. precision: of their weights and activations; int8 in TFLite files alone.
    """

    space: str
    dataset: str
    batch_size: int
    seed: int
    method: str
    chosen: str
    format: Format = "onnx"
    precision: Precision = "float32"


def write_kit(folder: Path, *, facts: KitFacts, nets: Sequence[KitNet], files: dict[str, bytes]) -> Path:
    """Write nets, agent and README, then the manifest, whose presence says that the kit is whole. Returns its path.

    files: contents by the `file` of each net that is not in the folder yet. Raises `OtherKitError` where the folder
    holds another kit, `DataError` where it cannot be written.
    """
    manifest = folder / MANIFEST
    content = json.dumps(manifest_of(facts, nets), indent=1, ensure_ascii=False).encode() + b"\n"
    if manifest.exists() and manifest.read_bytes() != content:
        raise OtherKitError(folder)
    for name, net in files.items():
        write_whole(folder / name, net)
    write_whole(folder / "agent.py", agent_source().encode())
    write_whole(folder / "README.md", kit_readme(facts, nets).encode())
    write_whole(manifest, content)
    return manifest


def manifest_of(facts: KitFacts, nets: Sequence[KitNet]) -> dict[str, Any]:
    """The manifest as plain values."""
    return {
        "kind": "hwnas-kit",
        "schema_version": KIT_SCHEMA,
        "hwnas_version": __version__,
        **asdict(facts),
        "nets": [asdict(net) for net in nets],
    }


def agent_source() -> str:
    """The agent as one file of Python 3.6 without any import but of the standard library's."""
    imports: set[str] = set()
    bodies = []
    for part in AGENT_PARTS:
        text = (AGENT_FOLDER / f"{part}.py").read_text(encoding="utf-8")
        lines = text.splitlines()
        docstring, *statements = ast.parse(text).body
        for statement in statements:
            if not isinstance(statement, ast.Import | ast.ImportFrom):
                continue
            first, last = statement.lineno - 1, statement.end_lineno or statement.lineno
            if not (isinstance(statement, ast.ImportFrom) and str(statement.module).startswith("hwnas.")):
                imports.update(lines[first:last])
            lines[first:last] = [""] * (last - first)
        comment = [f"# {line}".rstrip() for line in ast.literal_eval(docstring.value).splitlines()]  # type: ignore[attr-defined]
        body = "\n".join(lines[docstring.end_lineno :]).strip("\n")
        bodies.append("\n".join([f"# ---- {part} {'-' * (100 - len(part))}", *comment, "", "", body]))
    head = f'"""Measures the nets of this kit (hwnas {__version__}). Python 3.6 or later, nothing else.\n\n'
    head += 'Made from devices/agent/*.py of hwnas; `python3 agent.py --help` says what it can do.\n"""\n'
    plain = sorted(line for line in imports if line.startswith("import "))
    selected = sorted(line for line in imports if line.startswith("from "))
    tail = 'if __name__ == "__main__":\n    sys.exit(main(sys.argv[1:]))\n'
    return "\n\n\n".join(["\n".join([head, *plain, *_merged(selected)]), *bodies, tail])


def _merged(lines: Sequence[str]) -> list[str]:
    """`from a import b` and `from a import c` as one line."""
    names: dict[str, set[str]] = {}
    for line in lines:
        module, _, wanted = line.removeprefix("from ").partition(" import ")
        names.setdefault(module, set()).update(wanted.split(", "))
    return [f"from {module} import {', '.join(sorted(wanted))}" for module, wanted in names.items()]


def kit_readme(facts: KitFacts, nets: Sequence[KitNet]) -> str:
    """What the person at the board should do."""
    text = (AGENT_FOLDER / "kit_readme.md").read_text(encoding="utf-8")
    shape = ", ".join(sorted({"x".join(map(str, net.input_shape)) for net in nets}))
    first, *more = (AGENT_FOLDER / f"kit_readme_{facts.format}.md").read_text(encoding="utf-8").rstrip().split("\n\n")
    return text.format(
        nets=len(nets),
        space=facts.space,
        dataset=facts.dataset,
        shape=shape,
        version=__version__,
        commands=first,
        runtimes="\n\n".join(more),
    )
