"""Nets run by the Python package onnxruntime, inside this process. The only file that imports it."""

from pathlib import Path
from typing import Any

from hwnas.devices.agent.files import AgentError
from hwnas.devices.agent.runs import Burst, Plan, RunError, Runtime, time_runs


class OnnxRuntime(Runtime):
    """One image after another through one session.

    threads: of one operator, None for onnxruntime's choice. provider: such as "CUDAExecutionProvider".
    """

    name = "onnxruntime"

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
        """A fresh session for every round: what differs between two loads of a net belongs to its spread."""
        import numpy

        options = self._library.SessionOptions()
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        if self._threads:
            options.intra_op_num_threads = self._threads
        try:
            session = self._library.InferenceSession(str(path), options, providers=[self._provider])
            entry = session.get_inputs()[0]
            # Normal noise: all zeros would let the processor's sparse paths and power management look better than life.
            image = numpy.random.RandomState(0).standard_normal(entry.shape).astype(numpy.float32)
            feed = {entry.name: image}
            return time_runs(lambda: session.run(None, feed), plan)
        except Exception as error:  # onnxruntime has no common base class of its errors
            raise RunError("onnxruntime: {}".format(" ".join(str(error).split())[:300])) from None
