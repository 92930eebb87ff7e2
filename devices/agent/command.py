"""Nets run by any command, whose output or wall time gives the latency."""

import json
import re
import shlex
from pathlib import Path
from typing import Any, NamedTuple

from hwnas.devices.agent.files import AgentError
from hwnas.devices.agent.runs import Burst, Plan, RunError, Runtime
from hwnas.devices.agent.timings import spread_of_runs
from hwnas.devices.agent.tools import run_tool

UNITS_MS = {"ms": 1.0, "us": 1e-3, "s": 1e3}


class CommandForm(NamedTuple):
    """A command and how its output is read.

    template: words with {model}, {n} or {runs}, {kit}. regex: its first group is a latency; every match is one run.
    key: dotted path in the JSON that the command prints, a number or a list of runs. unit: of either: ms, us, s.
    With neither, the wall time of the process divided by {n} stands in, and the results say so.
    """

    template: str
    regex: str = ""
    key: str = ""
    unit: str = "ms"


class Command(Runtime):
    """Any program of the user, run without a shell."""

    name = "command"

    def __init__(self, form: CommandForm, uses_gpu: bool = False) -> None:
        if "{model}" not in form.template:
            raise AgentError(f"expected {{model}} in --command, got {form.template!r}")
        if form.unit not in UNITS_MS:
            raise AgentError(f"expected a --latency-unit of ms, us or s, got {form.unit!r}")
        try:
            known = re.compile(form.regex).groups >= 1 or not form.regex
        except re.error as error:
            raise AgentError(f"expected a regular expression, got {form.regex!r}: {error}") from None
        if not known:
            raise AgentError(f"expected a group such as ([0-9.]+) in --latency-regex, got {form.regex!r}")
        self._form, self.uses_gpu = form, uses_gpu

    def facts(self) -> "dict[str, Any]":
        """The template and how the latency is read."""
        how = "as the command prints it" if self._form.regex or self._form.key else "wall time of the whole process"
        return {"command": self._form.template, "precision": "not stated", "timed": how}

    def measure(self, path: Path, plan: Plan) -> Burst:
        """One run of the command."""
        places = {"model": str(path), "n": plan.min_runs, "runs": plan.min_runs, "kit": str(path.parent.parent)}
        try:
            command = [word.format(**places) for word in shlex.split(self._form.template)]
        except (KeyError, IndexError, ValueError) as error:
            raise RunError(f"--command has {error}; it may name {{model}}, {{n}}, {{kit}}") from None
        output = run_tool(command)
        if not (self._form.regex or self._form.key):
            counts = "{n}" in self._form.template or "{runs}" in self._form.template
            runs = plan.min_runs if counts else 1
            statistic = f"wall time of the process, start-up included, divided by {runs} runs"
            latency_ms = (output.end - output.start) * 1e3 / runs
            return Burst({"median": latency_ms}, runs, output.start, output.end, statistic)
        return parse_output(output.text, self._form, output.moment())


def parse_output(output: str, form: CommandForm, end: float) -> Burst:
    """Latencies in what a command printed: all matches of the expression, or the number or list at the key."""
    found = _at_key(output, form.key) if form.key else [match.group(1) for match in re.finditer(form.regex, output)]
    try:
        times_ms = [float(value) * UNITS_MS[form.unit] for value in found]
    except (TypeError, ValueError):
        raise RunError(f"expected a number of {form.unit}, got {found!r}") from None
    if not times_ms:
        raise RunError(f"the command's output has no match for {form.regex!r}")
    if len(times_ms) == 1:
        return Burst({"median": times_ms[0]}, None, end, end, "single value that the command prints")
    return Burst(spread_of_runs(times_ms), len(times_ms), end - sum(times_ms) / 1e3, end)


def _at_key(output: str, key: str) -> "list[Any]":
    start = output.find("{")
    try:
        value = json.JSONDecoder().raw_decode(output[max(start, 0) :])[0]
        for part in key.split("."):
            value = value[int(part)] if isinstance(value, list) else value[part]
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise RunError(f"the command printed no JSON with the key {key!r}: {error!r}") from None
    return value if isinstance(value, list) else [value]
