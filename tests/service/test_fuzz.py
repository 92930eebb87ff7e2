"""Whatever is sent, the answer is one that the description names, and none is a fault of ours.

The long campaign: `python -m pytest -m slow tests/service`.
"""

from __future__ import annotations

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
