"""Rounds, resuming and figures of a campaign, with runtimes and meters that a test makes up."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwnas.devices.agent.busy import busy_note
from hwnas.devices.agent.campaign import Campaign, in_turn, run_campaign, usual_plan
from hwnas.devices.agent.files import AgentError
from hwnas.devices.agent.meters import Meter
from hwnas.devices.agent.runs import Burst, Plan, RunError, Runtime
from hwnas.devices.agent.summary import energy_figures, latency_figures, summarise

LATENCY = {"000-4.onnx": 2.0, "001-7.onnx": 4.0, "002-9.onnx": 6.0}


class Made(Runtime):
    """Nets take what `LATENCY` says, times a factor for each call in turn; `fails` after so many calls."""

    name = "made-up"

    def __init__(self, factors: tuple[float, ...] = (1.0,), *, fails: int | None = None, busy_s: float = 0.0) -> None:
        self.factors, self.fails, self.busy_s, self.calls = factors, fails, busy_s, 0

    def facts(self) -> dict[str, Any]:
        return {"version": "1"}

    def measure(self, path: Path, plan: Plan) -> Burst:
        self.calls += 1
        if self.fails is not None and self.calls > self.fails:
            raise RunError("out of memory")
        start = time.perf_counter()
        time.sleep(self.busy_s)
        latency = LATENCY[path.name] * self.factors[(self.calls - 1) % len(self.factors)]
        return Burst({"median": latency}, 10, start, time.perf_counter())


class Constant(Meter):
    """5 W on the rail that counts, 2 W on another, nothing on the third."""

    name, rails, total, facts = "made-up", ("all", "gpu", "dead"), ("all",), {}

    def read(self) -> list[float]:
        return [5.0, 2.0, 0.0]


def campaign(kit: Path, runtime: Runtime, **changed: Any) -> Campaign:
    usual = {"meter": None, "no_meter": "none here", "rounds": 2, "plan": Plan(0.0, 0.0, 1), "idle_s": 0.0}
    return Campaign(kit=kit, out=kit / "results.json", runtime=runtime, **{**usual, **changed})


def run(wanted: Campaign) -> dict[str, Any]:
    return run_campaign(wanted, lambda done, total, what: None)


def test_latency_is_the_median_over_rounds(kit: Path) -> None:
    # Three nets a round, so that a round's three calls share its factor.
    factors = tuple(np.repeat([1.0, 1.5, 1.1, 0.9, 1.0], 3).tolist())
    results = run(campaign(kit, Made(factors), rounds=5))
    for net in results["nets"]:
        usual = LATENCY[Path(net["file"]).name]
        assert net["latency_ms"]["median"] == pytest.approx(usual)
        assert net["latency_ms"]["rounds"] == pytest.approx([usual * factor for factor in (1.0, 1.5, 1.1, 0.9, 1.0)])
        assert (net["latency_ms"]["p25"], net["latency_ms"]["p75"]) == pytest.approx((usual, 1.1 * usual))
        assert net["latency_ms"]["runs"] == 50 and "runs_p5" not in net["latency_ms"]
    assert results["round_levels"] == pytest.approx([1.0, 1.5, 1.1, 0.9, 1.0])


def test_energy_of_a_constant_power(kit: Path) -> None:
    results = run(campaign(kit, Made(busy_s=0.4), meter=Constant(), no_meter="", rounds=1, idle_s=0.35))
    assert results["idle_power_w"] == pytest.approx(5.0) and results["idle"][0]["rails_w"]["gpu"] == pytest.approx(2.0)
    for net in results["nets"]:
        (record,) = net["rounds"]
        energy = record["energy"]
        # 5 W over the window, ten runs in it, in mJ.
        assert (
            energy["mj"] == pytest.approx(5.0 * energy["window_s"] / 10 * 1e3, rel=2e-3) and energy["window_s"] >= 0.4
        )
        assert energy["rails_mj"]["gpu"] == pytest.approx(0.4 * energy["mj"]) and "dead" not in energy["rails_mj"]
        assert energy["zero_rails"] == ["dead"] and energy["power_w"] == pytest.approx(5.0)
        assert net["energy_mj"]["above_idle_median"] == pytest.approx(0.0, abs=1e-9 * energy["mj"])
    assert results["meter"]["total_rails"] == ["all"] and results["meter"]["kind"].startswith("power")


def test_a_window_that_is_too_short_is_not_measured(kit: Path) -> None:
    results = run(campaign(kit, Made(busy_s=0.01), meter=Constant(), no_meter="", rounds=1, idle_s=0.0))
    assert {net["energy_mj"] for net in results["nets"]} == {None} and results["idle_power_w"] is None
    said = results["nets"][0]["energy_reason"]  # the window is longer where the machine is busy
    assert re.search(r"made-up gave \d readings in [\d.]+ s, at least 5 are needed", said)


def test_the_warm_up_covers_the_lag_of_the_sensor(kit: Path) -> None:
    seen: list[Plan] = []

    class Watching(Made):
        def measure(self, path: Path, plan: Plan) -> Burst:
            seen.append(plan)
            return super().measure(path, plan)

    slow = Constant()
    slow.lag_s = 0.7
    run(campaign(kit, Watching(), meter=slow, no_meter="", rounds=1))
    assert {plan.warmup_s for plan in seen} == {0.7}


@settings(max_examples=15, deadline=None)
@given(stops=st.lists(st.integers(1, 11), max_size=4), rounds=st.integers(1, 4))
def test_wherever_it_stops_nothing_is_lost_or_done_twice(
    tmp_path_factory: pytest.TempPathFactory, small_kit: Callable[[Path], Path], stops: list[int], rounds: int
) -> None:
    kit = small_kit(tmp_path_factory.mktemp("stops") / "kit")
    runtime = Made()

    def stopping(after: int) -> Any:
        def report(done: int, total: int, what: str) -> None:
            if what and done >= after:
                raise KeyboardInterrupt

        return report

    for stop in stops:
        try:
            run_campaign(campaign(kit, runtime, rounds=rounds), stopping(stop))
        except KeyboardInterrupt:
            continue
    results = run(campaign(kit, runtime, rounds=rounds))
    assert results["complete"] and runtime.calls == 3 * rounds
    assert [[record["round"] for record in net["rounds"]] for net in results["nets"]] == [list(range(rounds))] * 3


def test_what_failed_is_tried_again_and_the_reason_kept(kit: Path) -> None:
    first = run(campaign(kit, Made(fails=4)))
    assert not first["complete"] and sum(net["latency_ms"] is None for net in first["nets"]) == 0
    nothing = campaign(kit, Made(fails=0))._replace(out=kit / "nothing.json")
    results = run(nothing)
    assert {net["latency_reason"] for net in results["nets"]} == {"out of memory"} and results["round_levels"] == []
    assert run(campaign(kit, Made()))["complete"]


def test_each_part_of_the_setting_must_stay(kit: Path) -> None:
    run(campaign(kit, Made()))
    other = Made()
    other.name = "another"
    with pytest.raises(AgentError, match="begun with runtime name 'made-up', now it is 'another'"):
        run(campaign(kit, other))
    with pytest.raises(AgentError, match="begun with meter"):
        run(campaign(kit, Made(), meter=Constant(), no_meter=""))
    with pytest.raises(AgentError, match="begun with protocol min_runs 1, now it is 7"):
        run(campaign(kit, Made(), plan=Plan(0.0, 0.0, 7)))
    with pytest.raises(AgentError, match="0 or more seconds of warm-up, got -1"):
        run(campaign(kit, Made(), plan=Plan(-1.0)))
    (kit / "results.json").write_text("{}")
    with pytest.raises(AgentError, match="no results file of this version"):
        run(campaign(kit, Made()))


def test_usual_times_depend_on_the_meter() -> None:
    assert usual_plan(None)[:3] == (0.5, 0.5, 30) and usual_plan(Constant())[:3] == (1.0, 2.0, 30)
    assert usual_plan(Constant(), 0.0, 9.0, 5)[:3] == (0.0, 9.0, 5)


def test_the_order_of_a_round_is_the_same_again() -> None:
    nets = [{"name": str(number)} for number in range(20)]
    assert in_turn(nets, 3) == in_turn(nets, 3) != in_turn(nets, 4)
    assert sorted(net["name"] for net in in_turn(nets, 3)) == sorted(net["name"] for net in nets)


def test_figures_by_hand() -> None:
    assert latency_figures([], []) == {"latency_ms": None, "latency_reason": "not measured yet"}
    record = {"latency_ms": {"median": 3.0, "p5": 2.0, "p95": 9.0}, "runs": None, "statistic": "mean"}
    figures = latency_figures([record, record], [])["latency_ms"]
    assert figures["runs"] is None and (figures["runs_p5"], figures["runs_p95"]) == (2.0, 9.0)
    energies = [{"energy": {"mj": mj, "power_w": power}} for mj, power in ((10.0, 5.0), (12.0, 6.0), (14.0, 7.0))]
    found = energy_figures(energies, 3.0, "")["energy_mj"]
    # Above idle: 10 x (1 - 3/5) = 4, 12 x (1 - 3/6) = 6, 14 x (1 - 3/7) = 8.
    assert found == {"median": 12.0, "rounds": [10.0, 12.0, 14.0], "above_idle_median": pytest.approx(6.0)}
    failed = energy_figures([{"energy": {"mj": None, "reason": "reads 0"}}], None, "")
    assert failed == {"energy_mj": None, "energy_reason": "reads 0"}
    nothing: dict[str, Any] = {"idle": [], "nets": [], "protocol": {"rounds": 1}}
    summarise(nothing, "")
    assert nothing["idle_power_w"] is None and nothing["round_levels"] == []


@pytest.mark.parametrize(
    ("threads", "loads", "busy"),
    [
        ("default", [6.9, 7.5, 8.0], True),  # much else on two cores
        # Measuring itself, by two threads for 0, 30 and 60 s: 2 (1 - exp(-t / 60 s)) = 0, 0.79, 1.26; 1.5 is the limit.
        ("default", [0.0, 0.79, 1.26], False),
        ("default", [1.45, 2.24, 2.71], False),
        ("default", [1.55, 2.34, 2.81], True),
        (1, [1.45, 1.84, 2.08], False),
        (1, [1.55, 1.95, 2.19], True),
        ("default", [9.0, 0.8, 1.3], False),  # one round of three, which the median over rounds does not follow
        (None, [6.9, 7.5, 8.0], True),  # runtimes of the board's own, which do not say
        ("default", [None, None, None], False),
    ],
)
def test_other_work_is_what_measuring_did_not_add_to_the_load(
    threads: int | str | None, loads: list[float | None], busy: bool
) -> None:
    rounds = [
        {
            "round": number,
            "at": f"2025-01-01T00:0{number // 2}:{30 * (number % 2):02d}Z",
            "conditions": {"load_1min": it},
        }
        for number, it in enumerate(loads)
    ]
    later = {"round": 0, "at": "2025-01-01T00:00:09Z", "conditions": {"load_1min": 99.0}}  # not the first of its round
    runtime = {} if threads is None else {"threads": threads}
    results = {"runtime": runtime, "device": {"cores": 2}, "nets": [{"rounds": [later]}, {"rounds": rounds}, {}]}
    if loads[0] is None:
        results["nets"] = [{"rounds": rounds}]
    note = busy_note(results)
    assert bool(note) == busy
    if busy:
        assert f"load {np.median(np.array(loads, dtype=float)):.1f} on 2 cores" in note
        assert ("--threads 1" in note) == (threads == "default")


def test_a_busy_machine_is_recorded_and_said(kit: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.getloadavg", lambda: (130.0, 1.0, 1.0))
    monkeypatch.setattr("os.cpu_count", lambda: 64)
    assert "load 130.0 on 64 cores" in busy_note(run(campaign(kit, Made())))
    monkeypatch.delattr("os.getloadavg")  # as on Windows
    assert busy_note(run(campaign(kit, Made())._replace(out=kit / "other.json"))) == ""


@pytest.mark.parametrize("changed", [{"rounds": 0}, {"idle_s": float("nan")}, {"plan": Plan(0.0, float("inf"), 1)}])
def test_times_and_numbers_that_cannot_be(kit: Path, changed: dict[str, Any]) -> None:
    with pytest.raises(
        AgentError, match=r"expected (at least 1 for rounds, got 0|0 or more seconds of .*, got (nan|inf))"
    ):
        run(campaign(kit, Made(), **changed))


def test_results_that_cannot_be_written_are_known_before_measuring(kit: Path) -> None:
    runtime = Made()
    wanted = campaign(kit, runtime)._replace(out=kit / "nowhere" / "results.json")
    with pytest.raises(OSError, match=r"expected to write .* give another --out"):
        run(wanted)
    assert runtime.calls == 0


@pytest.mark.parametrize("factor", [0.0, -1.0, float("nan"), float("inf")])
def test_a_latency_that_cannot_be_is_not_measured(kit: Path, factor: float) -> None:
    """Tools that print whole milliseconds print 0 for a small net; the other nets go on."""
    results = run(campaign(kit, Made(factors=(factor, 1.0, 1.0)), rounds=1))
    lost = [net for net in results["nets"] if net["latency_ms"] is None]
    assert len(lost) == 1 and "expected a latency above 0, got" in lost[0]["latency_reason"]
    assert not results["complete"] and run(campaign(kit, Made(), rounds=1))["complete"], "tried again the next time"
