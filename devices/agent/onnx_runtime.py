"""Nets run by the Python package onnxruntime, inside this process. The only file that imports it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from hwnas.devices.agent.files import AgentError
from hwnas.devices.agent.runs import Burst, Plan, RunError, Runtime, time_runs
from hwnas.devices.agent.timings import inner_mean


class NodeProfile(NamedTuple):
    """A net measured node by node.

    nodes_ms: time of each node of the optimised graph by its name. run_ms: of a whole run without the profiler, which
    takes time of its own.
    """

    nodes_ms: "dict[str, float]"
    run_ms: float


class OnnxRuntime(Runtime):
    """One image after another through one session.

    threads: of one operator, None for onnxruntime's choice. provider: such as "CUDAExecutionProvider".
    """

    name = "onnxruntime"
    reads = ("onnx",)

    def __init__(self, threads: "int | None" = None, provider: str = "CPUExecutionProvider") -> None:
        try:
            import onnxruntime
        except ImportError:
            raise AgentError(
                "onnxruntime is not installed: run `python3 -m pip install onnxruntime`, or use another --runtime"
            ) from None
        self._library = onnxruntime
        if provider not in onnxruntime.get_available_providers():
            known = ", ".join(onnxruntime.get_available_providers())
            raise AgentError(f"onnxruntime has no provider {provider!r} here; it has {known}")
        self._threads, self._provider = threads, provider
        self.uses_gpu = any(word in provider for word in ("CUDA", "Tensorrt", "ROCM"))

    def facts(self) -> "dict[str, Any]":
        """Version, provider, threads."""
        return {
            "version": self._library.__version__,
            "provider": self._provider,
            "threads": self._threads or "default",
            "precision": "fp32",
            "timed": "session.run, copies of input and output included",
        }

    def measure(self, path: Path, plan: Plan) -> Burst:
        """A fresh session for every round: what differs between two loads of a net belongs to its spread.

        Raises `RunError`, and `AgentError` where another provider than the one asked for would run.
        """
        try:
            return time_runs(self._runner(str(path), self._options())[0], plan)
        except AgentError:
            raise
        except Exception as error:  # onnxruntime has no common base class of its errors
            raise RunError("onnxruntime: {}".format(" ".join(str(error).split())[:300])) from None

    def profile(self, model: bytes, folder: Path, plan: Plan) -> NodeProfile:
        """Every node of a net by onnxruntime's own profiler, and its whole run without.

        folder: for the profile; `optimised.onnx` in it is the graph whose nodes were timed. Raises as `measure`.
        """
        try:
            options = self._options()
            options.enable_profiling = True
            options.profile_file_prefix = str(folder / "profile")
            options.optimized_model_filepath = str(folder / "optimised.onnx")
            run, session = self._runner(model, options)
            time_runs(run, plan)
            written = Path(session.end_profiling())
            events = json.loads(written.read_text(encoding="utf-8"))
            written.unlink()
            burst = time_runs(self._runner(model, self._options())[0], plan)
        except AgentError:
            raise
        except Exception as error:  # as above
            raise RunError("onnxruntime: {}".format(" ".join(str(error).split())[:300])) from None
        return NodeProfile(node_times(events), burst.latency_ms["median"])

    def _options(self) -> "Any":
        options = self._library.SessionOptions()
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        if self._threads:
            options.intra_op_num_threads = self._threads
        return options

    def _runner(self, model: "str | bytes", options: "Any") -> "tuple[Callable[[], object], Any]":
        """A run of a fresh session, and the session."""
        import numpy

        session = self._library.InferenceSession(model, options, providers=[self._provider])
        self._require_provider(session.get_providers())
        session.disable_fallback()  # else a run that fails is done again by another provider
        # Normal noise: all zeros would let the processor's sparse paths and power management look better than life.
        random = numpy.random.RandomState(0)
        feed = {e.name: random.standard_normal(e.shape).astype(numpy.float32) for e in session.get_inputs()}
        return (lambda: session.run(None, feed)), session

    def _require_provider(self, running: "list[str]") -> None:
        """onnxruntime takes the CPU, without an error, where the libraries of a provider do not load."""
        if running[:1] != [self._provider]:
            raise AgentError(
                "expected onnxruntime {} to run by {}, which did not start: it would run by {}; check that the package "
                "is onnxruntime-gpu and that its versions of CUDA and cuDNN (or TensorRT) are the installed ones, or "
                "give --provider CPUExecutionProvider".format(
                    self._library.__version__, self._provider, ", ".join(running) or "none"
                )
            )


def node_times(events: "list[dict[str, Any]]") -> "dict[str, float]":
    """Milliseconds of each node by name from the events of a profile: the mean of the inner half of its runs.

    The profiler counts whole microseconds, so that a median would round small kernels.
    """
    times = {}  # type: dict[str, list[float]]
    ending = "_kernel_time"
    for event in events:
        if event.get("cat") == "Node" and event["name"].endswith(ending):
            times.setdefault(event["name"][: -len(ending)], []).append(event["dur"] / 1e3)
    return {name: inner_mean(values) for name, values in times.items()}
