"""Ways to spread tasks: each gives every result once, passes errors on, cancels, and says when a worker dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from hwnas.errors import MissingExtraError, ProxyError, UnknownNameError, UsageError, WorkerError
from hwnas.proxies.table import load_scores
from hwnas.spaces import get_space

torch = pytest.importorskip("torch")
from hwnas.proxies import executors, space_scores  # noqa: E402
from hwnas.proxies.batches import noise_batch  # noqa: E402
from hwnas.proxies.executors import EXECUTORS, Workers, get_executor  # noqa: E402
from hwnas.proxies.kept_pool import keep_pool  # noqa: E402
from hwnas.proxies.recipes import Recipe, task_of  # noqa: E402
from hwnas.proxies.space_scores import score_space  # noqa: E402

ONE, TWO = Workers(count=1), Workers(count=2)


@pytest.fixture(params=list(EXECUTORS))
def executor(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch):
    """Each way to spread; workers can import this file by its name."""
    if request.param == "ray":
        pytest.importorskip("ray")
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)
    monkeypatch.delenv("HWNAS_RAY_ADDRESS", raising=False)
    return EXECUTORS[request.param]


def functions():
    """The functions below as workers find them: pickled by the name of a file that they can import."""
    import executor_tasks

    return executor_tasks


def test_each_result_once(executor) -> None:
    """Computed on one thread."""
    results = dict(executor(functions().times, 10, [1, 2, 3, 4, 5], TWO))
    assert results == {0: (10, 1), 1: (20, 1), 2: (30, 1), 3: (40, 1), 4: (50, 1)}


def test_an_error_comes_back_as_it_is(executor) -> None:
    with pytest.raises(ProxyError, match="expected a, got b"):
        list(executor(functions().refuse, None, [1, 2], ONE))


def test_a_dead_worker(executor) -> None:
    with pytest.raises(WorkerError, match="to live until their tasks are done"):
        list(executor(functions().die, None, [1, 2], ONE))


def test_what_workers_cannot_import(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("nowhere_at_all")
    exec("def double(_state, task): return 2 * task", vars(module))
    monkeypatch.setitem(sys.modules, "nowhere_at_all", module)
    with pytest.raises(UsageError, match=r"worker processes to import what they .* No module named 'nowhere_at_all'"):
        list(EXECUTORS["process"](module.double, None, [1], ONE))
    assert not executors.in_worker()


def test_closing_cancels_what_has_not_begun(executor, tmp_path: Path) -> None:
    with closing(executor(functions().leave_a_trace, tmp_path, list(range(40)), ONE)) as results:
        next(results)
    left = len(list(tmp_path.iterdir()))
    assert left < 12
    time.sleep(0.3)
    assert len(list(tmp_path.iterdir())) == left


@pytest.mark.parametrize("executor", ["process"], indirect=True)  # Ray kills what is under way
def test_who_waits_for_what_is_under_way_is_told(executor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(executors, "tell_once", told.append)
    monkeypatch.setattr(executors, "PATIENCE_SECONDS", 0.01)
    with closing(executor(functions().leave_a_trace, tmp_path, list(range(40)), ONE)) as results:
        next(results)
        assert not told
    assert told == ["note: stopping; what the worker processes have under way is finished first"]


def test_processes_are_kept_for_the_same_work_within_a_block(tmp_path: Path, executor) -> None:
    if executor is not EXECUTORS["process"]:
        pytest.skip("Ray's actors end with their tasks")
    who = functions().who_runs

    def run_by(state: int) -> set[int]:
        return {pid for _, pid in executor(who, state, [1, 2], ONE)}

    with keep_pool():
        (first,) = run_by(1)
        assert run_by(1) == {first}
        with pytest.raises(ProxyError):
            list(executor(functions().refuse, None, [1, 2], ONE))
        assert not _alive(first), "other work ends them"
        (second,) = run_by(1)
        with closing(executor(who, 1, list(range(20)), ONE)) as results:
            next(results)
        assert run_by(1) == {second}, "closed early, they are kept all the same"
        assert second != first
        with pytest.raises(WorkerError):
            list(executor(functions().die, None, [1], ONE))
        (third,) = run_by(1)
    assert not _alive(third), "the block's end ends them"
    (fourth,) = run_by(1)
    assert not _alive(fourth), "outside a block they end with their tasks"


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_workers_end_with_a_parent_that_was_killed(tmp_path: Path) -> None:
    script = Path(__file__).with_name("executor_tasks.py")
    parent = subprocess.Popen([sys.executable, str(script), str(tmp_path)])
    assert _soon(lambda: any(tmp_path.iterdir()))
    (worker,) = (int(path.name) for path in tmp_path.iterdir())
    parent.kill()
    parent.wait()

    def gone() -> bool:
        try:
            os.kill(worker, 0)
        except ProcessLookupError:
            return True
        return Path(f"/proc/{worker}/stat").read_text().split()[2] == "Z"  # ended, and nobody has asked how

    assert _soon(gone)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds worker processes in /proc")
def test_an_early_interrupt_is_told_by_the_parent_alone(tmp_path: Path) -> None:
    """A terminal sends Ctrl-C to workers too, while they import torch."""
    scored = ["score", "--all", "--limit", "8", "--batch-size", "2", "--workers", "2", "--proxy", "l2_norm"]
    parent = subprocess.Popen(
        [sys.executable, "-m", "hwnas", *scored, "--out", str(tmp_path / "t.npz")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "HWNAS_DATA": str(tmp_path / "data")},
    )
    assert _soon(lambda: len(_workers(parent.pid)) == 2)
    os.killpg(parent.pid, signal.SIGINT)
    _, errors = parent.communicate(timeout=240)
    assert parent.returncode == 130
    assert "Traceback" not in errors and "KeyboardInterrupt" not in errors
    assert errors.endswith("interrupted; what was finished is kept, and the same command goes on from there\n")


def _workers(parent: int) -> list[int]:
    """The processes that share the work of one."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            own = int((path / "stat").read_text().rpartition(")")[2].split()[1]) == parent
            if own and "spawn_main" in (path / "cmdline").read_text():
                found.append(int(path.name))
        except OSError:  # ended meanwhile
            continue
    return found


