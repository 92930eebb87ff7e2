"""What workers run in `test_executors.py`: they import it by its name."""

from __future__ import annotations

import os
import time
from pathlib import Path

import torch

from hwnas.errors import ProxyError


def times(factor: int, number: int) -> tuple[int, int]:
    return factor * number, torch.get_num_threads()


def refuse(_state: None, _task: int) -> None:
    raise ProxyError("expected a, got b; do c")


def die(_state: None, _task: int) -> None:
    os._exit(7)


def leave_a_trace(folder: Path, number: int) -> int:
    (folder / str(number)).touch()
    time.sleep(0.05)
    return number


def who_runs(_state: int, _number: int) -> int:
    return os.getpid()


def tell_who_runs(folder: Path, number: int) -> None:
    (folder / str(os.getpid())).touch()
    time.sleep(60)


if __name__ == "__main__":  # a parent to be killed
    import sys

    sys.path.insert(0, str(Path(__file__).parent))
    from executor_tasks import tell_who_runs as task

    from hwnas.proxies.executors import Workers, over_processes

    list(over_processes(task, Path(sys.argv[1]), [0, 1], Workers(count=1)))
