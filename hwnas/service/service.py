"""What the routes of one process share: settings, the database, who asks."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, TypeVar, cast, final

from fastapi import Request

from hwnas.service.errors import BusyError, ConflictError, NotFoundError
from hwnas.service.forms import ParetoBody
from hwnas.service.fronts import Front, Fronts
from hwnas.service.job_forms import time_text
from hwnas.service.settings import Settings
from hwnas.service.store import Database, Job, State
from hwnas.service.store.devices import added_devices
from hwnas.service.store.jobs import Asked, find_job, submit
from hwnas.service.sync import DeviceFolder

_Body = TypeVar("_Body")
_Answer = TypeVar("_Answer")
COMPUTING: Final = 2  # answers in the making at a time: they compute, more at once would only be slower
WAITING: Final = 40  # answers that wait for the database or read files at a time
_BUSY: Final = "expected a turn within {:g} s, got none: the service computes answers of others; ask again later"
RECENT_S: Final = 0.25  # a device that another process added is known after so long


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Service:
    """One process of the service. stopping: set once no answer is begun any more."""

    settings: Settings
    database: Database
    devices: DeviceFolder
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    fronts: Fronts = field(default_factory=Fronts)
    _computing: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(COMPUTING, "computes"))
    _waiting: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(WAITING, "waits"))

    def refresh_devices(self) -> None:
        """Know the devices that users added through any process."""
        self.devices.refresh()

    def added_devices(self) -> dict[str, dict[str, Any]]:
        """By name, what is said of a device that a user added: who, when, by which job."""
        self.devices.refresh()
        return {
            device.name: {"by": device.added_by, "at": time_text(device.added_at), "job": device.job}
            for device in added_devices(self.database)
        }

    async def recent_devices(self) -> None:
        """Know the devices that users added a moment ago; what may have to wait for a file waits in a thread."""
        if self.devices.is_due(RECENT_S):
            await self.in_thread(partial(self.devices.refresh, every_s=RECENT_S))

    def front(self, body: ParetoBody) -> Front:
        """The answer to a question. Raises what `hwnas.pareto` raises."""
        return self.fronts.answer(body)

    async def compute(self, ask: Callable[[_Body], _Answer], body: _Body) -> _Answer:
        """The answer of a function that computes, from a thread that few may have at a time. Raises as `in_thread`."""
        return await self._turn(self._computing, partial(ask, body))

    async def in_thread(self, work: Callable[[], _Answer]) -> _Answer:
        """What a function gives that may have to wait, from one of `WAITING` threads. Where nobody waits for it any
        more it is not begun; begun, it keeps its thread until it is done, for none can be stopped. Raises `BusyError`
        where its time is over before its turn came."""
        return await self._turn(self._waiting, work)

    async def _turn(self, threads: ThreadPoolExecutor, work: Callable[[], _Answer]) -> _Answer:
        begun = threading.Event()

        def turn() -> _Answer:
            begun.set()
            return work()

        try:
            return await asyncio.get_running_loop().run_in_executor(threads, turn)
        except asyncio.CancelledError:
            if begun.is_set() or self.stopping.is_set():
                raise
            raise BusyError(_BUSY.format(self.settings.limits.request_seconds)) from None

    def close(self) -> None:
        """Begin no further answers, and close the database."""
        for threads in (self._computing, self._waiting):
            threads.shutdown(wait=False, cancel_futures=True)
        self.database.close()

    def submit(self, request: Request, asked: Asked, *, key: str | None = None) -> tuple[Job, bool]:
        """The job of a question, and whether it is new. Raises what `store.jobs.submit` does."""
        return submit(
            self.database, asked, owner=owner_of(request, self.settings), most=self.settings.limits.jobs, key=key
        )


def service_of(request: Request) -> Service:
    """The service of the application that a request came to."""
    return cast(Service, request.app.state.service)


def owner_of(request: Request, settings: Settings) -> str:
    """Who asks, as far as it may be shown: a fingerprint of the token with the address, or the address alone."""
    address = request.client.host if request.client else "unknown"
    if settings.token is None:
        return address
    return f"token {hashlib.sha256(settings.token.encode()).hexdigest()[:8]} at {address}"


def require_job(request: Request, job: str, *, before: Sequence[State] | None = None) -> Job:
    """A job by its id. before: states that the request makes sense in. Raises `NotFoundError`, `ConflictError`."""
    found = find_job(service_of(request).database, job)
    if found is None:
        raise NotFoundError(f"expected the id of a job, got {job!r}; GET /v1/jobs lists them")
    if before is not None and found.state not in before:
        raise ConflictError(f"expected a job that is {' or '.join(before)}, got one that is {found.state}")
    return found
