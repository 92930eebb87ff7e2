"""The process of one job: what it may use, what it tells, and that it goes with its worker."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import Request

from hwnas.service.problems import answer_problem
from hwnas.service.store.jobs import Asked, submit

CODE = """
import pathlib, sys, threading, time, types
from multiprocessing import Pipe
import hwnas.service.tasks.registry as registry
from hwnas.errors import UsageError
from hwnas.service.tasks.task import Made
task = types.ModuleType("the_task")
def run(work):
    {body}
    return Made(result={{"given": work.request, "checkpoint": (work.checkpoint or b"").decode()}})
task.run = run
sys.modules["the_task"] = task
registry.TASKS["adapt"] = "the_task"
import hwnas.service.child as child
child.SAVE_S = child.REPORT_S = 0.0
ours, theirs = Pipe()
{before}
child.work(theirs, child.Order(kind="adapt", request={{"a": 1}}, payload=None, checkpoint=b"before",
    folder=pathlib.Path({folder!r}), memory={memory}, seconds=int(time.process_time()) + {seconds}))
while ours.poll():
    print(ours.recv())
"""


def outcome(
    tmp_path: Path, body: str, *, before: str = "", memory: int = 2 * 1024**3, seconds: int = 3
) -> subprocess.CompletedProcess[str]:
    code = CODE.format(body=body, before=before, folder=str(tmp_path), memory=memory, seconds=seconds)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)


def test_progress_checkpoints_and_the_result_are_told(tmp_path: Path) -> None:
    done = outcome(tmp_path, "work.progress(1, 2); work.save(lambda: b'half'); work.progress(2, 2)")
    lines = done.stdout.splitlines()
    assert lines[:3] == ["('progress', 1, 2)", "('saved', b'half')", "('progress', 2, 2)"], done.stderr
    assert lines[3].startswith("('done', Made(") and "'checkpoint': 'before'" in lines[3]


def test_an_error_of_the_tree_is_a_problem(tmp_path: Path) -> None:
    done = outcome(tmp_path, "raise UsageError('expected this, got that; do so')")
    assert "'failed'" in done.stdout and "expected this, got that; do so" in done.stdout and "422" in done.stdout


def test_of_a_fault_of_ours_its_kind_and_place_are_told_and_not_what_it_says(tmp_path: Path) -> None:
    done = outcome(tmp_path, "raise KeyError('what was sent')")
    assert "('fault', {'error': 'KeyError', 'at': [" in done.stdout and "<string>:9 run" in done.stdout
    assert "what was sent" not in done.stdout
    assert "'error': 'ValueError'" in outcome(tmp_path, "return Made(result={'value': float('nan')})").stdout


def test_a_fault_of_ours_is_logged_as_what_the_caller_is_told(processes: Any, database: Any, until: Any) -> None:
    """An upload that no server of ours would store."""
    serving = processes.serve()
    asked = Asked(kind="adapt", request={"name": "board", "after": None}, payload=b"no list of files")
    job, _ = submit(database, asked, owner="me", most=9)
    until(lambda: processes.states() == ["failed"])
    error = httpx.get(f"{processes.address}/v1/jobs/{job.id}").json()["error"]
    assert error["status"] == 500 and error["instance"].startswith("urn:hwnas:fault:")
    assert error["detail"].endswith(f"tell its operator {error['instance']}")
    lines = [json.loads(line) for line in processes.log(serving).splitlines()]
    (logged,) = [line for line in lines if line["event"] == "failure"]
    assert (logged["level"], logged["job"], logged["instance"]) == ("error", job.id, error["instance"])
    assert logged["error"] == "JSONDecodeError" and any(
        re.match(r"adapt\.py:\d+ run$", place) for place in logged["at"]
    )
    # Told at once, it keeps that name: the request's own is in a header.
    request = Request({"type": "http"})
    request.state.number = "12"
    assert json.loads(bytes(answer_problem(request, error).body)) == error


def test_more_memory_than_allowed_is_a_problem(tmp_path: Path) -> None:
    done = outcome(tmp_path, "bytearray(3 * 1024**3)")
    assert "'failed'" in done.stdout and "expected work within 2 GiB" in done.stdout, done.stderr


def test_more_processor_time_than_allowed_ends_the_process(tmp_path: Path) -> None:
    assert outcome(tmp_path, "while True: pass", seconds=1).returncode < 0


def test_a_process_whose_worker_is_gone_ends(tmp_path: Path) -> None:
    done = outcome(tmp_path, "time.sleep(100)", before="threading.Timer(0.2, ours.close).start()")
    assert done.returncode == -9 and done.stdout == ""


@pytest.mark.parametrize("saved", [True, False])
def test_a_process_that_is_to_stop_stops_at_its_next_step(tmp_path: Path, saved: bool) -> None:
    keep = "work.save(lambda: b'so far'); " if saved else ""
    body = f"{keep}exec('while True: time.sleep(0.01); work.progress(1, 9)', dict(work=work, time=time))"
    done = outcome(tmp_path, body, before="threading.Timer(0.2, ours.send, ['stop']).start()")
    assert f"('stopped', {b'so far' if saved else None!r})" in done.stdout, done.stderr
