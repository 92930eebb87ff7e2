"""Uploaded files: read as bytes and no further; whoever looks into them is a process with limits."""

from __future__ import annotations

import base64
import json
from typing import Annotated

from fastapi import File, UploadFile

from hwnas.service.errors import TooLargeError
from hwnas.service.settings import Limits

Upload = Annotated[UploadFile, File(description="The file.")]
Uploads = Annotated[list[UploadFile], File(description="results.json of a kit, or CSV; several of one board.")]


def read_upload(file: UploadFile, limits: Limits) -> bytes:
    """The bytes of a file. Raises `TooLargeError`."""
    content = file.file.read(limits.upload_bytes + 1)
    if len(content) > limits.upload_bytes:
        raise TooLargeError(f"expected a file of at most {limits.upload_bytes:,} bytes, got more")
    return content


def pack_measurements(files: list[UploadFile], limits: Limits) -> bytes:
    """Measurements under names of ours, whatever the caller's were: JSON where they begin like it, else CSV."""
    return pack_bytes([read_upload(file, limits) for file in files])


def pack_bytes(contents: list[bytes]) -> bytes:
    """As `pack_measurements`, of the bytes of files."""
    endings = ["json" if content.lstrip()[:1] == b"{" else "csv" for content in contents]
    names = [f"measurements-{number}.{ending}" for number, ending in enumerate(endings, 1)]
    texts = [base64.b64encode(content).decode() for content in contents]
    return json.dumps(list(zip(names, texts, strict=True))).encode()


def unpack_measurements(content: bytes) -> dict[str, str]:
    """Text of the files that were packed, by name."""
    return {name: base64.b64decode(text).decode("utf-8", "replace") for name, text in json.loads(content)}
