"""The server of one process: the application behind uvicorn, and a worker beside it. The only importer of uvicorn."""

from __future__ import annotations

import socket
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final, final

import uvicorn

from hwnas.errors import UsageError
from hwnas.service.app import create_app
from hwnas.service.ending import End
from hwnas.service.guard import Guard
from hwnas.service.logs import log_event, start_logging
from hwnas.service.settings import Settings
from hwnas.service.workers import Workers

GRACE_S: Final = 0.5  # for answers under way, once somebody wants the server to stop


@final
class Server(uvicorn.Server):
    """A server that signals end from outside, and whose answers under way end by an answer, not by a cancelled task."""

    def __init__(self, config: uvicorn.Config, guard: Guard) -> None:
        super().__init__(config)
        self._guard = guard

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """None: uvicorn would send them to the process once more, which then ends before its worker."""
        yield

    def stop(self) -> None:
        """Streams end now, answers within `GRACE_S`, then the server; said again it changes nothing."""
        self._guard.state.stopping.set()
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Wait for answers under way, as long as they may take."""
        self._guard.end_answers(after_s=GRACE_S)
        await super().shutdown(sockets)


def serve(settings: Settings, end: End, *, workers: int = 1, verbose: bool = True) -> None:
    """Answer requests until the end is wanted, with `workers` processes that work on jobs."""
    start_logging(verbose=verbose)
    guard, listening = create_app(settings), _bind(settings)
    config = uvicorn.Config(
        guard,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # uvicorn believes them from loopback, where every caller may be; the guard does not
        timeout_graceful_shutdown=1,  # s; the guard ends answers before that
        timeout_keep_alive=30,
        h11_max_incomplete_event_size=32 * 1024,
        lifespan="on",
    )
    server, beside = Server(config, guard), Workers(settings, end, wanted=workers, verbose=verbose)
    guard.state.workers = beside
    end.tells(server.stop)
    try:
        beside.start()
        log_event("listening", address=_address(settings, listening), workers=workers)
        server.run(sockets=[listening])
    finally:
        end.want()
        beside.see_off()


def _bind(settings: Settings) -> socket.socket:
    """Listen. Raises `UsageError` where that cannot be."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host.strip("[]"), settings.port), family=family, backlog=2048)
    except OSError as error:
        why = (error.strerror or str(error)).partition(" (while")[0]
        raise UsageError(
            f"expected an address of this machine and a port that nobody listens at, got {settings.host} with port "
            f"{settings.port} ({why}); choose others by --host and --port"
        ) from error


def _address(settings: Settings, listening: socket.socket) -> str:
    host = f"[{settings.host.strip('[]')}]" if ":" in settings.host else settings.host
    return f"http://{host}:{listening.getsockname()[1]}/"
