"""What a service is started with, checked once. Secrets come from the environment alone."""

from __future__ import annotations

import ipaddress
import math
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, final

from hwnas.errors import UsageError
from hwnas.folders import cache_folder

TOKEN_VARIABLE: Final = "HWNAS_TOKEN"
DATABASE_VARIABLE: Final = "HWNAS_DATABASE"
FEWEST_CHARACTERS: Final = 16  # of a token: shorter ones can be guessed


@final
@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one caller may ask for.

    body_bytes: of a JSON body. upload_bytes: of measurements or an ONNX file. jobs: unfinished at a time, per token and
    address. rate: requests a second over ten seconds, per token and address; 0 for no limit. request_seconds: of one
    answer. graph_nodes: of an uploaded network. upload_memory, upload_seconds, job_memory, job_seconds: of the process
    that works on an upload, or on any other job (bytes, seconds of processor time; memory is address space).
    Raises `UsageError` for a rate that cannot be.
    """

    body_bytes: int = 256 * 1024
    upload_bytes: int = 64 * 1024 * 1024
    jobs: int = 20
    rate: float = 50.0
    request_seconds: float = 30.0
    graph_nodes: int = 20_000
    upload_memory: int = 3 * 1024**3
    upload_seconds: int = 60
    job_memory: int = 16 * 1024**3
    job_seconds: int = 24 * 3600

    def __post_init__(self) -> None:
        if not (math.isfinite(self.rate) and self.rate >= 0):
            raise UsageError(
                f"expected a rate of 0 requests a second or more, got {self.rate:g}; 0.1 is one in ten seconds, 0 sets "
                "no limit (--rate)"
            )


@final
@dataclass(frozen=True, kw_only=True)
class Settings:
    """How a service listens, what it keeps where, and whom it lets in.

    host, port: where it listens. database: URL of SQLAlchemy; None: `database_url` says which.
    token: what callers must show; None lets everyone in who reaches a loopback address. proxy: address of a reverse
    proxy whose word on who asks (`X-Forwarded-For`) is taken; None: nobody's. keep_days, keep_bytes: results that are
    older, or the oldest beyond so many bytes in all, are pruned.
    Raises `UsageError` for another address than loopback without a token, for a token that is too short, and for a
    proxy that is no address.
    """

    host: str = "127.0.0.1"
    port: int = 8765
    database: str | None = None
    token: str | None = field(default=None, repr=False)
    proxy: str | None = None
    limits: Limits = field(default_factory=Limits)
    keep_days: float = 30.0
    keep_bytes: int = 1024**3

    def __post_init__(self) -> None:
        if self.token is not None and len(self.token) < FEWEST_CHARACTERS:
            raise UsageError(
                f"expected {TOKEN_VARIABLE} to have at least {FEWEST_CHARACTERS} characters, got {len(self.token)}; "
                "make one with `python -c 'import secrets; print(secrets.token_urlsafe(24))'`"
            )
        if self.token is None and not is_loopback(self.host):
            raise UsageError(
                f"expected a loopback address such as 127.0.0.1 for a service without a token, got {self.host!r}; set "
                f"{TOKEN_VARIABLE} to let in those who know it"
            )
        if self.proxy is not None and plain_address(self.proxy) is None:
            raise UsageError(
                f"expected the address of a proxy such as 127.0.0.1, got {self.proxy[:100]!r}; give the one that it "
                "connects from"
            )
        if not 0 <= self.port < 2**16:
            raise UsageError(f"expected a port from 0 to 65535, got {self.port}")

    @property
    def database_url(self) -> str:
        """The database's address: given, else `HWNAS_DATABASE`, else a SQLite file in the cache folder."""
        return (
            self.database or os.environ.get(DATABASE_VARIABLE) or sqlite_url(cache_folder() / "service" / "jobs.sqlite")
        )


def sqlite_url(path: Path) -> str:
    """Address of a SQLite file."""
    return f"sqlite:///{path.absolute()}"


def token_of_environment() -> str | None:
    """`HWNAS_TOKEN`; None where it is absent or empty."""
    return os.environ.get(TOKEN_VARIABLE) or None


def plain_address(text: str) -> str | None:
    """An address of a machine in its one usual form; None for what is none, or has a zone, which can be any text."""
    try:
        address = ipaddress.ip_address(text.strip().strip("[]"))
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id is not None:
            return None
        return str(address.ipv4_mapped or address)
    return str(address)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"
