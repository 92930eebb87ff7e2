"""What is wrong with a request, in the words of this package: what was expected, what was got, and what to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hwnas.service.wrong_values import wrong_value

FILE = {"measurements": b"architecture,latency_ms\n1,2\n"}
JSON = {"content-type": "application/json"}
FORM = {"content-type": "multipart/form-data; boundary=x"}
PART = b"--x\r\nContent-Disposition: form-data%s\r\n\r\n1\r\n--x--\r\n"
LETTERS = {"arch": "1" * 401, "space": "", "batch_size": "x"}


@pytest.mark.parametrize(
    ("route", "sent", "status", "says"),
    [
        ("pareto", {"json": {}}, 422, "body.device: expected a value, got none"),
        ("pareto", {"json": {"device": 3}}, 422, "body.device: expected a text, got 3"),
        ("pareto", {"json": {"device": "x", "net": 3}}, 422, "body.net: expected a field of this route, got 'net'"),
        ("pareto", {"json": {"device": "x", "nets": 2.5}}, 422, "body.nets: expected a whole number, got 2.5"),
        ("pareto", {"json": {"device": "x", "proxies": ["a"] * 21}}, 422, "expected at most 20 entries, got 21"),
        ("pareto", {"json": {"device": "x", "source": "guess"}}, 422, "'measured' or 'predicted', got 'guess'"),
        ("pareto", {"content": rb'{"device": "\ud800"}', "headers": JSON}, 422, r"halves of characters, got '\ud800'"),
        ("pareto", {"json": [1]}, 422, "body: expected an object, got a list"),
        ("pareto", {"content": b'{"device": x}', "headers": JSON}, 400, "expected JSON, got a text that is none from"),
        (
            "pareto",
            {"content": b"\xff", "headers": JSON},
            400,
            "got a body that cannot be read as such; write it",
        ),
        (
            "pareto",
            {"content": b"[" * 5000, "headers": JSON},
            400,
            "got a body that cannot be read as such; write it in UTF-8, and nest",
        ),
        ("pareto", {"content": b"x", "headers": FORM}, 415, "type application/json, got multipart/form-data; send the"),
        ("pareto", {"content": b"x", "headers": {"content-type": "text/plain"}}, 415, "got 'text/plain'; set the"),
        ("adapt", {"json": {"name": "x"}}, 415, "of type multipart/form-data, got application/json; send the values"),
        ("adapt", {"files": FILE}, 422, "body.name: expected a value, got none"),
        ("adapt", {"files": {**FILE, "name": b"x"}}, 422, "body.name: expected a text, got a file"),
        (
            "adapt",
            {"files": FILE, "data": {"name": "x", "batch_size": "9" * 5000}},
            422,
            "a whole number of fewer digits",
        ),
        ("adapt", {"files": FILE, "data": {"name": "x", "unit": "min"}}, 422, "'s' or 'us', got 'min'"),
        ("adapt", {"content": b"x", "headers": {"content-type": "multipart/form-data"}}, 400, "whose boundary stands"),
        ("adapt", {"content": b"x", "headers": FORM}, 400, "got a body that cannot be read as such; leave that to a"),
        (
            "adapt",
            {"content": PART % b"", "headers": FORM},
            400,
            "expected a name of every part of the form, got a part",
        ),
        ("adapt", {"files": [("measurements", b"")] * 1001}, 400, "a form of at most 1000 files, got more; leave some"),
        ("adapt", {"files": FILE, "data": {"name": "x" * 2**21}}, 400, "of at most 1024 KiB beside the files, got a"),
    ],
)
def test_a_body_is_refused_in_our_words(client: Any, route: str, sent: dict[str, Any], status: int, says: str) -> None:
    answer = client.post(f"/v1/{route}", **sent)
    found = answer.json()
    assert (answer.status_code, found["status"]) == (status, status) and says in found["detail"], found["detail"]
    for said in [found["detail"], *(error["message"] for error in found.get("errors", []))]:
        assert "expected " in said and ", got " in said and "Input" not in said and "parse" not in said


def test_parameters_are_refused_in_our_words(client: Any) -> None:
    said = client.get("/v1/networks/onnx", params=LETTERS).json()["errors"]
    assert [one["message"] for one in said] == [
        "expected at most 400 characters, got 401",
        "expected 1 or more characters, got 0",
        "expected a whole number, got 'x'",
    ]


def test_what_is_not_known_here_is_told_with_the_value() -> None:
    """pydantic may find what it does not find today."""
    entry = {"loc": ("body", "at"), "type": "time_type", "msg": "Input should be a time", "input": "noon"}
    said = "expected a value as /openapi.json describes it, got 'noon' (Input should be a time)"
    assert wrong_value(entry) == {"at": "body.at", "message": said, "kind": "time_type"}


@pytest.mark.parametrize(
    ("given", "got"), [(None, "none"), ("Basic eA==", "one of another form"), ("Bearer", "one of another form")]
)
def test_a_token_is_asked_for_in_our_words(client_of: Callable[..., Any], given: str | None, got: str) -> None:
    client = client_of(token="a-token-of-enough-characters")
    headers = {} if given is None else {"Authorization": given}
    said = f"expected the header `Authorization: Bearer TOKEN`, got {got}; ask who runs this service for its token"
    assert client.get("/v1/devices", headers=headers).json()["detail"] == said
    other = client.get("/v1/devices", headers={"Authorization": "Bearer not-the-token"}).json()["detail"]
    assert "got another token" in other and "not-the-token" not in other
