"""What the rounds of each net come to: medians over rounds, spread, what was not measured and why."""

from typing import Any

from hwnas.devices.agent.timings import median, percentile, round_levels


def summarise(results: "dict[str, Any]", no_meter: str) -> None:
    """Fill in the figures of each net, the level of each round, and whether all rounds of all nets are there."""
    idle = [record["power_w"] for record in results["idle"] if record["power_w"] is not None]
    results["idle_power_w"] = median(idle) if idle else None
    for net in results["nets"]:
        good = [record for record in net["rounds"] if "error" not in record]
        net.update(latency_figures(good, net["rounds"]))
        net.update(energy_figures(good, results["idle_power_w"], no_meter))
    by_round = [
        {record["round"]: record["latency_ms"]["median"] for record in net["rounds"] if "error" not in record}
        for net in results["nets"]
    ]
    results["round_levels"] = list(round_levels(by_round).values())
    results["complete"] = all(len(rounds) >= results["protocol"]["rounds"] for rounds in by_round)


def latency_figures(good: "list[dict[str, Any]]", tried: "list[dict[str, Any]]") -> "dict[str, Any]":
    """Latency (ms): median over rounds of each round's median; quartiles over rounds and, within them, over runs."""
    if not good:
        errors = [record["error"] for record in tried]
        return {"latency_ms": None, "latency_reason": errors[-1] if errors else "not measured yet"}
    medians = [record["latency_ms"]["median"] for record in good]
    runs = [record["runs"] for record in good]
    figures = {
        "median": median(medians),
        "p25": percentile(medians, 25.0),
        "p75": percentile(medians, 75.0),
        "rounds": medians,
        "runs": None if None in runs else sum(runs),
        "statistic": "median over rounds; in a round, " + good[-1]["statistic"],
    }  # type: dict[str, Any]
    for name in ("p5", "p95"):
        inner = [record["latency_ms"][name] for record in good if name in record["latency_ms"]]
        if inner:
            figures["runs_" + name] = median(inner)
    return {"latency_ms": figures, "latency_reason": None}


def energy_figures(good: "list[dict[str, Any]]", idle_power_w: "float | None", no_meter: str) -> "dict[str, Any]":
    """Energy (mJ) of one inference: median over rounds, idle power included; what is above idle beside it."""
    energies = [record["energy"] for record in good if "energy" in record]
    values = [energy["mj"] for energy in energies if energy["mj"] is not None]
    if not values:
        reasons = [energy["reason"] for energy in energies]
        return {"energy_mj": None, "energy_reason": reasons[-1] if reasons else no_meter or "not measured yet"}
    figures = {"median": median(values), "rounds": values}  # type: dict[str, Any]
    if idle_power_w is not None:
        above = [e["mj"] * (1 - idle_power_w / e["power_w"]) for e in energies if e["mj"] is not None]
        figures["above_idle_median"] = median(above)
    return {"energy_mj": figures, "energy_reason": None}
