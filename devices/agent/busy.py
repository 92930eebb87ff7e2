"""Whether other work kept the machine busy while nets were measured."""

import calendar
import math
import time
from typing import Any

from hwnas.devices.agent.timings import median

# Tasks of others for each core, above which measuring, with a task for each core too, has little more than half of the
# machine. A command that used all cores and ended just before leaves less, unless it ran for more than 80 s.
BUSY_TASKS = 0.75
LOAD_MEMORY_S = 60.0  # the load of the last minute is a mean of running tasks with weights exp(-age / 60 s)


def busy_note(results: "dict[str, Any]") -> str:
    """One sentence where others kept the processor busy as rounds began; empty otherwise and where no load is known.

    Measuring itself is in the load: with n threads at most n (1 - exp(-t / 60 s)) after t seconds of it. The rest is of
    others; its median over rounds counts, as that of latencies does.
    """
    starts = round_starts(results)
    if not starts:
        return ""
    cores = starts[0]["conditions"].get("cores_online") or results["device"].get("cores") or 1
    threads = results["runtime"].get("threads")
    own = threads if isinstance(threads, int) else cores
    began = min(map(seconds_at, starts))
    others = [
        record["conditions"]["load_1min"] - own * (1 - math.exp((began - seconds_at(record)) / LOAD_MEMORY_S))
        for record in starts
    ]
    if median(others) <= BUSY_TASKS * cores:
        return ""
    load = median([record["conditions"]["load_1min"] for record in starts])
    said = (
        "the machine was BUSY (load {:.1f} on {} cores as rounds began, measuring included): its times may be far too "
    )
    said += "long; measure again into another file when it is idle"
    return said.format(load, cores) + (", or with --threads 1, which suffers less" if threads not in (None, 1) else "")


def round_starts(results: "dict[str, Any]") -> "list[dict[str, Any]]":
    """The first record of each round, of those that state the load."""
    first = {}  # type: dict[int, dict[str, Any]]
    for net in results["nets"]:
        for record in net.get("rounds", ()):
            known = record.get("conditions", {}).get("load_1min") is not None
            if known and record["at"] < first.get(record["round"], {"at": "~"})["at"]:  # "~" is after all digits
                first[record["round"]] = record
    return list(first.values())


def seconds_at(record: "dict[str, Any]") -> int:
    """When the measurement of a record began, in seconds since 1970."""
    return calendar.timegm(time.strptime(record["at"], "%Y-%m-%dT%H:%M:%SZ"))
