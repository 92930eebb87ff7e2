"""Devices that users add: changed by one job at a time in the database, and followed by the cards in a folder."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy.exc import DBAPIError

from hwnas.service.device_cards import UNUSED_S, copy_cards
from hwnas.service.store import Database, open_database
from hwnas.service.store.devices import AddedDevice, drop_device, find_device, identity, revision
from hwnas.service.store.jobs import Asked, find_job, submit
from hwnas.service.store.parts import get_part
from hwnas.service.store.work import Ending, claim, finish
from hwnas.service.sync import DeviceFolder


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty database of each kind."""
    url = f"sqlite:///{tmp_path}/jobs.sqlite"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql")
    opened = open_database(url)
    yield opened
    opened.close()


@pytest.fixture
def cards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of cards of a user who has none."""
    monkeypatch.setenv("HWNAS_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "devices"


def begun(database: Database, number: int, *, name: str = "board") -> str:
    """A job that adapts, and is worked on under a lease that is its own id."""
    asked = Asked(kind="adapt", request={"name": name, "after": None, "number": number}, payload=b"measurements")
    job, _ = submit(database, asked, owner="me", most=99)
    assert claim(database, job.id, ["adapt"]) is not None
    return job.id


def made(job: str, *, name: str = "board", seen: int = 0, models: str = "a") -> AddedDevice:
    """The device that a job made, which saw that revision when it began."""
    card = f'name = "{name}"\nadapted = [{{ folder = "{name}-{models}" }}]\n'
    files = {f"models/{name}-{models}/model.npz": models.encode()}
    return AddedDevice(name=name, revision=seen, added_by="me", added_at=0.0, job=job, card=card, files=files)


def keep(database: Database, *, name: str = "board", models: str = "a") -> None:
    """Have a device in the database, in place of what there was."""
    found = find_device(database, name)
    job = begun(database, time.monotonic_ns(), name=name)
    device = made(job, name=name, seen=0 if found is None else found.revision, models=models)
    assert finish(database, job, job, Ending(state="done", result=b"{}", device=device))


def test_a_device_that_changed_since_a_job_began_is_not_replaced_by_it(database: Database) -> None:
    """The job begins again from what there is by now, and finds by itself what that means."""
    first, second = begun(database, 1), begun(database, 2)
    for job in (first, second):
        assert finish(database, job, job, Ending(state="done", result=b"{}", device=made(job)))
    kept, waiting = find_device(database, "board"), find_job(database, second)
    assert kept is not None and kept.job == first
    assert waiting is not None and (waiting.state, waiting.attempts) == ("queued", 0)
    assert get_part(database, second, "result") is None
    assert claim(database, second, ["adapt"]) is not None
    device = made(second, seen=kept.revision)
    assert finish(database, second, second, Ending(state="done", result=b"{}", device=device))
    found = find_device(database, "board")
    assert found is not None and found.job == second and found.revision > kept.revision
    # What both came from is asked anew once the device is gone.
    assert drop_device(database, "board")
    assert find_job(database, first) is None and find_job(database, second) is None


def test_of_jobs_that_end_at_once_one_changes_a_device(database: Database) -> None:
    jobs = [begun(database, number) for number in range(6)]

    def end(job: str) -> None:
        for _ in range(100):  # two that write at once: the database refuses one, and a worker tries again
            with suppress(DBAPIError):
                finish(database, job, job, Ending(state="done", result=b"{}", device=made(job)))
                return

    threads = [threading.Thread(target=end, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = [find_job(database, job) for job in jobs]
    assert sorted(job.state for job in found if job is not None) == ["done", *["queued"] * 5]
    (done,) = [job.id for job in found if job is not None and job.state == "done"]
    kept = find_device(database, "board")
    assert kept is not None and kept.job == done


def test_a_device_that_took_the_place_of_a_removed_one_is_a_change(database: Database) -> None:
    keep(database)
    before = revision(database)
    drop_device(database, "board")
    keep(database, name="another")
    assert revision(database) != before


def test_two_who_add_a_device_of_one_name_at_once(site: str, table: Callable[..., bytes]) -> None:
    """One has it, the other is told that the name is taken: nothing is replaced unasked."""
    answers: list[Any] = []

    def ask(seed: int) -> None:
        files, data = {"measurements": table(seed)}, {"name": "wanted-by-two", "unit": "ms"}
        answers.append(httpx.post(f"{site}/v1/adapt", files=files, data=data, timeout=60))

    threads = [threading.Thread(target=ask, args=(seed,)) for seed in (31, 32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ends = [ended(site, answer.headers["location"]) for answer in answers]
    assert sorted(job["state"] for job in ends) == ["done", "failed"]
    (refused,) = [job["error"] for job in ends if job["state"] == "failed"]
    assert refused["status"] == 422 and "expected a new device, got 'wanted-by-two'" in refused["detail"]
    (done,) = [job["id"] for job in ends if job["state"] == "done"]
    assert httpx.get(f"{site}/v1/devices/wanted-by-two").json()["added"]["job"] == done


def test_measurements_that_two_add_at_once_are_both_kept(site: str, table: Callable[..., bytes]) -> None:
    def post(seed: int, **more: str) -> dict[str, Any]:
        data = {"name": "added-to-by-two", "unit": "ms", **more}
        answer = httpx.post(f"{site}/v1/adapt", files={"measurements": table(seed)}, data=data, timeout=60)
        return ended(site, answer.headers["location"])

    assert post(41)["state"] == "done"
    ends: list[dict[str, Any]] = []
    threads = [threading.Thread(target=lambda seed=seed: ends.append(post(seed, add="true"))) for seed in (42, 43)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [job["state"] for job in ends] == ["done", "done"], ends
    nets = [httpx.get(f"{site}/v1/jobs/{job['id']}/result").json()["nets"] for job in ends]
    assert max(nets) > 30 > min(nets) > 20  # of 12 each, some of which are the same networks' perhaps


def ended(site: str, address: str) -> dict[str, Any]:
    """A job once it ended."""
    until = time.monotonic() + 90
    while time.monotonic() < until:
        job: dict[str, Any] = httpx.get(site + address).json()
        if job["state"] in ("done", "failed"):
            return job
        time.sleep(0.1)
    raise AssertionError("it never ended")


def test_a_device_that_was_removed_while_nobody_looked_is_gone_at_the_next_start(
    database: Database, cards: Path
) -> None:
    keep(database)
    DeviceFolder(database).refresh()
    assert (cards / "board.toml").exists()
    drop_device(database, "board")  # by another process, on another machine
    DeviceFolder(database).refresh()
    assert not (cards / "board.toml").exists()


def test_cards_that_users_made_are_left_alone(database: Database, cards: Path, tmp_path: Path) -> None:
    cards.mkdir(parents=True)
    (cards / "mine.toml").write_text('name = "mine"\n')
    (cards / "models" / "mine-a").mkdir(parents=True)
    for name in ("board", "changed"):
        keep(database, name=name)
    other = open_database(f"sqlite:///{tmp_path}/another.sqlite")
    keep(other, name="of-another")
    for kept in (database, other):
        DeviceFolder(kept).refresh()
    assert identity(database) != identity(other)
    text = (cards / "changed.toml").read_text()
    (cards / "changed.toml").write_text(text.replace('"changed"\n', '"changed"\ntitle = "my own"\n'))
    (cards / "copied.toml").write_text((cards / "board.toml").read_text())
    for name in ("board", "changed"):
        drop_device(database, name)
    DeviceFolder(database).refresh()
    other.close()
    left = sorted(path.name for path in cards.glob("*.toml"))
    assert left == ["changed.toml", "copied.toml", "mine.toml", "of-another.toml"]
    assert (cards / "models" / "mine-a").is_dir()


def test_a_card_of_a_user_is_put_aside_where_a_device_takes_its_name(database: Database, cards: Path) -> None:
    cards.mkdir(parents=True)
    (cards / "board.toml").write_text('name = "board"\n# my own\n')
    keep(database)
    DeviceFolder(database).refresh()
    (aside,) = cards.glob("board.toml.*.own")
    assert "# my own" in aside.read_text() and "board-a" in (cards / "board.toml").read_text()
    DeviceFolder(database).refresh()
    assert len(list(cards.glob("*.own"))) == 1


def test_models_that_no_card_names_go_once_nobody_can_read_them(database: Database, cards: Path) -> None:
    def age(folder: str) -> None:
        long_ago = time.time() - UNUSED_S - 1
        os.utime(cards / "models" / f".{folder}.unused", (long_ago, long_ago))

    keep(database)
    folder = DeviceFolder(database)
    folder.refresh()
    (cards / "models" / "mine-a").mkdir()
    keep(database, models="b")
    folder.refresh()
    assert (cards / "models" / "board-a" / "model.npz").read_bytes() == b"a"  # somebody may have read the old card
    age("board-a")
    keep(database, name="another")
    folder.refresh()
    assert sorted(path.name for path in (cards / "models").glob("[!.]*")) == ["another-a", "board-b", "mine-a"]
    assert not list((cards / "models").glob(".*"))
    # Named again in time, they stay.
    keep(database, models="c")
    folder.refresh()
    age("board-b")
    keep(database, models="b")
    folder.refresh()
    assert (cards / "models" / "board-b" / "model.npz").read_bytes() == b"b"


def test_a_folder_that_cannot_be_written_does_while_nothing_changes(database: Database, cards: Path) -> None:
    DeviceFolder(database).refresh()
    assert not cards.exists()
    keep(database)
    DeviceFolder(database).refresh()
    (cards / ".lock").unlink()
    DeviceFolder(database).refresh()
    assert not (cards / ".lock").exists()


def test_a_copy_of_the_cards_has_no_notes(database: Database, cards: Path, tmp_path: Path) -> None:
    copy_cards(tmp_path / "nothing")
    assert not (tmp_path / "nothing").exists()
    for models in "ab":
        keep(database, models=models)
        DeviceFolder(database).refresh()
    copy_cards(tmp_path / "copy")
    found = sorted(str(path.relative_to(tmp_path / "copy")) for path in (tmp_path / "copy").rglob("*.*"))
    assert found == ["board.toml", "models/board-a/model.npz", "models/board-b/model.npz"]


def test_a_database_of_before_knows_its_devices(tmp_path: Path) -> None:
    """Opened for the first time since databases have a name."""
    database = open_database(f"sqlite:///{tmp_path}/jobs.sqlite")
    keep(database)
    keep(database, models="b")
    with database.writing() as connection:
        connection.exec_driver_sql("DROP TABLE hwnas_numbers")
    database.close()
    again = open_database(f"sqlite:///{tmp_path}/jobs.sqlite")
    keep(again, name="another")
    found = [find_device(again, name) for name in ("board", "another")]
    assert [device.revision for device in found if device is not None] == [2, 3]
    again.close()
