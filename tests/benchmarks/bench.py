"""Speed as ratios against something that runs beside it: `python tests/benchmarks/bench.py`.

Processes are timed in turn (A B A B ...) and the median of each is printed with the ratio of the medians and the peak
memory, so that a slow machine slows both. Nothing is asserted: tests do not depend on times.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

ROUNDS = 9
HWNAS = str(Path(sys.executable).with_name("hwnas"))
MAIN_JOB = [HWNAS, "pareto", "--device", "jetson-tx2", "--budget-mj", "20", "--proxy", "zen"]


def run_process(arguments: list[str], environment: dict[str, str]) -> tuple[float, float]:
    """Wall seconds and peak memory (MB) of one process."""
    start = time.perf_counter()
    child = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, env=environment)
    _, status, usage = os.wait4(child.pid, 0)
    assert status == 0, arguments
    return time.perf_counter() - start, usage.ru_maxrss / 1000


def compare_processes(name: str, arguments: list[str], baseline: list[str], environment: dict[str, str]) -> None:
    """Print the medians of `arguments` and of `baseline`, run in turn."""
    runs = [(run_process(arguments, environment), run_process(baseline, environment)) for _ in range(ROUNDS + 1)][1:]
    own, other = (statistics.median(run[side][0] for run in runs) for side in (0, 1))
    memory = max(run[0][1] for run in runs)
    print(f"{name:48s} {own:8.3f} s {other:8.3f} s {own / other:8.1f} {memory:8.0f} MB")


def compare_calls(name: str, call: Callable[[], object], baseline: Callable[[], object]) -> None:
    """Print the medians of two calls in this process, run in turn."""
    times = []
    for _ in range(ROUNDS + 1):
        marks = [time.perf_counter()]
        for each in (call, baseline):
            each()
            marks.append(time.perf_counter())
        times.append(np.diff(marks))
    own, other = np.median(times[1:], axis=0)
    print(f"{name:48s} {own * 1000:7.2f} ms {other * 1000:7.2f} ms {own / other:8.1f}")


def main() -> None:
    """Every benchmark, a line each: what, its median, the baseline's median, their ratio."""
    print(f"{'what':48s} {'median':>10s} {'baseline':>10s} {'ratio':>8s} {'peak memory':>11s}")
    with tempfile.TemporaryDirectory() as cache:
        environment = {**os.environ, "HWNAS_DATA": cache}
        numpy_alone = [sys.executable, "-c", "import numpy"]
        compare_processes("main job / import numpy", MAIN_JOB, numpy_alone, environment)
        compare_processes("hwnas --help / import numpy", [HWNAS, "--help"], numpy_alone, environment)
    front_benchmarks()
    predictor_benchmarks()
    proxy_benchmarks()


def front_benchmarks() -> None:
    """Fronts and lists of the whole space, beside one sort of it."""
    from hwnas.pareto import exhaustive_front, shortlist

    points = np.random.default_rng(0).random((15_625, 3))
    sort = lambda: np.lexsort(points.T)  # noqa: E731
    compare_calls(
        "front, 15,625 nets x 3 costs, 2 bounds / one sort",
        lambda: exhaustive_front(points, bounds=(0.5, 0.5, None)),
        sort,
    )
    compare_calls(
        "shortlist of 20, 15,625 nets, 1 bound / one sort",
        lambda: shortlist(points[:, :1], points[:, 2], bounds=(0.5,)),
        sort,
    )


def predictor_benchmarks() -> None:
    """All nets by one trained predictor, beside the encoding of its input."""
    from hwnas.predictors.bundle import load_bundle
    from hwnas.predictors.shipped import SHIPPED_FOLDER
    from hwnas.spaces import NASBench201

    space = NASBench201()
    vectors, first = space.all_vectors(), load_bundle(SHIPPED_FOLDER, space)[0]
    encodings = {"mlp": space.features, "gcn": space.cell_graphs}
    for kind, regressor in first.items():
        compare_calls(
            f"44 heads x 15,625 nets by the {kind.upper()} / encoding",
            lambda regressor=regressor: regressor.predict(vectors),
            lambda kind=kind: encodings[kind](vectors),
        )


def proxy_benchmarks() -> None:
    """Five proxies with shared passes, beside each on its own with a deep copy, the usual way in public code."""
    import copy

    import torch

    from hwnas.proxies import PROXIES, score_module
    from hwnas.proxies.batches import Task, noise_batch
    from hwnas.spaces import NASBench201

    space = NASBench201()
    vector = space.parse(["|nor_conv_3x3~0|+|none~0|skip_connect~1|+|nor_conv_1x1~0|none~1|avg_pool_3x3~2|"])[0]
    batch = noise_batch(Task(dataset="cifar10", image_shape=(3, 32, 32), classes=10), size=64, seed=0)
    module = space.module(vector, dataset="cifar10", pruned=True)
    chosen = [PROXIES[name] for name in ("grad_norm", "snip", "naswot", "synflow")]
    last = module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    plain = space.module(vector, dataset="cifar10")
    compare_calls(
        "4 proxies, 64 images, shared passes / each alone",
        lambda: score_module(last, batch, chosen),
        lambda: [score_module(copy.deepcopy(plain), batch, [proxy]) for proxy in chosen],
    )


if __name__ == "__main__":
    sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != Path(__file__).parent]
    main()
