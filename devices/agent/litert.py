"""Nets run by the Python package of LiteRT (TensorFlow Lite), inside this process. The only file that imports it."""

import ctypes
import importlib
from pathlib import Path
from typing import Any

from hwnas.devices.agent.files import AgentError
from hwnas.devices.agent.runs import Burst, Plan, RunError, Runtime, time_runs

# Modules with an `Interpreter`, the newest package first; all of one interface.
LITERT_MODULES = ("ai_edge_litert.interpreter", "tflite_runtime.interpreter", "tensorflow.lite.python.interpreter")


class Litert(Runtime):
    """One image after another through one interpreter, on files `*.tflite`.

    threads: None for the library's choice. delegate: shared library of an accelerator, such as "libedgetpu.so.1".
    """

    name = "litert"
    reads = ("tflite", "onnx")

    def __init__(self, threads: "int | None" = None, delegate: str = "") -> None:
        self._module = find_litert()
        self._threads, self._delegate = threads, delegate
        self.uses_gpu = "gpu" in delegate.lower()
        if delegate:
            self._load_delegate()  # whether there is one shows before an hour of measuring

    def facts(self) -> "dict[str, Any]":
        """Package, version, threads, delegate."""
        package = self._module.__name__.split(".")[0]
        facts = {
            "version": str(getattr(importlib.import_module(package), "__version__", "unknown")),
            "package": package,
            "threads": self._threads or "default",
            "precision": "as the .tflite files were converted",
            "timed": "interpreter.invoke, without copies of input and output",
        }
        return dict(facts, delegate=self._delegate) if self._delegate else facts

    def measure(self, path: Path, plan: Plan) -> Burst:
        """A fresh interpreter for every round: what differs between two loads of a net belongs to its spread."""
        model = tflite_of(path)
        try:
            delegates = [self._load_delegate()] if self._delegate else None
            interpreter = self._module.Interpreter(
                model_path=str(model), num_threads=self._threads, experimental_delegates=delegates
            )
            interpreter.allocate_tensors()
            for entry in interpreter.get_input_details():
                interpreter.set_tensor(entry["index"], random_input(entry["shape"], entry["dtype"]))
            return time_runs(interpreter.invoke, plan)
        except (RuntimeError, ValueError) as error:
            raise RunError("litert: {}".format(" ".join(str(error).split())[:300])) from None

    def _load_delegate(self) -> "Any":
        try:
            ctypes.CDLL(self._delegate)  # the package's own loading leaves an error behind where there is no library
            return self._module.load_delegate(self._delegate)
        except (OSError, ValueError) as error:
            raise AgentError(
                f"delegate {self._delegate!r} does not load: {error}; give the path of its library with --delegate"
            ) from None


def find_litert() -> "Any":
    """The module with the interpreter. Raises `AgentError` where no package has one."""
    for name in LITERT_MODULES:
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    raise AgentError(
        "no package with an interpreter of TFLite files is installed: run `python3 -m pip install ai-edge-litert`, or "
        "use --runtime tflite with benchmark_model"
    )


def tflite_of(path: Path) -> Path:
    """The TFLite file of a net: itself, or the one that lies beside its ONNX file. Raises `RunError` without one."""
    model = path.with_suffix(".tflite")
    if not model.exists():
        raise RunError(f"{model.name} is missing: plan a kit with --format tflite, or convert the ONNX files yourself")
    return model


def random_input(shape: "Any", dtype: "Any") -> "Any":
    """Normal noise, of whole numbers over their range: zeros would let sparse paths look better than life."""
    import numpy

    random = numpy.random.RandomState(0)
    if numpy.issubdtype(dtype, numpy.integer):
        limits = numpy.iinfo(dtype)
        return random.randint(limits.min, limits.max + 1, size=tuple(shape), dtype=dtype)
    return random.standard_normal(tuple(shape)).astype(dtype)
