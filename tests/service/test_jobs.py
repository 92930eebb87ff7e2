"""Jobs in the database: content-addressed, limited, fenced by leases. Held on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hwnas.errors import UsageError
from hwnas.service.leases import LEASE_S, Leases
from hwnas.service.settings import Settings
from hwnas.service.store import Database, StoreError, open_database
from hwnas.service.store.database import now
from hwnas.service.store.devices import AddedDevice, added_devices, drop_device, find_device, measurements_of, revision
from hwnas.service.store.errors import KeyReusedError, TooManyJobsError
from hwnas.service.store.jobs import Asked, cancel, count_by_state, find_job, list_jobs, resume, submit
from hwnas.service.store.parts import get_part
from hwnas.service.store.pruning import DAY_S, Pruning
from hwnas.service.store.work import MOST_ATTEMPTS, Ending, beat, claim, finish, release, running_jobs, take_away


def ask(number: int = 0, **changes: Any) -> Asked:
    return Asked(**{"kind": "score", "request": {"number": number}, **changes})


def put(database: Database, asked: Asked, *, owner: str = "me", most: int = 99, key: str | None = None) -> Any:
    return submit(database, asked, owner=owner, most=most, key=key)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty database of each kind."""
    url = f"sqlite:///{tmp_path}/jobs.sqlite"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql")
    opened = open_database(url)
    yield opened
    opened.close()


def test_the_same_question_is_the_same_job(database: Database) -> None:
    first, new = put(database, ask(1, payload=b"x"))
    assert new and first.state == "queued" and get_part(database, first.id, "payload") == b"x"
    again, new = put(database, ask(1, payload=b"x"), owner="you")
    assert not new and again.id == first.id and again.owner == "me"
    for other in (ask(2, payload=b"x"), ask(1, payload=b"y"), ask(1), ask(1, payload=b"x", kind="adapt")):
        assert other.id != first.id
    assert Asked(kind="score", request={"a": 1, "b": 2}).id == Asked(kind="score", request={"b": 2, "a": 1}).id


def test_a_caller_has_so_many_unfinished_jobs(database: Database) -> None:
    for number in range(3):
        put(database, ask(number), most=3)
    with pytest.raises(TooManyJobsError, match="expected at most 3 unfinished jobs"):
        put(database, ask(3), most=3)
    put(database, ask(0), most=3)  # is there already
    put(database, ask(3), most=3, owner="you")
    cancel(database, ask(1).id)
    put(database, ask(4), most=3)


def test_an_idempotency_key_is_of_one_question_of_one_caller(database: Database) -> None:
    first, _ = put(database, ask(1), key="k")
    assert put(database, ask(1), key="k")[0].id == first.id
    with pytest.raises(KeyReusedError, match="'k' again"):
        put(database, ask(2), key="k")
    assert find_job(database, ask(2).id) is None
    put(database, ask(2), key="k", owner="you")


def test_a_job_is_worked_on_by_one(database: Database) -> None:
    for number in range(20):
        put(database, ask(number))
    taken: list[str] = []

    def work(name: str) -> None:
        while (job := claim(database, f"{name}{len(taken)}", ["score"])) is not None:
            taken.append(job.id)

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == sorted(ask(number).id for number in range(20))
    assert count_by_state(database) == {"running": 20}


def test_a_job_goes_its_way(database: Database) -> None:
    job, _ = put(database, ask())
    assert claim(database, "l", ["adapt"]) is None
    taken = claim(database, "l", ["adapt", "score"])
    assert taken is not None and (taken.state, taken.attempts, taken.worker) == ("running", 1, "l")
    assert beat(database, job.id, "l", progress=(1, 4, 3.5), checkpoint=b"half") is False
    found = find_job(database, job.id)
    assert found is not None and (found.done, found.total, found.seconds_left) == (1, 4, 3.5)
    assert found.version > taken.version > job.version
    assert finish(database, job.id, "l", Ending(state="done", result=b"{}"))
    found = find_job(database, job.id)
    assert found is not None and (found.state, found.done, found.worker) == ("done", 4, None)
    assert get_part(database, job.id, "result") == b"{}" and get_part(database, job.id, "checkpoint") is None
    assert put(database, ask())[0].state == "done"  # answered from the first one's result


def test_whoever_lost_the_lease_changes_nothing(database: Database) -> None:
    job, _ = put(database, ask())
    first = claim(database, "first", ["score"])
    assert first is not None and take_away(database, first)
    second = claim(database, "second", ["score"])
    assert second is not None and second.attempts == 2
    assert beat(database, job.id, "first", progress=(9, 9, None), checkpoint=b"of the dead") is None
    assert not finish(database, job.id, "first", Ending(state="done", result=b"of the dead"))
    assert not release(database, job.id, "first")
    assert get_part(database, job.id, "checkpoint") is None and get_part(database, job.id, "result") is None
    assert finish(database, job.id, "second", Ending(state="done", result=b"of the living"))
    assert not finish(database, job.id, "second", Ending(state="failed", error={}))
    assert get_part(database, job.id, "result") == b"of the living"


