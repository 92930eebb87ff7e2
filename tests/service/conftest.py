"""A service on made-up costs and scores: its application, and real processes of server and workers."""

from __future__ import annotations

import importlib.util
import itertools
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import sqlalchemy
from starlette.testclient import TestClient

from hwnas.service.app import create_app
from hwnas.service.settings import Settings, sqlite_url
from hwnas.service.store import Database, open_database
from hwnas.service.store.jobs import list_jobs
from hwnas.spaces import get_space

_NUMBERS = itertools.count()
QUESTION = {"device": "jetson-tx2", "budget_mj": 20.0, "proxies": ["zen"]}


@pytest.fixture
def url(tmp_path: Path) -> str:
    """Address of an empty database."""
    return sqlite_url(tmp_path / "jobs.sqlite")


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    """An empty database."""
    opened = open_database(url)
    yield opened
    opened.close()


@pytest.fixture
def client_of(shipped: Path, url: str) -> Iterator[Callable[..., Any]]:
    """`client_of(token=..., limits=...)`: callers of an application of its own, in this process and without workers."""
    opened: list[TestClient] = []

    def make(**settings: Any) -> TestClient:
        app = create_app(Settings(database=url, **settings))
        client = TestClient(
            app, base_url="http://127.0.0.1", client=("127.0.0.1", 50000), raise_server_exceptions=False
        )
        opened.append(client.__enter__())
        return client

    yield make
    for client in opened:
        client.__exit__(None, None, None)


@pytest.fixture
def client(client_of: Callable[..., Any]) -> Any:
    """Callers of a service without a token."""
    return client_of()


def free_port() -> int:
    """A port of this machine that nobody uses."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class Processes:
    """Real processes of one service, on the shipped files, with a cache, a home and a database of their own."""

    def __init__(self, folder: Path, url: str) -> None:
        self.url, self.port, self.folder = url, free_port(), folder
        self.address = f"http://127.0.0.1:{self.port}"
        self.started: list[subprocess.Popen[bytes]] = []
        kept = {name: value for name, value in os.environ.items() if not name.startswith("HWNAS")}
        self.environment = {
            **kept,
            "HWNAS_DATA": str(folder / "cache"),
            "HWNAS_HOME": str(folder / "home"),
            "HWNAS_DATABASE": url,
            "OMP_NUM_THREADS": "1",
        }

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """`hwnas` with these arguments."""
        log = (self.folder / f"{arguments[0]}-{len(self.started)}.log").open("wb")
        process = subprocess.Popen(
            [sys.executable, "-m", "hwnas", *arguments],
            env=self.environment,
            stderr=log,
            stdout=log,
            start_new_session=True,
        )
        log.close()
        self.started.append(process)
        return process

    def serve(self, *arguments: str) -> subprocess.Popen[bytes]:
        """`hwnas serve`, once it answers."""
        process = self.start("serve", "--port", str(self.port), "--rate", "0", *arguments)
        wait_until(lambda: self.answers() or process.poll() is not None, seconds=60)
        return process

    def log(self, process: subprocess.Popen[bytes]) -> str:
        """What a process that was started, and what it started, wrote so far."""
        (path,) = self.folder.glob(f"*-{self.started.index(process)}.log")
        return path.read_text(encoding="utf-8")

    def states(self) -> list[str]:
        """States of all jobs in the database."""
        database = open_database(self.url)
        found = [job.state for job in list_jobs(database, before=None, limit=500)]
        database.close()
        return found

    def answers(self) -> bool:
        """Whether the service answers."""
        try:
            return httpx.get(f"{self.address}/readyz", timeout=2).status_code == 200
        except httpx.HTTPError:
            return False

    def running(self) -> list[int]:
        """What still runs of all that was started, and what that started: whatever has our cache in its environment."""
        ours = f"HWNAS_DATA={self.folder / 'cache'}".encode()
        found = []
        for place in Path("/proc").glob("[0-9]*"):
            try:
                if ours in (place / "environ").read_bytes().split(b"\0"):  # empty of a zombie, which does not run
                    found.append(int(place.name))
            except OSError:
                continue
        return found

    def stop(self) -> None:
        """End what still runs."""
        for process in self.started:
            if process.poll() is None:
                process.kill()
            process.wait()


@pytest.fixture
def processes(tmp_path: Path, url: str) -> Iterator[Processes]:
    """Starts processes, and ends them."""
    found = Processes(tmp_path, url)
    yield found
    found.stop()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a service with one worker, that tests share; each asks what no other asks."""
    folder = tmp_path_factory.mktemp("site")
    found = Processes(folder, sqlite_url(folder / "jobs.sqlite"))
    try:
        found.serve()
        yield found.address
    finally:
        found.stop()


def wait_until(holds: Callable[[], Any], *, seconds: float = 90) -> Any:
    """What `holds` gives once it is true. Fails where that takes longer."""
    end = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.05)
    return found


@pytest.fixture
def until() -> Callable[..., Any]:
    """`until(holds, seconds=s)`: see `wait_until`."""
    return wait_until


@pytest.fixture
def table(board: Callable[..., Any]) -> Callable[..., bytes]:
    """`table(seed)`: measurements of twelve networks on a made-up board, as CSV."""
    space = get_space("nasbench201")

    def make(seed: int = 100) -> bytes:
        vectors = space.sample(12, seed=seed)
        costs = board(space, vectors, seed=seed) * np.random.default_rng(seed).lognormal(0, 0.01, 12)
        rows = [
            f"{index},{cost:.6f}" for index, cost in zip(space.index(vectors).tolist(), costs.tolist(), strict=True)
        ]
        return "\n".join(["architecture,latency_ms", *rows]).encode()

    return make


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """A PostgreSQL server for the session; skips, with a reason, where there can be none."""
    path = Path(__file__).parent / "postgresql.py"
    spec = importlib.util.spec_from_file_location("hwnas_tests_postgresql", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    reason = module.why_not()
    if reason:
        pytest.skip(reason)
    with module.server(free_port()) as address:
        yield address


@pytest.fixture
def postgresql(postgresql_server: str) -> str:
    """Address of an empty database on that server."""
    name = f"jobs_{next(_NUMBERS)}"
    engine = sqlalchemy.create_engine(f"{postgresql_server}/postgres".replace("postgresql:", "postgresql+psycopg:"))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    engine.dispose()
    return f"{postgresql_server}/{name}"
