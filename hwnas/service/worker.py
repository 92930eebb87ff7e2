"""A worker: takes jobs from the database, has each done by a process of its own, and says that it lives.

One thread: it waits for whatever its processes tell, and beats, looks for cancelled jobs and for new ones in between.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import secrets
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any, Final, final

from hwnas.errors import DataError, HwnasError
from hwnas.service.child import Order, work
from hwnas.service.leases import LEASE_S, Leases
from hwnas.service.logs import log_event
from hwnas.service.problems import refusal
from hwnas.service.running import Running
from hwnas.service.settings import Limits, Settings
from hwnas.service.store import Database, Job, Kind, StoreError
from hwnas.service.store.devices import find_device
from hwnas.service.store.parts import get_part
from hwnas.service.store.pruning import Pruning
from hwnas.service.store.work import Ending, beat, claim, finish, release
from hwnas.service.sync import DeviceFolder
from hwnas.service.tasks.registry import HEAVY, TASKS, UPLOADS, WITHOUT_DEVICES

POLL_S: Final = 0.1
BEAT_S: Final = LEASE_S / 6
HOUSEKEEPING_S: Final = 60.0
MOST_CRASHES: Final = 2  # of processes that read an upload: then it is the file's fault
_CRASHED: Final = (
    "expected a file that can be read within the limits, got one whose reading crashed {} times; send another"
)
RETRY_S: Final = 5.0  # until a kind of job is tried again that could not be begun here
GIVE_BACK_S: Final = 0.7  # of the two seconds in which Ctrl-C ends everything


@final
class Worker:
    """Works on at most `slots` jobs at a time, on at most `slots - 1` of the heavy kinds where there are several."""

    def __init__(self, database: Database, settings: Settings, *, slots: int = 2) -> None:
        self._database, self._settings, self._slots = database, settings, slots
        self._name = f"{socket.gethostname()[:30]}:{os.getpid()}"
        self._running: list[Running] = []
        self._devices = DeviceFolder(database)
        self._leases, self._pruning = Leases(database), Pruning(database, settings)
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["hwnas.service.child", "hwnas.service.tasks.adapt"])
        self._tidied = -HOUSEKEEPING_S
        self._not_before: dict[Kind, float] = {}

    def run(self, stopping: Callable[[], bool]) -> None:
        """Work until `stopping` says so; then jobs under way are given back with what they have."""
        if stopping():
            return
        with _without_interrupts():
            warm = self._context.Process(target=time.time)  # the first process waits for the imports of all
            warm.start()
        warm.join()
        log_event("worker", name=self._name, slots=self._slots)
        while not stopping():
            try:
                self.turn()
            except StoreError as error:  # locked, full or away for a while: jobs under way go on
                log_event("database", level=logging.WARNING, detail=str(error))
                time.sleep(POLL_S)
            except OSError as error:  # for example a channel that broke
                log_event("worker trouble", level=logging.WARNING, detail=str(error))
                time.sleep(POLL_S)
        self._give_back()

    def turn(self) -> None:
        """One look at everything. Raises `StoreError`; then nothing is lost, and the next turn tries again."""
        self._listen()
        for running in list(self._running):
            self._attend(running)
        self._leases.look(own=[running.lease for running in self._running])
        if time.monotonic() - self._tidied > HOUSEKEEPING_S:
            self._tidied = time.monotonic()
            self._pruning.prune()
        while (kinds := self._free_kinds()) and self._begin(kinds):
            pass

    def _listen(self) -> None:
        channels: list[Any] = [running.channel for running in self._running]
        if not channels:
            time.sleep(POLL_S)
            return
        ready = wait(channels, timeout=POLL_S)
        for running in self._running:
            if running.channel in ready:
                running.hear()

    def _free_kinds(self) -> list[Kind]:
        if len(self._running) >= self._slots:
            return []
        heavy = sum(running.job.kind in HEAVY for running in self._running)
        free = [kind for kind in TASKS if kind not in HEAVY or heavy < max(1, self._slots - 1)]
        return [kind for kind in free if self._not_before.get(kind, 0.0) <= time.monotonic()]

    def _begin(self, kinds: list[Kind]) -> bool:
        """Take a job and begin it; whether there was one. What cannot be begun here, for want of a folder that can be
        written or of processes, is given back as if nobody had tried."""
        lease = f"{self._name}:{secrets.token_hex(8)}"
        job = claim(self._database, lease, kinds)
        if job is None:
            return False
        try:
            self._running.append(self._started(job, lease))
        except (HwnasError, OSError, EOFError) as error:
            self._not_before[job.kind] = time.monotonic() + RETRY_S
            log_event("not begun", level=logging.WARNING, job=job.id, kind=job.kind, detail=str(error))
            release(self._database, job.id, lease)
        return True

    def _started(self, job: Job, lease: str) -> Running:
        """A job under way. Raises `StoreError`, `DataError` where a card cannot be written, `OSError`, `EOFError`."""
        order = _order(self._database, job, self._settings.limits)
        try:
            if job.kind not in WITHOUT_DEVICES:  # after the device was looked at: the process finds that or newer
                self._devices.refresh()
            log_event("begin", job=job.id, kind=job.kind, attempt=job.attempts)
            channel, theirs = self._context.Pipe()
            process = self._context.Process(target=work, args=(theirs, order), name=f"job {job.id}")
            process.start()
            theirs.close()
        except (HwnasError, OSError, EOFError):
            shutil.rmtree(order.folder, ignore_errors=True)
            raise
        limit = self._settings.limits.upload_seconds if job.kind in UPLOADS else self._settings.limits.job_seconds
        return Running(job=job, lease=lease, channel=channel, process=process, order=order, limit_s=limit)

    def _attend(self, running: Running) -> None:
        """Pass on what a job told; end it where it ended."""
        ending = running.ending()
        if ending is not None:
            self._end(running, ending)
        elif running.over_time():
            running.kill()
            slow = f"expected work within {running.limit_s} s, got more; ask for less"
            self._end(running, Ending(state="failed", error=refusal(422, slow)))
        elif running.beat_due(BEAT_S):
            told = self._keep(running)
            if told is None:
                self._drop(running, "lost")
            elif told:
                running.stop()

    def _end(self, running: Running, ending: Ending) -> None:
        if ending.state == "queued" and running.job.kind in UPLOADS and running.job.attempts >= MOST_CRASHES:
            ending = Ending(state="failed", error=refusal(422, _CRASHED.format(running.job.attempts)))
        if ending.state == "queued":  # its process died: tried again, as often as attempts are left
            self._drop(running, "died")
            return
        if running.unsaved is not None and ending.state != "done":
            self._keep(running)
        ours = finish(self._database, running.job.id, running.lease, ending)
        self._drop(running, ending.state if ours else "lost")
        if ours and ending.device is not None:
            self._note_device(running.job)

    def _note_device(self, job: Job) -> None:
        """Write the card that a job made; where that cannot be, the job is done all the same, and others are told."""
        try:
            self._devices.refresh()
        except (DataError, OSError) as error:
            log_event("card not written", level=logging.WARNING, job=job.id, detail=str(error))

    def _drop(self, running: Running, how: str) -> None:
        log_event("end", job=running.job.id, how=how)
        running.kill()
        self._running.remove(running)
        if how == "died":
            self._leases.free(running.job.id, running.lease)

    def _give_back(self) -> None:
        """Stop what is under way, keep what it has, and let others go on with it."""
        for running in self._running:
            running.stop()
        until = time.monotonic() + GIVE_BACK_S
        for running in self._running:
            while running.ending() is None and running.channel.poll(max(0.0, until - time.monotonic())):
                running.hear()
            ending = running.ending()
            running.kill()
            with suppress(StoreError):  # where that fails the lease lapses, and another worker goes on
                if ending is not None and ending.state in ("done", "failed"):
                    finish(self._database, running.job.id, running.lease, ending)
                else:
                    self._keep(running)
                    release(self._database, running.job.id, running.lease)

    def _keep(self, running: Running) -> bool | None:
        """Tell the database how far a job is; see `beat`."""
        told = beat(
            self._database, running.job.id, running.lease, progress=running.progress(), checkpoint=running.unsaved
        )
        running.was_kept()
        return told


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """What starts here, and all that it starts, pays no heed to Ctrl-C, which a terminal sends to every process."""
    quiet = (
        "ignore::UserWarning:multiprocessing.resource_tracker"  # it removes what the killed leave, and need not say so
    )
    os.environ["PYTHONWARNINGS"] = ",".join(filter(None, (os.environ.get("PYTHONWARNINGS"), quiet)))
    resource_tracker.ensure_running()  # it would unblock the signal for us
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])


def _order(database: Database, job: Job, limits: Limits) -> Order:
    upload = job.kind in UPLOADS
    device = find_device(database, job.request["name"]) if job.kind == "adapt" else None
    # A limit on address space would hold for the processes of a Ray cluster too.
    memory = None if job.request.get("executor") == "ray" else limits.upload_memory if upload else limits.job_memory
    return Order(
        kind=job.kind,
        request=job.request,
        payload=get_part(database, job.id, "payload"),
        checkpoint=get_part(database, job.id, "checkpoint"),
        folder=Path(tempfile.mkdtemp(prefix="hwnas-job-")),
        memory=memory,
        seconds=limits.upload_seconds if upload else limits.job_seconds,
        seen=0 if device is None else device.revision,
    )
