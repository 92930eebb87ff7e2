"""A published file is used only when its bytes are the published ones."""

from __future__ import annotations

from hashlib import sha256

from hwnas.data.sources import SourceFile
from hwnas.errors import DataError


def digest(content: bytes) -> str:
    """sha256 in hexadecimal digits."""
    return sha256(content).hexdigest()


def checked(content: bytes, file: SourceFile, *, got_from: str) -> bytes:
    """`content`, once it is known to be `file`. Raises `DataError` that names where it was `got_from`.

    A file without a pinned checksum passes; what is made of it records the checksum that it had.
    """
    if file.sha256 is not None and (got := digest(content)) != file.sha256:
        raise DataError(
            f"{got_from}: expected the published {file.path} ({file.size} bytes, sha256 {file.sha256[:12]}…), "
            f"got {len(content)} bytes with sha256 {got[:12]}…; the file is not used: fetch it again"
        )
    return content
