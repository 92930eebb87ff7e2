"""Uploaded files: bytes, and no more than that here; whoever looks into them is a process with limits."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Annotated

from fastapi import File

Upload = Annotated[bytes, File(description="The file.")]
Uploads = Annotated[list[bytes], File(description="results.json of a kit, or CSV; several of one board.")]


def pack_measurements(contents: Sequence[bytes]) -> bytes:
    """Measurements under names of ours, whatever the caller's were: JSON where they begin like it, else CSV."""
    endings = ["json" if content.lstrip()[:1] == b"{" else "csv" for content in contents]
    names = [f"measurements-{number}.{ending}" for number, ending in enumerate(endings, 1)]
    texts = [base64.b64encode(content).decode() for content in contents]
    return json.dumps(list(zip(names, texts, strict=True))).encode()


def unpack_measurements(content: bytes) -> dict[str, str]:
    """Text of the files that were packed, by name."""
    return {name: base64.b64decode(text).decode("utf-8", "replace") for name, text in json.loads(content)}