def test_a_lease_lapses_by_elapsed_time_alone(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """The wall clock jumps a year ahead and back: nothing happens. Beats stop: the job is taken away."""
    elapsed = 0.0
    watch = Leases(database, clock=lambda: elapsed)
    job, _ = put(database, ask())
    claim(database, "l", ["score"])
    for jump in (0.0, 3e7, -3e7):
        monkeypatch.setattr("hwnas.service.store.database.time.time", lambda jump=jump: 1.7e9 + jump)
        for _ in range(4):
            elapsed += LEASE_S / 2
            beat(database, job.id, "l", progress=(0, None, None))
            watch.look(own=[])
            assert running_jobs(database)
    for _ in range(4):
        elapsed += LEASE_S / 2
        watch.look(own=["l"])
    assert running_jobs(database)  # one's own is not watched
    for _ in range(4):
        elapsed += LEASE_S / 2
        watch.look(own=[])
    assert count_by_state(database) == {"queued": 1}


def test_a_job_that_kills_its_workers_fails_in_the_end(database: Database) -> None:
    job, _ = put(database, ask())
    for attempt in range(MOST_ATTEMPTS):
        taken = claim(database, f"l{attempt}", ["score"])
        assert taken is not None and taken.attempts == attempt + 1
        assert take_away(database, taken)
    found = find_job(database, job.id)
    assert found is not None and found.state == "failed" and found.error is not None
    assert "expected the worker to live" in found.error["detail"]
    # One that gets further each time goes on.
    resume(database, job.id, owner="me", most=9)
    for attempt in range(3 * MOST_ATTEMPTS):
        taken = claim(database, f"m{attempt}", ["score"])
        assert taken is not None
        beat(database, job.id, f"m{attempt}", progress=(attempt, 99, None), checkpoint=b"%d" % attempt)
        (running,) = running_jobs(database)
        assert take_away(database, running)
    assert count_by_state(database) == {"queued": 1}


def test_cancel_and_resume(database: Database) -> None:
    waiting, _ = put(database, ask(0))
    cancelled = cancel(database, waiting.id)
    assert cancelled is not None and cancelled.state == "cancelled" and cancelled.finished_at is not None
    running, _ = put(database, ask(1))
    claim(database, "l", ["score"])
    asked = cancel(database, running.id)
    assert asked is not None and asked.state == "running" and asked.cancel
    assert beat(database, running.id, "l", progress=(2, 4, None), checkpoint=b"two") is True
    finish(database, running.id, "l", Ending(state="cancelled"))
    again = resume(database, running.id, owner="me", most=9)
    assert again is not None and again.state == "queued" and not again.cancel
    assert get_part(database, running.id, "checkpoint") == b"two"
    assert cancel(database, "0" * 32) is None and resume(database, "0" * 32, owner="me", most=9) is None
    # Asked again, a cancelled job is begun again too.
    assert put(database, ask(0))[0].state == "queued"


@pytest.mark.parametrize("again", ["resumed", "asked"])
def test_a_cancellation_is_withdrawn_before_it_is_obeyed(database: Database, again: str) -> None:
    def go_on() -> Any:
        return resume(database, job.id, owner="me", most=1) if again == "resumed" else put(database, ask(), most=1)[0]

    job, _ = put(database, ask())
    claim(database, "l", ["score"])
    cancel(database, job.id)
    found = go_on()
    assert (found.state, found.cancel) == ("running", False)
    assert beat(database, job.id, "l", progress=(1, 4, None)) is False
    # Withdrawn when the worker has heard of it already: the job waits again, and what it has is kept.
    cancel(database, job.id)
    assert beat(database, job.id, "l", progress=(2, 4, None), checkpoint=b"two") is True
    go_on()
    assert finish(database, job.id, "l", Ending(state="cancelled"))
    found = find_job(database, job.id)
    assert found is not None and (found.state, found.attempts, found.finished_at) == ("queued", 0, None)
    assert get_part(database, job.id, "checkpoint") == b"two"
    assert not finish(database, job.id, "l", Ending(state="cancelled"))
    # Withdrawn between two looks of who thinks the worker dead: taken away at the next one, and not cancelled.
    claim(database, "m", ["score"])
    cancel(database, job.id)
    (read_before,) = running_jobs(database)
    go_on()
    assert not take_away(database, read_before)
    (running,) = running_jobs(database)
    assert take_away(database, running) and count_by_state(database) == {"queued": 1}


def test_a_cancelled_job_whose_worker_died_ends(database: Database) -> None:
    job, _ = put(database, ask())
    claim(database, "l", ["score"])
    cancel(database, job.id)
    (running,) = running_jobs(database)
    assert take_away(database, running) and count_by_state(database) == {"cancelled": 1}


def test_a_job_that_is_given_back_waits_again(database: Database) -> None:
    job, _ = put(database, ask())
    claim(database, "l", ["score"])
    assert release(database, job.id, "l")
    found = find_job(database, job.id)
    assert found is not None and (found.state, found.attempts) == ("queued", 0)


def test_jobs_by_pages(database: Database) -> None:
    for number in range(7):
        put(database, ask(number))
    pages, before = [], None
    while page := list_jobs(database, before=before, limit=3):
        pages.append([job.request["number"] for job in page])
        before = page[-1].seq
    assert pages == [[6, 5, 4], [3, 2, 1], [0]]
    cancel(database, ask(2).id)
    assert [j.request["number"] for j in list_jobs(database, before=None, limit=9, state="cancelled")] == [2]
    assert list_jobs(database, before=None, limit=9, kind="adapt") == []


def test_a_device_is_kept_with_its_job_or_not_at_all(database: Database) -> None:
    asked = ask(1, kind="adapt", request={"name": "board", "after": None}, payload=b"measurements")
    job, _ = put(database, asked)
    claim(database, "l", ["adapt"])
    facts = {"name": "board", "added_by": "me", "job": job.id, "card": "text", "files": {"models/a": b"\0\xff"}}
    device = AddedDevice(revision=0, added_at=0.0, **facts)
    assert not finish(database, job.id, "another", Ending(state="done", result=b"{}", device=device))
    assert added_devices(database) == [] and revision(database) == (0, 0)
    assert finish(database, job.id, "l", Ending(state="done", result=b"{}", device=device))
    found = find_device(database, "board")
    assert found is not None and found.files == {"models/a": b"\0\xff"} and found.added_by == "me"
    assert measurements_of(database, "board") == b"measurements" and revision(database) == (1, 1)
    assert drop_device(database, "board") and not drop_device(database, "board")
    assert find_job(database, job.id) is None  # asked again it must adapt again


def test_old_results_go_by_age_and_by_size(database: Database) -> None:
    for number in range(4):
        put(database, ask(number))
        taken = claim(database, f"l{number}", ["score"])
        assert taken is not None
        import os

        finish(database, taken.id, f"l{number}", Ending(state="done", result=os.urandom(1000)))
    put(database, ask(9))
    wall, elapsed = now(), 0.0
    settings = Settings(keep_days=2.0, keep_bytes=2500)
    pruning = Pruning(database, settings, wall=lambda: wall, elapsed=lambda: elapsed)
    assert pruning.prune() == 2  # the oldest beyond 2,500 bytes
    assert find_job(database, ask(0).id) is None and find_job(database, ask(3).id) is not None
    assert get_part(database, ask(0).id, "result") is None
    wall += 30 * DAY_S  # a jump of the clock, not an age
    assert pruning.prune() == 0
    elapsed += 30 * DAY_S
    assert pruning.prune() == 2 and count_by_state(database) == {"queued": 1}


def test_processes_may_open_a_new_database_at_once(tmp_path: Path) -> None:
    found: list[Any] = []

    def work() -> None:
        try:
            found.append(open_database(f"sqlite:///{tmp_path}/new.sqlite"))
        except Exception as error:
            found.append(error)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(isinstance(opened, Database) for opened in found)
    for opened in found:
        opened.close()


@pytest.mark.parametrize("url", ["nothing", "mysql://a:secret@b/c", "oracle://a:secret@b"])
def test_an_address_of_no_database_is_wrong_use_and_is_not_repeated(url: str) -> None:
    with pytest.raises(UsageError, match="expected") as refused:
        open_database(url)
    assert "secret" not in str(refused.value)


def test_a_full_disk_changes_nothing(tmp_path: Path) -> None:
    """SQLite with a limit on its pages says "database or disk is full", as it does where the disk is."""
    database = open_database(f"sqlite:///{tmp_path}/small.sqlite")
    job, _ = put(database, ask())
    claim(database, "l", ["score"])
    import os

    with pytest.raises(StoreError, match="full"), database.writing() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 40")
        connection.exec_driver_sql("CREATE TABLE filler (content BLOB)")
        connection.exec_driver_sql("INSERT INTO filler VALUES (zeroblob(10000000))")
    with database.reading() as connection:  # the pool gives out the same connection
        connection.exec_driver_sql("PRAGMA max_page_count = 40")
    with pytest.raises(StoreError, match="full"):
        finish(database, job.id, "l", Ending(state="done", result=os.urandom(1_000_000)))
    found = find_job(database, job.id)
    assert found is not None and found.state == "running" and get_part(database, job.id, "result") is None
    with database.reading() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 100000")
    assert finish(database, job.id, "l", Ending(state="done", result=os.urandom(1_000_000)))
    database.close()


def test_a_locked_database_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, client_of: Callable[..., Any]
) -> None:
    import sqlite3

    monkeypatch.setattr("hwnas.service.store.database.BUSY_MS", 50)
    client = client_of()
    other = sqlite3.connect(tmp_path / "jobs.sqlite", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    refused = client.post("/v1/score/tables", json={"limit": 3, "proxies": ["synflow"]})
    assert refused.status_code == 503 and "locked" in refused.json()["detail"] and refused.headers["retry-after"] == "1"
    assert client.get("/v1/jobs").json()["jobs"] == []  # readers do not wait for a writer
    other.execute("ROLLBACK")
    other.close()
    assert client.post("/v1/score/tables", json={"limit": 3, "proxies": ["synflow"]}).status_code == 202
