"""Measurements that callers send: what is theirs to mend is told to them, soon, as that."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from hwnas import Client
from hwnas.errors import DataError, UsageError
from hwnas.latency.measurement_files import MOST


def problem(site: str, name: str, content: bytes, until: Any) -> dict[str, Any]:
    """The problem that an upload ends with, at once or as a job."""
    with httpx.Client(base_url=site, timeout=60) as http:
        answer = http.post("/v1/adapt", data={"name": name}, files={"measurements": content})
        job = answer.headers["location"]
        until(lambda: http.get(job).json()["state"] == "failed")
        return dict(http.get(job).json()["error"])


@pytest.mark.parametrize("content", [b"{bad json", b'{"kind": "hwnas-results", "schema_version": 1}'])
def test_a_broken_file_is_the_callers(site: str, until: Any, tmp_path: Path, content: bytes) -> None:
    found = problem(site, "broken-board", content, until)
    assert (found["status"], found["title"]) == (422, "The uploaded file cannot be read")
    assert "measurements-1.json" in found["detail"]
    (tmp_path / "results.json").write_bytes(content)
    with Client(site) as client, pytest.raises(DataError, match=r"results\.json"):
        client.adapt(tmp_path / "results.json", name="broken-board")


def test_a_unit_that_contradicts_the_column_is_refused(site: str, table: Any, until: Any) -> None:
    """As by the functions, over HTTP; where the two agree the device is made."""
    with httpx.Client(base_url=site, timeout=60) as http:
        for unit, state in (("s", "failed"), ("ms", "done")):
            data, files = {"name": f"board-in-{unit}", "unit": unit}, {"measurements": table(seed=77)}
            answer = http.post("/v1/adapt", data=data, files=files)
            found = until(lambda at=answer.headers["location"]: _ended(http.get(at).json()))
            assert found["state"] == state, found["error"]
            if state == "failed":
                said = "expected --unit ms, as the column latency_ms says, got s; leave out --unit, or name the column"
                assert found["error"]["status"] == 422 and said in found["error"]["detail"]


def _ended(job: dict[str, Any]) -> dict[str, Any] | None:
    return job if job["state"] in ("done", "failed") else None


def test_a_table_of_far_too_many_rows_is_refused_by_their_number(site: str, until: Any) -> None:
    found = problem(site, "long-board", b"architecture,latency_ms\n" + b"x,1\n" * (MOST + 1), until)
    assert found["status"] == 422 and f"expected at most {MOST:,} rows" in found["detail"]


def test_a_kit_of_far_too_many_nets_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from hwnas.latency import measurement_files

    monkeypatch.setattr(measurement_files, "MOST", 2)
    with pytest.raises(UsageError, match="expected results of at most 2 nets, got 3"):
        measurement_files._rows_of_results({"kit": {}, "nets": [{}, {}, {}]})


def test_a_power_may_be_known_exactly(client: Any) -> None:
    """As for `hwnas.adapt` and the command."""
    data = {"name": "exact-board", "power_w": "5", "power_error": "0"}
    asked = client.post("/v1/adapt", data=data, files={"measurements": b"architecture,latency_ms\n1,2\n"})
    assert asked.status_code == 202 and asked.json()["request"]["settings"]["power_error"] == 0
    refused = client.post("/v1/adapt", data={**data, "power_error": "1"}, files={"measurements": b"x"})
    assert refused.status_code == 422 and "power_error" in refused.json()["detail"]