def _soon(happened: Callable[[], bool]) -> bool:
    for _ in range(600):
        if happened():
            return True
        time.sleep(0.1)
    return False


def test_names() -> None:
    assert get_executor("process") is executors.over_processes
    with pytest.raises(UnknownNameError, match="'rai' is not known; did you mean 'ray'"):
        get_executor("rai")


def test_ray_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r"hwnas\[ray\]"):
        list(EXECUTORS["ray"](len, None, [1], TWO))


def test_an_address_that_leads_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ray")
    monkeypatch.setenv("HWNAS_RAY_ADDRESS", "127.0.0.1:1")
    with pytest.raises(UsageError, match=r"expected a Ray cluster at HWNAS_RAY_ADDRESS=127.0.0.1:1"):
        list(EXECUTORS["ray"](len, None, [1], TWO))


SPACE = get_space("nasbench201")
VECTORS = np.array([[3, 0, 0, 1, 0, 0], [0, 0, 0, 2, 0, 0], [0] * 6, [0, 0, 0, 4, 0, 0]])


def recipe() -> Recipe:
    batch = noise_batch(task_of(SPACE, "ImageNet16-120"), size=4, seed=0)
    return Recipe(space="nasbench201", dataset="ImageNet16-120", proxies=("synflow", "snip"), batch=batch)


def test_ray_gives_the_same_scores(tmp_path: Path) -> None:
    """That processes do is a test of `space_scores`."""
    pytest.importorskip("ray")
    alone = score_space(recipe(), VECTORS, checkpoint=tmp_path / "alone.npz")
    shared = score_space(recipe(), VECTORS, checkpoint=tmp_path / "t.npz", workers=2, executor="ray")
    np.testing.assert_array_equal(shared.scores, alone.scores)


def test_what_was_done_before_a_worker_died_is_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def first_only(function, state, tasks, workers):
        yield 0, function(state, tasks[0])
        raise WorkerError("expected workers to live")

    monkeypatch.setitem(EXECUTORS, "process", first_only)
    monkeypatch.setattr(space_scores, "NETWORKS_PER_TASK", 1)
    path = tmp_path / "t.npz"
    with pytest.raises(WorkerError, match=r"what is done is saved in .*t\.npz, start again to go on"):
        score_space(recipe(), VECTORS, checkpoint=path, workers=2)
    assert len(load_scores(path).missing) == len(load_scores(path).network_ids) - 1
    assert not list(tmp_path.glob("*.lock"))


SCRIPT = """
import sys
from pathlib import Path
from hwnas.api.score import score_table
from hwnas.api.score_forms import ScoreSettings

settings = ScoreSettings(batch_size=2, workers=2, limit=3)
saved = score_table(space="nasbench201", proxies=["l2_norm"], settings=settings, out=Path(sys.argv[1]))
print(len(saved.table.network_ids), "scored")
"""


@pytest.mark.parametrize("by", ["file", "standard input"])
def test_a_script_may_ask_for_scores(tmp_path: Path, by: str) -> None:
    """Processes do not run it again."""
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    given = "-" if by == "standard input" else str(script)
    with script.open() as content:
        done = subprocess.run(
            [sys.executable, given, str(tmp_path / "t.npz")],
            stdin=content,
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env={**os.environ, "HWNAS_DATA": str(tmp_path / "data")},
        )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "3 scored\n"
