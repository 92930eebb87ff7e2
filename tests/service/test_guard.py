"""Who is let in, and with how much."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from hwnas.cli import main
from hwnas.errors import UsageError
from hwnas.service.guard import HEADERS
from hwnas.service.rates import Rates
from hwnas.service.settings import Limits, Settings

TOKEN = "a-token-of-enough-characters"
QUESTION = {"device": "jetson-tx2", "budget_mj": 20.0, "proxies": ["zen"]}


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.7", "example.org", "::"])
def test_another_address_than_loopback_needs_a_token(host: str) -> None:
    with pytest.raises(UsageError, match="expected a loopback address"):
        Settings(host=host)
    assert Settings(host=host, token=TOKEN).token == TOKEN


@pytest.mark.parametrize("rate", [-1.0, float("nan"), float("inf")])
def test_a_rate_that_cannot_be_is_refused(rate: float) -> None:
    with pytest.raises(UsageError, match="expected a rate of 0 requests a second or more"):
        Limits(rate=rate)


def test_a_service_has_no_negative_number_of_workers(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("hwnas.service.server.serve", lambda *_, **__: pytest.fail("it serves"))
    monkeypatch.setattr("sys.argv", ["hwnas", "serve", "--workers", "-1"])
    with pytest.raises(SystemExit) as done:
        main()
    assert done.value.code == 2 and "--workers" in capsys.readouterr().err


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_loopback_needs_none(host: str) -> None:
    assert Settings(host=host).token is None


def test_a_short_token_is_refused_and_no_token_is_ever_shown() -> None:
    with pytest.raises(UsageError, match="at least 16 characters"):
        Settings(token="short")
    assert TOKEN not in repr(Settings(token=TOKEN))


@pytest.mark.parametrize(
    "given", [None, "Bearer", "Bearer wrong", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x", "Bearer é", "Bearer \xff"]
)
def test_without_the_token_nobody_gets_in(client_of: Callable[..., Any], given: str | None) -> None:
    client = client_of(token=TOKEN)
    headers = {} if given is None else {"Authorization": given.encode("latin-1")}
    for address in ("/v1/devices", "/v1/jobs", "/metrics", "/v1/fronts/x", "/nothing"):
        answer = client.get(address, headers=headers)
        assert answer.status_code == 401 and answer.headers["www-authenticate"] == "Bearer"
        assert answer.json()["type"] == "urn:hwnas:problem:not-let-in"
    assert client.post("/v1/pareto", json=QUESTION, headers=headers).status_code == 401


def test_with_the_token_everyone_gets_in_and_the_page_needs_none(client_of: Callable[..., Any]) -> None:
    client = client_of(token=TOKEN)
    for address in ("/", "/docs", "/openapi.json", "/healthz", "/readyz", "/page/index.html"):
        assert client.get(address).status_code == 200, address
    assert client.get("/v1/devices", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
    assert client.get("/v1/devices", headers={"Authorization": f"bearer {TOKEN}"}).status_code == 200
    # With a token the service may be reached under any name.
    known = {"Authorization": f"Bearer {TOKEN}", "Host": "nas.example.org"}
    assert client.get("/v1/devices", headers=known).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "10.0.0.1", ""])
def test_without_a_token_no_other_name_leads_here(client: Any, host: str) -> None:
    """A page elsewhere that has its name point to this machine gets nothing."""
    answer = client.get("/v1/devices", headers={"Host": host})
    assert answer.status_code == 421


def test_pages_of_other_origins_get_nothing(client: Any) -> None:
    for origin in ("https://evil.example", "null", "http://127.0.0.1:9999", "http://[bad"):
        assert client.post("/v1/pareto", json=QUESTION, headers={"Origin": origin}).status_code == 403
    answer = client.get("/v1/devices", headers={"Origin": "http://127.0.0.1"})
    assert answer.status_code == 200 and "access-control-allow-origin" not in answer.headers


def test_every_answer_has_the_headers(client: Any) -> None:
    for answer in (client.get("/"), client.get("/v1/nothing"), client.post("/v1/pareto", json={})):
        for name, value in HEADERS.items():
            assert answer.headers[name] == value
    policy = HEADERS["Content-Security-Policy"]
    assert "script-src 'self';" in policy and "default-src 'none'" in policy


def test_a_page_holds_no_script_of_its_own_and_nothing_from_elsewhere(client: Any) -> None:
    import re

    for address in ("/", "/docs"):
        text = client.get(address).text
        assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+=|javascript:", text)
        for link in re.findall(r"(?:src|href)=\"([^\"]+)\"", text):
            if not link.startswith(("data:", "#")):
                assert link.startswith("/") and not link.startswith("//")
                assert client.get(link).status_code == 200, link


def test_a_body_that_is_too_large_or_of_another_type_is_refused(client_of: Callable[..., Any]) -> None:
    client = client_of(limits=Limits(body_bytes=1000, upload_bytes=5000))
    long = json.dumps({**QUESTION, "proxies": ["zen"] * 500})
    answer = client.post("/v1/pareto", content=long, headers={"content-type": "application/json"})
    assert answer.status_code == 413 and "at most 1,000 bytes" in answer.json()["detail"]

    def pieces() -> Any:  # no length is said
        yield from (long[i : i + 100].encode() for i in range(0, len(long), 100))

    answer = client.post("/v1/pareto", content=pieces(), headers={"content-type": "application/json"})
    assert answer.status_code == 413
    answer = client.post("/v1/adapt", files={"measurements": b"x" * 6000}, data={"name": "b"})
    assert answer.status_code == 413
    answer = client.post("/v1/pareto", content=json.dumps(QUESTION), headers={"content-type": "text/plain"})
    assert answer.status_code == 415
    answer = client.post("/v1/pareto", content=b"{", headers={"content-type": "application/json"})
    assert answer.status_code == 400
    answer = client.post("/v1/pareto", content=b"[" * 900, headers={"content-type": "application/json"})
    assert answer.status_code in (400, 422)


def test_who_asks_too_often_is_asked_to_wait(client_of: Callable[..., Any]) -> None:
    client = client_of(limits=Limits(rate=0.5))
    statuses = [client.get("/v1/spaces").status_code for _ in range(8)]
    assert statuses[:5] == [200] * 5 and statuses[5:] == [429] * 3
    assert client.get("/healthz").status_code == 200


def owner_told(client: Any, forwarded: str | None, *, number: int) -> str:
    """Whom the service takes for the owner of a job that is asked for with this header."""
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    answer = client.post("/v1/score/tables", json={"limit": 3, "seed": number, "proxies": ["synflow"]}, headers=headers)
    assert answer.status_code == 202, answer.json()
    return str(answer.json()["owner"])


def test_nobody_is_believed_who_asks_for_others(client: Any) -> None:
    for number, forwarded in enumerate((None, "10.0.0.1", "the admin", "10.0.0.1, 10.0.0.2")):
        assert owner_told(client, forwarded, number=number) == "127.0.0.1"


def test_a_server_believes_no_header_of_who_asks(site: str) -> None:
    """As uvicorn by itself would, of everyone on loopback."""
    headers = {"X-Forwarded-For": "the admin"}
    files, data = {"measurements": b"nothing to read"}, {"name": "of-a-forger"}
    answer = httpx.post(f"{site}/v1/adapt", files=files, data=data, headers=headers, timeout=60)
    assert httpx.get(site + answer.headers["location"]).json()["owner"] == "127.0.0.1"


@pytest.mark.parametrize(
    ("forwarded", "owner"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("the admin, 10.0.0.2", "10.0.0.2"),  # what came before the proxy's own word is the caller's
        ("10.0.0.2, the admin", "127.0.0.1"),
        ("fe80::1%the-admin", "127.0.0.1"),
        ("2001:DB8::0:1", "2001:db8::1"),
        ("::ffff:10.0.0.3", "10.0.0.3"),
        ("", "127.0.0.1"),
        (None, "127.0.0.1"),
    ],
)
def test_a_proxy_that_is_trusted_says_who_asks(
    client_of: Callable[..., Any], forwarded: str | None, owner: str
) -> None:
    assert owner_told(client_of(proxy="127.0.0.1"), forwarded, number=0) == owner


def test_another_proxy_than_the_one_named_is_not_believed(client_of: Callable[..., Any]) -> None:
    assert owner_told(client_of(proxy="10.0.0.9"), "10.0.0.1", number=0) == "127.0.0.1"


def test_callers_behind_a_proxy_have_a_limit_each(client_of: Callable[..., Any]) -> None:
    client = client_of(proxy="127.0.0.1", limits=Limits(rate=0.1))
    asked = [client.get("/v1/spaces", headers={"X-Forwarded-For": f"10.0.0.{n}"}).status_code for n in (1, 1, 2)]
    assert asked == [200, 429, 200]


@pytest.mark.parametrize("proxy", ["", "proxy.example", "10.0.0.0/8", "fe80::1%eth0"])
def test_a_proxy_is_an_address(proxy: str) -> None:
    with pytest.raises(UsageError, match="expected the address of a proxy"):
        Settings(proxy=proxy)


def test_a_bucket_fills_up_evenly() -> None:
    now = 0.0
    rates = Rates(per_second=2.0, clock=lambda: now)
    assert sum(rates.allows("a") for _ in range(100)) == 20  # ten seconds' worth
    assert rates.allows("b")
    now = 1.0
    assert sum(rates.allows("a") for _ in range(100)) == 2
    now = 1000.0
    assert sum(rates.allows("a") for _ in range(100)) == 20


def test_a_rate_of_less_than_one_in_ten_seconds_lets_one_in() -> None:
    now = 0.0
    rates = Rates(per_second=0.05, clock=lambda: now)
    assert [rates.allows("a") for _ in range(3)] == [True, False, False]
    now = 20.5
    assert [rates.allows("a") for _ in range(2)] == [True, False]


def test_an_answer_that_takes_too_long_is_given_up(
    client_of: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    import time

    client = client_of(limits=Limits(request_seconds=0.1))
    monkeypatch.setattr("hwnas.service.routes.listings.list_spaces", lambda: time.sleep(0.5))
    answer = client.get("/v1/spaces")
    assert answer.status_code == 503 and "within 0.1 s" in answer.json()["detail"]


def test_logs_tell_of_requests_and_of_no_secret(
    client_of: Callable[..., Any], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hwnas.service.logs import LOGGER, _Lines

    monkeypatch.setattr(LOGGER, "propagate", True)
    client = client_of(token=TOKEN)
    with caplog.at_level(logging.INFO, logger=LOGGER.name):
        answer = client.get("/v1/devices?secret=abc", headers={"Authorization": f"Bearer {TOKEN}"})
        monkeypatch.setattr("hwnas.service.routes.listings.list_spaces", lambda: {}[TOKEN])
        failed = client.get("/v1/spaces", headers={"Authorization": f"Bearer {TOKEN}"})
    lines = [json.loads(_Lines().format(record)) for record in caplog.records if record.name == LOGGER.name]
    (request,) = [line for line in lines if line.get("path") == "/v1/devices"]
    assert request["status"] == 200 and request["request"] == answer.headers["x-request-id"]
    assert failed.status_code == 500 and TOKEN not in failed.text
    (failure,) = [line for line in lines if line["event"] == "failure"]
    assert failure["error"] == "KeyError" and failure["request"] == failed.headers["x-request-id"]
    assert TOKEN not in json.dumps(lines) and "abc" not in json.dumps(lines)
