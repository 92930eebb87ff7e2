"""Jobs whose answer depends on more than their question: another state of the server's files is another job."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hwnas.service.adapting import ask_to_adapt
from hwnas.service.demo import _scores
from hwnas.service.store import Database, open_database
from hwnas.service.store.errors import KeyReusedError
from hwnas.service.store.jobs import Asked, find_job, submit
from hwnas.service.store.work import Ending, claim, finish
from hwnas.service.tasks.registry import TASKS
from hwnas.service.world import world_of_costs, world_of_kernels, world_of_scores, world_of_searches
from hwnas.spaces import SPACES, get_space

SCORES = {"architectures": ["1462"], "proxies": ["jacob_cov"], "fresh": True}
SEARCH = {"device": "raspi4", "space": "fbnet", "budget_ms": 60.0, "proxies": ["flops"], "evaluations": 60}
MANY = {"architectures": [str(n) for n in range(40)], "space": "nas-bench-macro", "device": "gtx-1080-ti"}


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache and a user folder that are empty: `data` and `home` in this one."""
    monkeypatch.setenv("HWNAS_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("HWNAS_HOME", str(tmp_path / "home"))
    return tmp_path


def put(path: Path, content: bytes = b"content") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def done(url: str, job: str) -> None:
    """Have a job be done, as a worker would."""
    database = open_database(url)
    assert claim(database, job, list(TASKS)) is not None
    assert finish(database, job, job, Ending(state="done", result=b'{"nets": []}'))
    database.close()


def asked_of(client: Any, address: str, body: dict[str, Any], key: str | None = None) -> str:
    """The id of the job of a question."""
    if address.endswith("onnx"):
        answer = client.post(address, files={"model": b"a model"}, data=body)
    else:
        answer = client.post(address, json=body, headers={} if key is None else {"Idempotency-Key": key})
    assert answer.status_code in (200, 202), answer.json()
    return str(answer.headers["location"].rpartition("/")[2])


@pytest.mark.parametrize(
    ("address", "body", "file"),
    [
        ("/v1/score", SCORES, "data/tables/images-cifar10.npz"),
        ("/v1/score", {**SCORES, "fresh": False}, "data/scores/nasbench201_cifar10.npz"),
        ("/v1/score/tables", {"limit": 3, "proxies": ["synflow"]}, "data/tables/images-cifar10.npz"),
        ("/v1/pareto", SEARCH, "data/tables/help-fbnet.npz"),
        ("/v1/pareto", SEARCH, "data/predictors/fbnet.npz"),
        ("/v1/pareto", SEARCH, "home/kernels/kernels_raspi4_latency.npz"),
        ("/v1/predict", MANY, "home/kernels/kernels_gtx-1080-ti_energy.npz"),
        ("/v1/predict/onnx", {"device": "raspi4"}, "home/kernels/kernels_raspi4_latency.npz"),
    ],
)
def test_other_data_are_another_job(
    client: Any, url: str, files: Path, monkeypatch: pytest.MonkeyPatch, address: str, body: dict[str, Any], file: str
) -> None:
    first = asked_of(client, address, body)
    assert asked_of(client, address, body) == first, "one that waits is joined"
    put(files / "data" / "tables" / ".images.npz.1.tmp")
    put(files / "data" / "scores" / "nasbench201_cifar10.npz.lock")
    assert asked_of(client, address, body) == first
    if not body.get("fresh"):
        done(url, first)
        assert asked_of(client, address, body) == first
    monkeypatch.setattr("hwnas.service.world.__version__", "9.9.9")
    newer = asked_of(client, address, body)
    assert newer != first
    monkeypatch.setattr("hwnas.service.long_costs._takes_long", lambda _: True)  # nothing is asked of the file
    monkeypatch.setattr("hwnas.service.routes.score._known", _absent)
    put(files / file)
    assert asked_of(client, address, body) not in (first, newer)


def _absent(_: object) -> bytes:
    from hwnas.errors import AbsentError

    raise AbsentError("expected it, got none")


def test_a_world_is_its_contents_wherever_and_whenever_they_were_written(files: Path, monkeypatch: Any) -> None:
    for home in ("data", "elsewhere"):
        put(files / home / "tables" / "a.npz")
    first = world_of_scores("nasbench201", tables=True)
    os.utime(files / "data" / "tables" / "a.npz", (1, 1))
    assert world_of_scores("nasbench201", tables=True) == first
    monkeypatch.setenv("HWNAS_DATA", str(files / "elsewhere"))
    assert world_of_scores("nasbench201", tables=True) == first
    put(files / "elsewhere" / "scores" / "fbnet_cifar10.npz")
    assert world_of_scores("nasbench201", tables=True) == first
    put(files / "elsewhere" / "scores" / "nasbench201_cifar10.npz")
    assert world_of_scores("nasbench201", tables=False) == first != world_of_scores("nasbench201", tables=True)


def test_a_device_that_was_adapted_anew_is_another_world(files: Path) -> None:
    worlds: list[Callable[[], str]] = [
        lambda: world_of_costs(["board"]),
        lambda: world_of_kernels("Board@batch-32"),
        lambda: world_of_searches("fbnet", ["raspi4", "board"]),
    ]
    before = [world() for world in worlds]
    put(files / "home" / "devices" / "another.toml", b'name = "another"\naliases = []\n')
    assert [world() for world in worlds] == before
    put(files / "home" / "devices" / "board.toml", b'name = "board"\naliases = []\n')
    assert not set(before) & {world() for world in worlds}


@pytest.mark.parametrize("name", ["../../secret", "a\0b", "/etc/passwd", "é", ""])
def test_what_is_no_name_of_a_device_names_no_file(files: Path, name: str) -> None:
    assert world_of_kernels(name) == world_of_kernels("..")


def test_fresh_joins_what_is_under_way_and_asks_anew_what_is_done(client: Any, url: str, files: Path) -> None:
    first = asked_of(client, "/v1/score", SCORES, key="mine")
    assert asked_of(client, "/v1/score", SCORES) == first
    done(url, first)
    second = asked_of(client, "/v1/score", SCORES)
    assert second != first == asked_of(client, "/v1/score", SCORES, key="mine")
    assert asked_of(client, "/v1/score", SCORES) == second
    done(url, second)
    assert asked_of(client, "/v1/score", SCORES) not in (first, second)
    database = open_database(url)
    assert all(find_job(database, job) is not None for job in (first, second)), "earlier answers are kept"
    database.close()


def test_a_key_leads_to_its_job_whatever_the_world_is_by_now(database: Database) -> None:
    def ask(number: int, again: str, payload: bytes | None = b"x") -> str:
        asked = Asked(kind="score", request={"number": number}, payload=payload, again=again)
        return submit(database, asked, owner="me", most=9, key="k")[0].id

    first = ask(1, "before")
    assert ask(1, "after") == first
    for number, payload in ((2, b"x"), (1, b"y"), (1, None)):
        with pytest.raises(KeyReusedError):
            ask(number, "after", payload)


def test_to_replace_a_device_is_asked_again_where_more_is_known(database: Database, files: Path) -> None:
    def ask(*, replace: bool) -> str:
        return ask_to_adapt(database, {"name": "board", "settings": {"replace": replace}}, b"[]").id

    before = ask(replace=True), ask(replace=False)
    put(files / "data" / "predictors" / "nasbench201.npz")
    assert ask(replace=True) != before[0] and ask(replace=False) == before[1]


def test_the_demonstration_asks_as_callers_do(client: Any, files: Path) -> None:
    body = {"architectures": ["1462", "6900", "11700"], "proxies": ["synflow", "naswot"], "fresh": True}
    assert asked_of(client, "/v1/score", body) == _scores().id


def test_a_space_of_ones_own_is_another_world_once_it_is_edited(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Mine(type(get_space("pit"))):  # type: ignore[misc]
        name, aliases = "mine", ()

    class Edited(Mine):
        datasets = ("flowers",)

    worlds = []
    for space in (Mine(), Edited(), Mine()):
        monkeypatch.setitem(SPACES, "mine", space)
        searches = world_of_searches("mine", ["raspi4"])
        worlds.append((searches, world_of_scores("mine", tables=True), world_of_scores("mine", tables=False)))
    assert worlds[0] == worlds[2]
    assert not {*worlds[0]} & {*worlds[1]}
