"""Nets timed as torch modules on this machine: a runtime like those of the measuring agent."""

from __future__ import annotations

from pathlib import Path
from typing import Any, final

from hwnas.devices.agent.runs import Burst, Plan, RunError, Runtime, time_runs
from hwnas.errors import MissingExtraError, UsageError
from hwnas.spaces import get_space


@final
class TorchRuntime(Runtime):
    """Modules of a space in evaluation mode, without gradients, on the CPU.

    manifest: of the kit; a net is built from its architecture there, not from the ONNX file. threads: None for torch's
    choice. Raises `MissingExtraError` without torch, `UsageError` for an unknown space.
    """

    name = "torch"
    reads = ("onnx",)

    def __init__(self, manifest: dict[str, Any], *, threads: int | None = None) -> None:
        try:
            import torch
        except ImportError:
            raise MissingExtraError("the runtime torch", "torch") from None
        if threads is not None:
            if threads < 1:
                raise UsageError(f"expected at least one thread, got {threads}")
            torch.set_num_threads(threads)
        self._space, self._dataset = get_space(manifest["space"]), manifest["dataset"]
        self._nets = {Path(net["file"]).name: net for net in manifest["nets"]}

    def facts(self) -> dict[str, Any]:
        """Version, threads, precision, what is timed."""
        import torch

        return {
            "version": torch.__version__,
            "threads": torch.get_num_threads(),
            "precision": "fp32",
            "timed": "a call of the module, eager, inference_mode",
        }

    def measure(self, path: Path, plan: Plan) -> Burst:
        """Build the module anew for every round and time its calls."""
        import torch

        net = self._nets[path.name]
        vector = self._space.parse([net["arch"]])[0]
        torch.manual_seed(0)
        module = self._space.module(vector, dataset=self._dataset).eval()
        images = torch.randn(*net["input_shape"])
        try:
            with torch.inference_mode():
                return time_runs(lambda: module(images), plan)
        except RuntimeError as error:
            raise RunError(f"torch: {' '.join(str(error).split())[:300]}") from error
