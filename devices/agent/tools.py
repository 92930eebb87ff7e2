"""Programs that a runtime starts: found, run without a shell, ended with the agent."""

import shutil
import subprocess
import time
from typing import NamedTuple

from hwnas.devices.agent.files import AgentError
from hwnas.devices.agent.runs import RunError

NUMBER = r"([0-9.]+(?:[eE][+-]?[0-9]+)?)"  # as programs print times


class Output(NamedTuple):
    """What a program printed, line by line with the moments (`time.perf_counter`), and when it started and ended."""

    lines: "list[tuple[float, str]]"
    start: float
    end: float

    @property
    def text(self) -> str:
        """All lines."""
        return "".join(line for _, line in self.lines)

    def moment(self, words: str = "") -> float:
        """When the last line with `words` was printed; the end where there is none."""
        return max([moment for moment, line in self.lines if words in line] or [self.end])


def run_tool(command: "list[str]") -> Output:
    """Run a program to its end. Raises `RunError` unless it exits with 0."""
    start = time.perf_counter()
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            universal_newlines=True,
            errors="replace",  # a "µs" in another encoding than this machine's is no reason to stop
        )
    except OSError as error:
        raise RunError(f"{command[0]} does not start: {error}") from None
    with process:
        try:
            lines = [(time.perf_counter(), line) for line in process.stdout or ()]
            process.wait()
        except BaseException:  # Ctrl-C: the tool must not go on in the background and disturb what comes after
            process.kill()
            raise
    output = Output(lines, start, time.perf_counter())
    if process.returncode:
        tail = " | ".join(output.text.strip().splitlines()[-3:])
        raise RunError(f"{command[0]} exits with {process.returncode}: {tail[-300:]}")
    return output


def find_tool(name: str, advice: str = "give its path with --tool") -> str:
    """Path of a program. Raises `AgentError` with the advice where there is none."""
    places = [name, "/usr/src/tensorrt/bin/" + name]  # where JetPack puts trtexec, which is not on the PATH
    for place in places:
        found = shutil.which(place)
        if found:
            return found
    raise AgentError(f"program {name!r} is not found; {advice}")
