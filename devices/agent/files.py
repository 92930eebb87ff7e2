"""The files of a kit: a manifest and nets that are checked before use, results that are written whole or not at all."""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

KIT_SCHEMA = 1
RESULTS_SCHEMA = 1


class AgentError(Exception):
    """Something that the person at the device can put right; the message says what was expected, got, and to do."""


def sha256_of(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def read_json(path: Path) -> "dict[str, Any]":
    """A JSON object. Raises `AgentError` where there is none."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise AgentError(f"expected {path}, got no such file") from None
    except (OSError, ValueError, RecursionError) as error:
        raise AgentError(f"expected JSON in {path}, got: {error}; copy the file again") from None
    if not isinstance(content, dict):
        raise AgentError(f"expected a JSON object in {path}, got a {type(content).__name__}")
    return content


def write_json(path: Path, content: "dict[str, Any]") -> None:
    """Replace a file in one step: after a kill or a power cut there is the old one or the new one, never a part.

    Raises `OSError` that says what to do where it cannot be written.
    """
    part = path.with_name(path.name + ".part")
    try:
        with part.open("w", encoding="utf-8") as file:
            json.dump(content, file, indent=1, allow_nan=False)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise OSError(f"expected to write {path}, got: {error}; free space, or give another --out") from None


def read_manifest(kit: Path) -> "dict[str, Any]":
    """The manifest of a kit. Raises `AgentError` for another schema, and for a net that is not as it was written."""
    manifest = read_json(kit / "manifest.json")
    if manifest.get("kind") != "hwnas-kit" or manifest.get("schema_version") != KIT_SCHEMA:
        raise AgentError(
            "expected a kit of schema {} in {}, got kind {!r}, schema {!r}; make the kit anew with `hwnas plan`".format(
                KIT_SCHEMA, kit, manifest.get("kind"), manifest.get("schema_version")
            )
        )
    for net in nets_of(manifest):
        path = kit / str(net["file"])
        if not path.is_file():
            raise AgentError(f"expected {path}, got no such file; copy the whole kit again")
        if sha256_of(path) != net["sha256"]:
            raise AgentError(f"{path} is not the file that was planned (sha256 differs); copy the kit again")
    return manifest


def nets_of(document: "dict[str, Any]") -> "list[dict[str, Any]]":
    """The nets of a manifest or of results."""
    nets = document.get("nets")
    if not isinstance(nets, list) or not nets or not all(isinstance(net, dict) for net in nets):
        raise AgentError(f"expected a list of nets, got {type(nets).__name__!r}; copy the file again")
    return nets


@contextmanager
def alone(kit: Path) -> "Iterator[None]":
    """Hold a kit: two agents at once would slow each other down. Raises `AgentError` where another one runs."""
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    manifest = kit / "manifest.json"
    if not manifest.is_file():
        raise AgentError(f"expected {manifest}, got no such file; give the folder that `hwnas plan` made")
    with manifest.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # given back by the system when the process ends
        except OSError:
            raise AgentError(f"{kit} is being measured by another process: wait for it or end it") from None
        yield
