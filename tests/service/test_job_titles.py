"""What a job is called: by what it does, for whoever lists jobs."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest

from hwnas.service.forms import ParetoBody
from hwnas.service.job_titles import job_title
from hwnas.service.store import Kind

FBNET = asdict(ParetoBody(device="raspi4", space="fbnet", proxies=["params", "zen"]))
LISTED = asdict(ParetoBody(device="raspi4", dataset="cifar10"))
ADAPT = {"name": "my-board", "space": None, "dataset": None, "settings": {"add": False}}


@pytest.mark.parametrize(
    ("kind", "request_", "title"),
    [
        ("pareto", FBNET, "a search of fbnet for raspi4 by params, zen"),
        ("pareto", {**LISTED, "method": "nsga2"}, "a search of nasbench201 on cifar10 for raspi4"),
        ("pareto", LISTED, "costs of the networks of nasbench201 on cifar10 for raspi4"),
        ("pareto", {**FBNET, "space": "gone", "proxies": None}, "a front of gone for raspi4"),
        (
            "score-table",
            {"space": "fbnet", "limit": 1000, "proxies": ["zen"]},
            "scores of 1,000 networks of fbnet by zen",
        ),
        ("score-table", {"space": "pit", "limit": None}, "scores of all networks of pit"),
        ("score", {"space": "pit", "architectures": ["1"]}, "scores of 1 network of pit"),
        ("predict", {"space": "pit", "architectures": ["1", "2"], "device": "x"}, "costs of 2 networks of pit for x"),
        ("predict-onnx", {"device": "x"}, "costs of a model on x"),
        ("adapt", ADAPT, "a model of the device my-board"),
        ("adapt", {**ADAPT, "settings": {"add": True}}, "more measurements of my-board"),
        ("adapt", {"name": "my-board"}, "a model of the device my-board"),
    ],
)
def test_a_job_is_called_by_what_it_does(kind: Kind, request_: dict[str, Any], title: str) -> None:
    assert job_title(kind, request_) == title


def test_every_caller_is_told(client: Any) -> None:
    asked = client.post("/v1/pareto", json={"device": "raspi4", "space": "fbnet", "proxies": ["params"]}).json()
    assert asked["title"] == "a search of fbnet for raspi4 by params"
    (listed,) = client.get("/v1/jobs").json()["jobs"]
    assert listed["title"] == client.get(f"/v1/jobs/{asked['id']}").json()["title"] == asked["title"]
