"""Whether the service can run here: the system, and what it is made of."""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import Final

from hwnas.errors import MissingExtraError, UsageError

_NEEDED: Final = ("fastapi", "uvicorn", "sqlalchemy", "prometheus_client", "multipart")


def require_service() -> None:
    """Raise `UsageError` on Windows, `MissingExtraError` without the extra `service`."""
    if os.name != "posix":  # its jobs are held by signals and file locks of Unix
        raise UsageError("the service runs on Linux and macOS; on Windows start it in WSL or a container")
    if any(find_spec(name) is None for name in _NEEDED):
        raise MissingExtraError("the service", "service")
