"""Statistics of repeated runs. All times are in milliseconds."""

import math


def percentile(values: "list[float]", percent: float) -> float:
    """Value below which `percent` of the values lie, linear between order statistics (Hyndman & Fan 1996, type 7)."""
    ordered = sorted(values)
    position = (len(ordered) - 1) * percent / 100.0
    low = math.floor(position)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (position - low)


def median(values: "list[float]") -> float:
    """Middle value."""
    return percentile(values, 50.0)


def inner_mean(values: "list[float]") -> float:
    """Mean of the inner half, the quarters at both ends left out."""
    ordered = sorted(values)
    inner = ordered[len(ordered) // 4 : len(ordered) - len(ordered) // 4]
    return sum(inner) / len(inner)


def spread_of_runs(times_ms: "list[float]") -> "dict[str, float]":
    """Percentiles 5, 25, 50, 75 and 95 of single runs, by the names that results use."""
    names = (("p5", 5.0), ("p25", 25.0), ("median", 50.0), ("p75", 75.0), ("p95", 95.0))
    return {name: percentile(times_ms, percent) for name, percent in names}


def round_levels(rounds_by_net: "list[dict[int, float]]") -> "dict[int, float]":
    """How slow each round was: median over nets of (the net's time in the round / the net's median); 1.0 is usual.

    A machine that throttles shows as levels that climb. rounds_by_net: for each net its latencies by round number.
    """
    ratios = {}  # type: dict[int, list[float]]
    for rounds in rounds_by_net:
        middle = median(list(rounds.values())) if rounds else 0.0
        for number, latency in rounds.items():
            ratios.setdefault(number, []).append(latency / middle)
    return {number: median(values) for number, values in sorted(ratios.items())}
