"""`POST /v1/pareto` and what hangs on it, held against the Python API and the schema of results."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

import hwnas

QUESTION = {"device": "jetson-tx2", "budget_mj": 20.0, "proxies": ["zen"]}


def ask(client: Any, **changes: Any) -> Any:
    return client.post("/v1/pareto", json={**QUESTION, **changes})


def test_the_answer_is_that_of_the_python_api(client: Any) -> None:
    expected = hwnas.pareto("jetson-tx2", budget_mj=20.0, proxies=["zen"]).to_dict()
    answer = ask(client)
    plain = answer.json()
    front = plain.pop("id")
    assert answer.status_code == 200 and answer.headers["content-location"] == f"/v1/fronts/{front}"
    jsonschema.validate(plain, hwnas.json_schema())
    assert plain == _as_json(expected)


def _as_json(value: Any) -> Any:
    import json

    return json.loads(json.dumps(value))


def test_an_id_is_the_question(client: Any) -> None:
    first = ask(client, budget_mj=15.0, seed=3).json()
    again = client.get(f"/v1/fronts/{first['id']}")
    assert again.json() == first
    # Defaults that are written out are the same question; another budget is not.
    assert ask(client, budget_mj=15.0, seed=3, nets=20).json()["id"] == first["id"]
    assert ask(client, budget_mj=15.5, seed=3).json()["id"] != first["id"]


def test_a_front_as_csv_and_its_candidates(client: Any) -> None:
    front = ask(client).json()
    lines = client.get(f"/v1/fronts/{front['id']}?format=csv").text.splitlines()
    assert lines[0].startswith("space,dataset,device,front")
    assert len(lines) == 1 + sum(len(found["nets"]) for found in front["fronts"])
    found = client.get(f"/v1/fronts/{front['id']}/candidates?most=50").json()
    assert len(found["index"]) == len(found["feasible"]) == len(found["costs"]["energy_mj"]) == 50
    assert found["architectures"] == 15625 and found["index"][-1] == 15624
    (row,) = [row for row, index in enumerate(found["index"]) if index == 0]
    single = hwnas.predict(["0"], device="jetson-tx2").nets[0].costs["energy_mj"].mean
    assert found["costs"]["energy_mj"][row] == pytest.approx(single, rel=1e-5)
    assert found["feasible"] == [cost <= 20 for cost in found["costs"]["energy_mj"]]


def test_an_unchanged_answer_is_not_sent_again(client: Any) -> None:
    front = ask(client).json()["id"]
    tag = client.get(f"/v1/fronts/{front}").headers["etag"]
    again = client.get(f"/v1/fronts/{front}", headers={"If-None-Match": f'"x", {tag}'})
    assert again.status_code == 304 and again.content == b"" and again.headers["etag"] == tag
    assert client.get(f"/v1/fronts/{front}", headers={"If-None-Match": '"x"'}).status_code == 200


@pytest.mark.parametrize(
    ("changes", "status", "kind", "said"),
    [
        ({"device": "jetsn"}, 422, "unknown-name", "device 'jetsn' is not known; did you mean 'jetson-tx2'?"),
        ({"proxies": ["sinflow"]}, 422, "unknown-name", "did you mean 'synflow'"),
        ({"budget_mj": 1.0}, 422, "infeasible", "no net of nasbench201 on cifar10 meets energy_mj <= 1 mJ"),
        ({"budget_mj": "20"}, 422, "wrong-values", "body.budget_mj"),
        ({"budget_mj": -1.0}, 422, "wrong-values", "body.budget_mj"),
        ({"nets": True}, 422, "wrong-values", "body.nets"),
        ({"raw": 1}, 422, "wrong-values", "body.raw"),
        ({"module": "os:system"}, 422, "wrong-values", "body.module"),
        ({"objectives": ["latency_ms=fast"]}, 422, "wrong-use", "expected a number after '='"),
        ({"proxies": ["snip"]}, 409, "data", "proxy 'snip' is not scored"),
        ({"source": "measured"}, 409, "data", "is not in the cache"),
        ({"space": "fbnet", "method": "exhaustive"}, 422, "wrong-use", "expected a space whose networks"),
    ],
)
def test_what_cannot_be_is_a_problem_with_the_message_of_the_error(
    client: Any, changes: dict[str, Any], status: int, kind: str, said: str
) -> None:
    answer = ask(client, **changes)
    problem = answer.json()
    assert answer.status_code == problem["status"] == status, problem
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["type"] == f"urn:hwnas:problem:{kind}" and said in problem["detail"]
    assert problem["instance"] == f"urn:hwnas:request:{answer.headers['x-request-id']}"


@pytest.mark.parametrize("front", ["x", "bm90aGluZw", "bnVsbA", "eyJkZXZpY2UiOjF9", "W1tbW1tb", "é", "a" * 3000])
def test_an_id_of_no_question_is_not_found(client: Any, front: str) -> None:
    answer = client.get(f"/v1/fronts/{front}")
    assert answer.status_code == 404 and "expected the `id` of an answer" in answer.json()["detail"]


def test_text_that_utf8_cannot_hold_is_a_problem_too(client: Any) -> None:
    body = b'{"device": "\\ud800", "budget_mj": 20}'
    answer = client.post("/v1/pareto", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 422 and "body.device" in answer.json()["detail"]
