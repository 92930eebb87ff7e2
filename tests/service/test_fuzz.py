"""Whatever is sent, the answer is one that the description names, and none is a fault of ours.

The long campaign: `python -m pytest -m slow tests/service`.
"""

from __future__ import annotations

import json
import random
import resource
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from hwnas.service.app import create_app
from hwnas.service.settings import Limits, Settings
from hwnas.service.store import Kind
from hwnas.service.tasks import get_task
from hwnas.service.tasks.task import Work

TOKEN = "a-token-of-enough-characters"
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
QUIET = [
    HealthCheck.too_slow,
    HealthCheck.filter_too_much,
    HealthCheck.data_too_large,
    HealthCheck.function_scoped_fixture,
]
FEW = settings(max_examples=3, deadline=None, suppress_health_check=QUIET, derandomize=True, database=None)
ONE = settings(FEW, max_examples=1)
MANY = settings(max_examples=300, deadline=None, suppress_health_check=QUIET, database=None)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, made_up: Path) -> Iterator[Path]:
    """The made-up files for all that is sent in this module, and no waiting for workers, of which there are none."""
    found = tmp_path_factory.mktemp("fuzz")
    with pytest.MonkeyPatch.context() as patch:
        for module in ("hwnas.latency.tables", "hwnas.proxies.table", "hwnas.api.devices"):
            patch.setattr(f"{module}.SHIPPED_FOLDER", made_up)
        patch.setenv("HWNAS_HOME", str(found / "home"))
        patch.setenv("HWNAS_DATA", str(found / "cache"))
        patch.setattr("hwnas.data.truth_from_package", lambda: None)
        patch.setattr("hwnas.service.submitting.PATIENCE_S", 0.0)
        yield found


@pytest.fixture(scope="module")
def guarded(folder: Path) -> Any:
    """The description of a service with a token."""
    return _schema(folder, token=TOKEN)


@pytest.fixture(scope="module")
def opened(folder: Path) -> Any:
    """The description of a service without one."""
    return _schema(folder, token=None)


def _schema(folder: Path, *, token: str | None) -> Any:
    url, limits = f"sqlite:///{folder}/{bool(token)}.sqlite", Limits(rate=0.0, jobs=50)
    app = create_app(Settings(database=url, token=token, limits=limits))
    return schemathesis.openapi.from_asgi("/openapi.json", app, headers={"Host": "127.0.0.1"})


def each_operation(schema: Any, how: settings, check: Callable[[Any], None]) -> int:
    """Run a check on made-up requests of every operation of a description; how many operations there are.

    By Hypothesis alone: the pytest plugin of schemathesis 4.32 does not know pytest 9.
    """
    operations = [found.ok() for found in schema.get_all_operations()]
    for operation in operations:

        def run(case: Any) -> None:
            check(case)

        how(given(case=operation.as_strategy())(run))()
    return len(operations)


def with_the_token(case: Any) -> None:
    case.call_and_validate(headers={"Authorization": f"Bearer {TOKEN}"}, checks=CHECKS)


def without_a_token(case: Any) -> None:
    case.call_and_validate(headers={"Host": "127.0.0.1"}, checks=CHECKS)


def with_a_wrong_token(case: Any) -> None:
    answer = case.call(headers={"Authorization": "Bearer wrong-and-of-enough-characters"})
    assert answer.status_code == (200 if case.path in ("/healthz", "/readyz") else 401), case.path


def test_whatever_is_sent_is_answered_as_described(guarded: Any, opened: Any) -> None:
    assert each_operation(guarded, FEW, with_the_token) >= 20
    each_operation(guarded, ONE, with_a_wrong_token)
    each_operation(opened, ONE, without_a_token)


@pytest.mark.slow
def test_whatever_is_sent_for_long_is_answered_as_described(guarded: Any, opened: Any) -> None:
    each_operation(guarded, MANY, with_the_token)
    each_operation(opened, MANY, without_a_token)


def mutated(content: bytes, rng: random.Random) -> bytes:
    """The content with bytes flipped, cut out, doubled, or cut off."""
    changed = bytearray(content)
    for _ in range(rng.randrange(1, 6)):
        place = rng.randrange(len(changed)) if changed else 0
        kind = rng.randrange(4)
        if kind == 0 and changed:
            changed[place] = rng.randrange(256)
        elif kind == 1:
            del changed[place : place + rng.randrange(1, 40)]
        elif kind == 2:
            changed[place:place] = changed[place : place + rng.randrange(1, 40)]
        elif rng.random() < 0.2:
            del changed[place:]
    return bytes(changed)


@pytest.mark.parametrize("count", [150, pytest.param(10_000, marks=pytest.mark.slow)])
def test_mutated_json_is_answered_or_refused(client: Any, count: int) -> None:
    """The same process answers all of them, and its memory stays where it is."""
    rng, seen = random.Random(0), set()
    bodies = [
        ("/v1/pareto", {"device": "jetson-tx2", "budget_mj": 20.0, "proxies": ["zen"], "nets": 5}),
        ("/v1/predict", {"architectures": ["1462"], "device": "jetson-tx2"}),
        ("/v1/score", {"architectures": ["1462"], "proxies": ["zen"]}),
    ]
    for number in range(count):
        if number == count // 5:
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        address, body = bodies[number % len(bodies)]
        content = mutated(json.dumps(body).encode(), rng)
        answer = client.post(address, content=content, headers={"content-type": "application/json"})
        seen.add(answer.status_code)
        assert answer.status_code in (200, 202, 400, 409, 422, 429), (content, answer.text)
    assert {400, 422} <= seen
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024  # kB


@pytest.mark.parametrize("count", [100, pytest.param(10_000, marks=pytest.mark.slow)])
def test_mutated_onnx_files_and_measurements_are_refused_clearly(
    tmp_path: Path, count: int, monkeypatch: pytest.MonkeyPatch, taught: Path, table: Callable[..., bytes]
) -> None:
    """What a worker's process does with an upload, in this process: an error of the tree each, memory as it was."""
    pytest.importorskip("onnx")
    from hwnas.api.networks import network_onnx
    from hwnas.errors import HwnasError
    from hwnas.service.uploads import pack_measurements

    rng, refused = random.Random(0), 0
    head = network_onnx("0")[:20_000]
    asked: list[tuple[Kind, bytes, dict[str, Any]]] = [
        ("predict-onnx", head, {"device": "raspi4", "confidence": 0.9, "graph_nodes": 20_000}),
        ("adapt", table(), {"name": "board", "space": None, "dataset": None, "settings": {"replace": True}}),
    ]
    for number in range(count):
        if number == count // 5:
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        kind, content, request = asked[number % 2]
        changed, folder = mutated(content, rng), tmp_path / str(number)
        folder.mkdir()
        monkeypatch.chdir(folder)
        payload = changed if kind == "predict-onnx" else pack_measurements([changed])
        work = Work(
            request=request,
            payload=payload,
            checkpoint=None,
            folder=folder,
            progress=lambda _done, _total: None,
            save=lambda _content: None,
        )
        try:
            get_task(kind)(work)
        except HwnasError as error:
            refused += 1
            assert str(folder) not in str(error) or kind == "predict-onnx"
    assert refused > count / 4
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 128 * 1024  # kB
