"""Whether what the service is made of is installed."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Final

from hwnas.errors import MissingExtraError

_NEEDED: Final = ("fastapi", "uvicorn", "sqlalchemy", "prometheus_client", "multipart")


def require_service() -> None:
    """Raise `MissingExtraError` without the extra `service`."""
    if any(find_spec(name) is None for name in _NEEDED):
        raise MissingExtraError("the service", "service")
