"""The workers beside a server: processes of their own, begun anew where one ended though nobody wanted it to."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time
from typing import Final, final

from hwnas.service.ending import End
from hwnas.service.logs import log_event
from hwnas.service.settings import DATABASE_VARIABLE, Settings

PATIENCE_S: Final = 1.5  # with the workers, once the server has stopped
LOOK_S: Final = 1.0  # between two looks at whether they live
AGAIN_S: Final = 5.0  # between the beginnings of two in place of others: what ends at once would keep a core busy


@final
class Workers:
    """As many workers as are wanted, until the end is."""

    def __init__(self, settings: Settings, end: End, *, wanted: int, verbose: bool) -> None:
        self.wanted = wanted
        self._settings, self._end, self._verbose = settings, end, verbose
        self._beside = list[subprocess.Popen[bytes]]()

    def start(self) -> None:
        """Begin them, and look after them."""
        self._end.tells(self._tell_to_stop)
        while len(self._beside) < self.wanted and not self._end.wanted():
            self._add()
        if self.wanted:
            threading.Thread(target=self._look_after, daemon=True).start()

    def alive(self) -> int:
        """How many live now."""
        return sum(process.poll() is None for process in list(self._beside))

    def see_off(self) -> None:
        """Wait for their end. Their jobs are given back by then, or others take them from them."""
        self._tell_to_stop()
        until = time.monotonic() + PATIENCE_S
        for process in self._beside:
            try:
                process.wait(timeout=max(0.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _add(self) -> None:
        self._beside.append(_start_worker(self._settings, verbose=self._verbose))
        if self._end.wanted():  # it was told before this one was among them
            self._tell_to_stop()

    def _look_after(self) -> None:
        while not self._end.wanted():
            time.sleep(LOOK_S)
            for process in [found for found in self._beside if found.poll() is not None]:
                if self._end.wanted():
                    return
                log_event("worker ended", level=logging.WARNING, status=process.returncode)
                self._beside.remove(process)
                time.sleep(AGAIN_S)
                if not self._end.wanted():
                    self._add()

    def _tell_to_stop(self) -> None:
        for process in list(self._beside):
            if process.stdin and not process.stdin.closed:
                process.stdin.close()


def _start_worker(settings: Settings, *, verbose: bool) -> subprocess.Popen[bytes]:
    """A worker that ends with us: its standard input is a pipe that closes when we are gone, however that happens.

    It is of a session of its own: a terminal's Ctrl-C would reach it also while it starts and cannot heed it.
    """
    # By the environment: a command line, which everyone on the machine can read, must not hold the password.
    environment = {**os.environ, DATABASE_VARIABLE: settings.database_url}
    command = [sys.executable, "-m", "hwnas", "worker", "--attached", *([] if verbose else ["--quiet"])]
    return subprocess.Popen(command, stdin=subprocess.PIPE, env=environment, start_new_session=True)
