"""Measuring a kit: all nets in every round, in a new order each time, so that drift is seen and hits no net alone.

Results are written after each net of each round; a run that was killed goes on where it was.
"""

import random
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from hwnas.devices.agent.files import (
    RESULTS_SCHEMA,
    AgentError,
    alone,
    nets_of,
    read_json,
    read_manifest,
    sha256_of,
    write_json,
)
from hwnas.devices.agent.meters import EnergyRecorder, Meter
from hwnas.devices.agent.runs import Burst, Plan, RunError, Runtime
from hwnas.devices.agent.summary import summarise

KIT_FACTS = ("space", "dataset", "batch_size", "seed", "hwnas_version", "format", "precision")


class Campaign(NamedTuple):
    """What is measured and how. meter: None with `no_meter`, the reason why there is none.

    elsewhere: what the caller can give where `out` holds other results, for messages.
    """

    kit: Path
    out: Path
    runtime: Runtime
    meter: "Meter | None"
    no_meter: str
    rounds: int = 5
    plan: Plan = Plan()
    idle_s: float = 3.0
    elsewhere: str = "another --out"


def usual_plan(
    meter: "Meter | None", warmup_s: "float | None" = None, window_s: "float | None" = None, min_runs: int = 30
) -> Plan:
    """The times asked for; else 0.5 s each, and with a meter 1 s and 2 s, because sensors average over a second."""
    warmup_s = (1.0 if meter else 0.5) if warmup_s is None else warmup_s
    window_s = (2.0 if meter else 0.5) if window_s is None else window_s
    return Plan(warmup_s, window_s, min_runs)


def run_campaign(campaign: Campaign, report: "Callable[[int, int, str], None]") -> "dict[str, Any]":
    """Measure what is not yet in the results file, and return the results.

    report: called with the numbers of measurements done and in all, and what was done last. Raises `AgentError`.
    """
    _check(campaign)
    with ExitStack() as stack:
        stack.enter_context(alone(campaign.kit))
        results = open_results(campaign)
        nets, rounds = nets_of(results), range(campaign.rounds)
        todo = [(number, net) for number in rounds for net in in_turn(nets, number) if lacks(net, number)]
        done, total = len(nets) * len(rounds) - len(todo), len(nets) * len(rounds)
        report(done, total, "")
        if not todo:
            return results
        write_json(campaign.out, results)  # whether it can be written shows before an hour of measuring
        recorder = stack.enter_context(EnergyRecorder(campaign.meter)) if campaign.meter else None
        if recorder:
            results["idle"].append(idle_power(recorder, campaign.idle_s))
        for number, net in todo:
            record = measure_net(campaign, recorder, net, number)
            net["rounds"].append(record)
            summarise(results, campaign.no_meter)
            write_json(campaign.out, results)
            done += 1
            report(done, total, net["name"] + " " + (record.get("error") or _shown(record["latency_ms"])))
    return results


def _check(campaign: Campaign) -> None:
    plan = campaign.plan
    for what, number in (("rounds", campaign.rounds), ("runs of a net", plan.min_runs)):
        if number < 1:
            raise AgentError(f"expected at least 1 for {what}, got {number}")
    for what, seconds in (("warm-up", plan.warmup_s), ("window", plan.window_s), ("idle time", campaign.idle_s)):
        if not 0 <= seconds < float("inf"):  # false for NaN too
            raise AgentError(f"expected 0 or more seconds of {what}, got {seconds}")


def open_results(campaign: Campaign) -> "dict[str, Any]":
    """The results so far, without what failed; empty ones where there are none. Raises `AgentError` for other ones."""
    manifest = read_manifest(campaign.kit)
    results = {
        "kind": "hwnas-results",
        "schema_version": RESULTS_SCHEMA,
        "kit": dict(
            {name: manifest[name] for name in KIT_FACTS if name in manifest},
            manifest_sha256=sha256_of(campaign.kit / "manifest.json"),
        ),
        "device": campaign.runtime.device(),
        "runtime": runtime_facts(campaign.runtime, manifest),
        "protocol": dict(
            campaign.plan._asdict(), rounds=campaign.rounds, order="all nets in turn, shuffled each round"
        ),
        "meter": _meter_facts(campaign),
        "idle": [],
        "started": _now(),
        "nets": [_unmeasured(net) for net in nets_of(manifest)],
    }  # type: dict[str, Any]
    if campaign.out.exists():
        before = read_json(campaign.out)
        _require_same(before, results, campaign)
        before["protocol"]["rounds"] = max(campaign.rounds, before["protocol"]["rounds"])
        for net in nets_of(before):
            net["rounds"] = [record for record in net["rounds"] if "error" not in record]
        results = before
    summarise(results, campaign.no_meter)
    return results


