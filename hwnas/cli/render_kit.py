"""How `hwnas plan` and `hwnas measure` show what they did."""

from __future__ import annotations

from typing import Any

from hwnas.api.measure import MeasureResult
from hwnas.api.plan import PlanResult
from hwnas.cli.console import print_json, print_table


def print_plan(answer: PlanResult, *, as_json: bool) -> None:
    """The nets of a kit and what to do with it."""
    if as_json:
        print_json(answer.to_dict())
        return
    facts = answer.facts
    rows = [(net.name, net.role, net.arch) for net in answer.nets]
    print_table(("net", "role", "architecture"), rows, title=f"{facts.space} on {facts.dataset}, seed {facts.seed}")
    print(f"{facts.method}: {facts.chosen}")
    for note in answer.notes:
        print(f"note: {note}")
    print(
        f"written to {answer.folder}; copy it to the device and read its README.md, or `hwnas measure {answer.folder}`"
    )


def print_measured(answer: MeasureResult, *, as_json: bool) -> None:
    """Latency and energy of each net, and how they were measured."""
    if as_json:
        print_json(answer.to_dict())
        return
    results = answer.results
    rows = [_row(net) for net in results["nets"]]
    runtime, device, kit = results["runtime"], results["device"], results["kit"]
    machine = device.get("board") or device.get("cpu") or device.get("machine") or "a machine"
    version = runtime.get("version", "")
    title = f"{kit['space']} on {kit['dataset']}, {machine}, {runtime['name']} {version}".rstrip()
    heading = ("net", "latency ms", "quartiles of rounds", "runs", "energy mJ")
    print_table(heading, rows, numeric=range(1, 5), title=title)
    for net in results["nets"]:
        if net["latency_ms"] is None:
            print(f"not measured: {net['name']}: {net['latency_reason']}")
    for reason in dict.fromkeys(net["energy_reason"] for net in results["nets"] if net["energy_reason"]):
        print(f"energy not measured: {reason}")
    if results["idle_power_w"] is not None:
        print(f"energy: {results['meter']['name']}, idle power {results['idle_power_w']:.3g} W included")
    levels = ", ".join(f"{level:.3f}" for level in results["round_levels"])
    print(f"level of each round (1 is usual): {levels}")
    for note in answer.notes:
        print(f"note: {note}")
    if answer.measured_now:
        print(f"written to {answer.path}")
        return
    print(
        f"nothing was left to measure: all {answer.measured_before} measurements stand in {answer.path}; --rounds asks "
        "for more, --out for a file of its own"
    )


def _row(net: dict[str, Any]) -> tuple[str, ...]:
    latency, energy = net["latency_ms"], net["energy_mj"]
    joules = "-" if energy is None else f"{energy['median']:.4g}"
    if latency is None:
        return net["name"], "-", "-", "-", joules
    quartiles = f"{latency['p25']:.4g} to {latency['p75']:.4g}"
    runs = "-" if latency["runs"] is None else str(latency["runs"])
    return net["name"], f"{latency['median']:.4g}", quartiles, runs, joules
