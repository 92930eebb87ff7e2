"""A small kit with made-up nets, and ways to run its agent alone."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hwnas.devices.kit import KitFacts, KitNet, write_kit

# A "tool" that takes the first number of a file for its latency and prints it with a noise that is always the same.
TOOL = """
import sys, time
latency = float(open(sys.argv[1]).read().split()[0])
for run in range(int(sys.argv[2])):
    print("run %d: time %.4f ms" % (run, latency * (1 + 0.01 * ((run * 7) % 5 - 2))))
"""
NETS = {"000-4": 2.0, "001-7": 4.0, "002-9": 6.0}


def write_small_kit(folder: Path) -> Path:
    """A kit whose three files hold their latency as text."""
    nets, files = [], {}
    for name, latency in NETS.items():
        content = f"{latency} stands for a net\n".encode()
        files[f"nets/{name}.onnx"] = content
        nets.append(
            KitNet(
                name=name,
                arch=name.split("-")[1],
                index=int(name.split("-")[1]),
                role="calibrate",
                file=f"nets/{name}.onnx",
                sha256=hashlib.sha256(content).hexdigest(),
                input_shape=(1, 3, 32, 32),
            )
        )
    facts = KitFacts(
        space="nasbench201", dataset="cifar10", batch_size=1, seed=0, method="random", chosen="Drawn by hand."
    )
    write_kit(folder, facts=facts, nets=nets, files=files)
    (folder / "tool.py").write_text(TOOL)
    return folder


@pytest.fixture(scope="session")
def small_kit() -> Callable[[Path], Path]:
    """Writes such a kit; for tests that need one for each example."""
    return write_small_kit


@pytest.fixture
def kit(tmp_path: Path) -> Path:
    return write_small_kit(tmp_path / "kit")


Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def agent(kit: Path) -> Run:
    """Run the kit's agent as a board without any package would: isolated, without site-packages, warnings as errors."""

    def run(*arguments: str, python: str = sys.executable) -> subprocess.CompletedProcess[str]:
        command = f"{sys.executable} {kit}/tool.py {{model}} {{n}}"
        usual = ["--runtime", "command", "--command", command, "--latency-regex", r"time ([0-9.]+) ms"]
        return subprocess.run(
            [python, "-I", "-S", "-W", "error", str(kit / "agent.py"), *usual, *arguments],
            capture_output=True,
            text=True,
            check=False,
        )

    return run
