"""Answers that ran out of time keep their threads; how many such threads there can be is bounded."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import httpx
import pytest

from hwnas.service.app import create_app
from hwnas.service.routes import networks
from hwnas.service.service import WAITING
from hwnas.service.settings import Limits, Settings


def test_answers_that_ran_out_of_time_do_not_pile_up(shipped: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three times as many as there are threads; the rest are refused with a time to come again, and later answered."""
    go_on, describe = threading.Event(), networks.describe_network

    def stuck(*arguments: str, **options: str | None) -> object:
        assert go_on.wait(60)
        return describe(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(networks, "describe_network", stuck)
    app = create_app(Settings(database=url, limits=Limits(rate=0.0, request_seconds=0.5)))

    async def ask() -> list[httpx.Response]:
        transport = httpx.ASGITransport(app=app, client=("127.0.0.1", 50000))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as caller:
            found = []
            for _ in range(3):
                found += await asyncio.gather(*(caller.get("/v1/networks?arch=1") for _ in range(WAITING)))
            assert (await caller.get("/healthz")).status_code == 200
            go_on.set()
            while (after := await caller.get("/v1/networks?arch=1")).status_code == 503:
                await asyncio.sleep(0.05)
            return [*found, after]

    before = threading.active_count()
    try:
        *late, after = asyncio.run(ask())
        assert threading.active_count() - before <= WAITING
    finally:
        go_on.set()
        app.state.service.close()
    assert {answer.status_code for answer in late} == {503} and after.status_code == 200
    assert all(answer.headers["retry-after"] == "1" for answer in late)
    kinds = [answer.json()["type"].rpartition(":")[2] for answer in late]
    assert kinds.count("busy") == 2 * WAITING and kinds.count("not-available-now") == WAITING