def runtime_facts(runtime: Runtime, manifest: "dict[str, Any]") -> "dict[str, Any]":
    """Facts of a runtime as the results of a kit state them. Raises `AgentError` where it cannot run such a kit."""
    wanted = manifest.get("format", "onnx")  # older kits do not say
    if runtime.reads and wanted not in runtime.reads:
        other = "--runtime litert or tflite" if wanted == "tflite" else "--runtime onnxruntime or trtexec"
        raise AgentError(
            f"expected a kit of {' or '.join(runtime.reads)} files for {runtime.name}, got one of {wanted} files; use "
            f"{other}, or plan another kit"
        )
    facts = dict(runtime.facts(), name=runtime.name)
    return dict(facts, precision=manifest["precision"] + " files") if wanted == "tflite" else facts


def in_turn(nets: "list[dict[str, Any]]", number: int) -> "list[dict[str, Any]]":
    """The nets in the order of round `number`, the same again after an interruption."""
    order = list(nets)
    random.Random(number).shuffle(order)
    return order


def lacks(net: "dict[str, Any]", number: int) -> bool:
    """Whether the net was not yet measured in a round."""
    return all(record["round"] != number for record in net["rounds"])


def measure_net(
    campaign: Campaign, recorder: "EnergyRecorder | None", net: "dict[str, Any]", number: int
) -> "dict[str, Any]":
    """The record of one net in one round: latency, runs, energy, conditions; or an error."""
    record = {"round": number, "at": _now(), "conditions": campaign.runtime.conditions()}  # type: dict[str, Any]
    plan = campaign.plan
    if campaign.meter and campaign.meter.lag_s > plan.warmup_s:
        plan = plan._replace(warmup_s=campaign.meter.lag_s)
    try:
        burst = campaign.runtime.measure(campaign.kit / net["file"], plan)
    except RunError as error:
        record["error"] = str(error)
        return record
    if not 0 < burst.latency_ms["median"] < float("inf"):  # false for NaN too
        shown = _shown(burst.latency_ms)
        record["error"] = f"expected a latency above 0, got {shown}; is the timer too coarse, or another number read?"
        return record
    record.update(latency_ms=burst.latency_ms, runs=burst.runs, statistic=burst.statistic)
    if recorder:
        record["energy"] = energy_of(recorder, burst)
    return record


def energy_of(recorder: EnergyRecorder, burst: Burst) -> "dict[str, Any]":
    """Energy of one inference (mJ) over the window of the burst, of all rails too; None with a reason."""
    if not burst.runs or burst.end <= burst.start:
        return {"mj": None, "reason": "the tool does not say how many runs it made, nor when"}
    window = recorder.window(burst.start, burst.end)
    if window.total_j is None:
        return {"mj": None, "reason": window.reason, "window_s": round(window.seconds, 3)}
    return {
        "mj": window.total_j / burst.runs * 1e3,
        "window_s": round(window.seconds, 3),
        "power_w": window.total_j / window.seconds,
        "rails_mj": {rail: joules / burst.runs * 1e3 for rail, joules in window.joules.items() if joules},
        "zero_rails": window.zero_rails,
    }


def idle_power(recorder: EnergyRecorder, seconds: float) -> "dict[str, Any]":
    """Power while nothing is measured (W), in all and by rail; None with a reason."""
    start = time.perf_counter()
    time.sleep(seconds)
    window = recorder.window(start, time.perf_counter())
    if window.total_j is None:
        return {"at": _now(), "power_w": None, "reason": window.reason, "window_s": round(window.seconds, 3)}
    rails = {rail: joules / window.seconds for rail, joules in window.joules.items() if joules}
    power = window.total_j / window.seconds
    return {"at": _now(), "power_w": power, "rails_w": rails, "window_s": round(window.seconds, 3)}


def _unmeasured(net: "dict[str, Any]") -> "dict[str, Any]":
    return dict(
        {name: net[name] for name in ("name", "arch", "index", "role", "file", "sha256", "input_shape")}, rounds=[]
    )


def _meter_facts(campaign: Campaign) -> "dict[str, Any]":
    meter = campaign.meter
    if meter is None:
        return {"name": None, "reason": campaign.no_meter}
    kind = "energy counter" if meter.counts else "power, integrated by the trapezoid rule"
    return dict(meter.facts, name=meter.name, rails=list(meter.rails), total_rails=list(meter.total), kind=kind)


def _require_same(before: "dict[str, Any]", now: "dict[str, Any]", campaign: Campaign) -> None:
    """Results of one file must be comparable with each other."""
    if before.get("kind") != now["kind"] or before.get("schema_version") != now["schema_version"]:
        raise AgentError(f"{campaign.out} is no results file of this version; give {campaign.elsewhere}")
    changing = ("rounds", "kernel", "python", "memory_gb")
    for part in ("kit", "runtime", "meter", "protocol", "device"):
        parts = before.get(part, {}), now[part]
        for name in sorted(set(parts[0]) | set(parts[1])):
            old, new = parts[0].get(name), parts[1].get(name)
            if name not in changing and old != new:
                what = f"{campaign.out} was begun with {part} {name} {old!r}, now it is {new!r}"
                raise AgentError(what + "; go on as it was begun, or give " + campaign.elsewhere)


def _shown(latency_ms: "dict[str, float]") -> str:
    return format(latency_ms["median"], ".4g") + " ms"


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
