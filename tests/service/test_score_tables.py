"""Tables of scores that cannot be made: refused at once, in the words of the function, without a job."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from hwnas.api.score import score_table
from hwnas.api.score_forms import ScoreSettings
from hwnas.errors import HwnasError


@pytest.mark.parametrize(
    ("asked", "status", "says"),
    [
        ({"dataset": "cifar11", "limit": 3}, 422, "data set 'cifar11' is not known"),
        ({"proxies": ["zenn"], "limit": 3}, 422, "proxy 'zenn' is not known"),
        ({"proxies": ["synflow", "params"], "limit": 3}, 422, "proxy 'params' is counted from each architecture"),
        ({"proxies": ["params+flops"], "limit": 3}, 422, r"expected a proxy that is computed, got params\+flops"),
        ({"space": "fbnet", "proxies": ["synflow"]}, 422, "accuracies, got fbnet: .*; give a limit"),
        ({"space": "imagenet-models", "proxies": ["zen", "nn_mass"], "limit": 3}, 422, "nn_mass reads the operator"),
        ({"proxies": ["synflow"], "limit": 3, "executor": "ray"}, 409, "the executor 'ray' needs the extra 'ray'"),
    ],
)
def test_what_can_never_work_is_no_job(
    client: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: dict[str, Any], status: int, says: str
) -> None:
    pytest.importorskip("torch")
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "ray" else find_spec(name))
    where = {name: value for name, value in asked.items() if name in ("space", "dataset", "proxies")}
    how = {name: value for name, value in asked.items() if name not in where}
    with pytest.raises(HwnasError, match=says) as error:
        score_table(settings=ScoreSettings(**how), out=tmp_path / "table.npz", **where)
    answer = client.post("/v1/score/tables", json=asked)
    assert (answer.status_code, answer.json()["detail"]) == (status, str(error.value))
    assert client.get("/v1/jobs").json()["jobs"] == []


@pytest.mark.parametrize(
    "asked",
    [
        {"limit": 3},
        {"space": "fbnet", "limit": 3},
        {"space": "imagenet-models", "limit": 3},
        {"proxies": ["zen", "az_nas", "params+flops"], "limit": 3},
    ],
)
def test_what_can_is_one(client: Any, asked: dict[str, Any]) -> None:
    pytest.importorskip("torch")
    assert client.post("/v1/score/tables", json=asked).status_code == 202
