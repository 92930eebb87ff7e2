"""An empty cache folder, a loopback server that misbehaves on command, and files in the published forms."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from hwnas.data.sources import SOURCES, Part, Source, SourceFile
from hwnas.spaces import NASBench201

HW_COLUMNS = (
    *("edgegpu_latency", "edgegpu_energy", "raspi4_latency", "edgetpu_latency", "pixel3_latency"),
    *("eyeriss_latency", "eyeriss_energy", "eyeriss_arithmetic_intensity", "fpga_latency", "fpga_energy"),
)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache; no mirror and no proxy from the environment."""
    for name in ("HWNAS_MIRROR", "HWNAS_DATA_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("HWNAS_DATA", str(tmp_path / "cache"))
    return tmp_path / "cache"


@dataclass
class Server:
    """What the loopback server has and how it answers.

    plan: behaviour of the next answers, then "whole": "cut" (half of what is asked for), "hang" (half, then nothing),
    "no-range", "wrong-range", "longer", or a status code. requests: (path, Range header) of each request so far.
    """

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    plan: list[str] = field(default_factory=list)
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers as the plan of its server says."""

    state: Server

    def do_GET(self) -> None:
        wanted = self.headers["Range"]
        self.state.requests.append((self.path, wanted))
        plan = self.state.plan.pop(0) if self.state.plan else "whole"
        content = self.state.files.get(self.path)
        if content is None or plan.isdigit():
            self.send_error(int(plan) if plan.isdigit() else 404)
            return
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and plan != "no-range" else 0
        if start >= len(content):
            self.send_error(416)
            return
        body = content[start:] + (b"more" if plan == "longer" else b"")
        self.send_response(206 if start else 200)
        if start:
            said = 0 if plan == "wrong-range" else start
            self.send_header("Content-Range", f"bytes {said}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        half = plan in ("cut", "hang")
        self.wfile.write(body[: len(body) // 2] if half else body)
        self.wfile.flush()
        if plan == "hang":
            self.state.stop.wait(20)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server(cache: Path) -> Iterator[Server]:
    """A server on the loopback interface."""
    state = Server()
    handler = type("BoundHandler", (Handler,), {"state": state})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as listening:
        listening.daemon_threads = True
        state.url = f"http://127.0.0.1:{listening.server_address[1]}"
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield state
        state.stop.set()
        listening.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def shuffled() -> np.ndarray:
    """All architectures of NAS-Bench-201 in an arbitrary order, as a benchmark lists them."""
    return NASBench201().vector(np.random.default_rng(0).permutation(NASBench201().size))


@pytest.fixture(scope="session")
def nats_csv(shuffled: np.ndarray) -> bytes:
    """A file of the form of nats_bench.csv: row i has accuracies 50 + i / 1000, + 1, + 2."""
    rows = ["CIFAR10TestAccuracy200Epochs,CIFAR100TestAccuracy200Epochs,ImageNetTestAccuracy200Epochs"]
    rows[0] += ",ArchitectureString,UniqueString"
    for i, string in enumerate(NASBench201().strings(shuffled)):
        rows.append(f"{50 + i / 1000},{51 + i / 1000},{52 + i / 1000},{string},anything")
    return "\n".join(rows).encode()


@pytest.fixture(scope="session")
def hw_csv(shuffled: np.ndarray) -> bytes:
    """A file of the form of hw_cifar10.csv: row i has i + column / 16, and no Edge TPU latency where i % 3 == 0."""
    rows = [",".join(("net", *HW_COLUMNS))]
    for i, codes in enumerate(NASBench201().to_tuples(shuffled).tolist()):
        values = [i + column / 16 for column in range(len(HW_COLUMNS))]
        if i % 3 == 0:
            values[HW_COLUMNS.index("edgetpu_latency")] = -1
        rows.append(f'"{tuple(codes)}",' + ",".join(map(repr, values)))
    return "\n".join(rows).encode()


@pytest.fixture
def publish(monkeypatch: pytest.MonkeyPatch):
    """Put other contents in the place of a source's files: `publish(name, {path: bytes}, tables)`."""

    def put(name: str, files: dict[str, bytes], tables: tuple[str, ...] | None = None) -> Source:
        old = SOURCES[name]
        entries = tuple(
            SourceFile(path=path, size=len(content), sha256=sha256(content).hexdigest(), upstream=f"o/r/c/{path}")
            for path, content in files.items()
        )
        fields = {key: getattr(old, key) for key in ("name", "title", "adds", "licence", "url", "note", "kind")}
        source = Source(**fields, parts=(Part(files=entries, tables=old.tables if tables is None else tables),))
        monkeypatch.setitem(SOURCES, name, source)
        return source

    return put


@pytest.fixture
def no_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the package of the extra `truth` were not installed."""
    for module in ("pulling", "packages"):
        monkeypatch.setattr(f"hwnas.data.{module}.find_package_file", lambda: None)
