"""One job under way, as its worker sees it."""

from __future__ import annotations

import json
import logging
import secrets
import shutil
import time
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any, Final, final

from hwnas.service.child import Order, end_with_helpers
from hwnas.service.logs import log_event
from hwnas.service.problems import fault
from hwnas.service.store import Job
from hwnas.service.store.devices import AddedDevice
from hwnas.service.store.work import Ending
from hwnas.service.tasks import Made

STOP_S: Final = 10.0  # a job that is asked to stop may take so long for its step


@final
class Running:
    """A process and what it told so far. unsaved: a checkpoint that the database does not have yet."""

    def __init__(
        self, *, job: Job, lease: str, channel: Connection, process: BaseProcess, order: Order, limit_s: float
    ) -> None:
        self.job, self.lease, self.channel, self.process, self.limit_s = job, lease, channel, process, limit_s
        self._folder, self._seen = order.folder, order.seen
        self.unsaved: bytes | None = None
        self._began = self._beaten = time.monotonic()
        self._first: tuple[float, int] | None = None
        self._done, self._total = job.done, job.total
        self._told: tuple[str, Any] | None = None
        self._stopping: float | None = None
        self._news = False

    def hear(self) -> None:
        """Take one message, or note that there will be none."""
        try:
            kind, *content = self.channel.recv()
        except (EOFError, OSError, ValueError):
            self._told = self._told or ("died", None)
            return
        if kind == "progress":
            self._done, self._total = content
            self._news = True
            self._first = self._first or (time.monotonic(), self._done)
        elif kind == "saved":
            (self.unsaved,) = content
        elif kind == "fault":
            instance = f"urn:hwnas:fault:{secrets.token_hex(8)}"
            log_event("failure", level=logging.ERROR, job=self.job.id, instance=instance, **content[0])
            self._told = ("failed", fault(instance))
        else:
            self._told = (kind, content[0])
            if kind == "stopped" and content[0] is not None:
                (self.unsaved,) = content

    def ending(self) -> Ending | None:
        """How the job ended; None while it goes on. State "queued" where its process died."""
        if self._told is None:
            late = self._stopping is not None and time.monotonic() - self._stopping > STOP_S
            return Ending(state="cancelled") if late else None
        kind, content = self._told
        if kind == "done":
            return self._done_ending(content)
        if kind == "failed":
            return Ending(state="failed", error=content)
        return Ending(state="cancelled" if kind == "stopped" else "queued")

    def progress(self) -> tuple[int, int | None, float | None]:
        """Steps done, steps in all, seconds left by the pace since this process began."""
        left = None
        if self._first is not None and self._total and self._done > self._first[1]:
            pace = (time.monotonic() - self._first[0]) / (self._done - self._first[1])
            left = round(pace * (self._total - self._done), 1)
        return self._done, self._total, left

    def beat_due(self, every_s: float) -> bool:
        """Whether the database should hear of the job again: regularly, and sooner where there is news."""
        passed = time.monotonic() - self._beaten
        return passed > every_s or (passed > min(0.5, every_s) and (self._news or self.unsaved is not None))

    def was_kept(self) -> None:
        """The database has what was told so far."""
        self.unsaved, self._news, self._beaten = None, False, time.monotonic()

    def over_time(self) -> bool:
        """Whether the job takes longer than it may by the clock; processor time is limited in the process."""
        return time.monotonic() - self._began > self.limit_s

    def stop(self) -> None:
        """Ask the process to stop at its next step."""
        if self._stopping is None:
            self._stopping = time.monotonic()
            try:
                self.channel.send("stop")
            except OSError:
                self._told = self._told or ("died", None)

    def kill(self) -> None:
        """End the process now, if it still is, and forget it."""
        end_with_helpers(self.process)
        self.process.join(1)
        self.channel.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _done_ending(self, made: Made) -> Ending:
        device = None
        if made.card is not None:
            device = AddedDevice(
                name=self.job.request["name"],
                revision=self._seen,
                added_by=self.job.owner,
                added_at=0.0,
                job=self.job.id,
                card=made.card,
                files=made.files,
            )
        result = json.dumps(made.result, allow_nan=False).encode()
        columns = None if made.candidates is None else json.dumps(made.candidates, allow_nan=False).encode()
        return Ending(state="done", result=result, candidates=columns, device=device, total=self._total)
