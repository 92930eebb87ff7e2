"""Which energy meter of this machine to read."""

from pathlib import Path

from hwnas.devices.agent.files import AgentError
from hwnas.devices.agent.ina3221 import Ina3221
from hwnas.devices.agent.meters import Meter, NoMeterError
from hwnas.devices.agent.nvml import Nvml
from hwnas.devices.agent.rapl import Rapl

METERS = ("ina3221", "nvml", "rapl")


def choose_meter(
    wanted: str = "auto", uses_gpu: bool = False, gpu: int = 0, root: Path = Path("/")
) -> "tuple[Meter | None, str]":
    """The meter to read, or None and the reason why there is none.

    "auto": INA3221, which measures a whole board; else the GPU's for what runs on a GPU, else the processor's.
    Raises `AgentError` where a meter that was asked for by name cannot be read.
    """
    if wanted == "none":
        return None, "no meter was wanted"
    if wanted not in METERS and wanted != "auto":
        raise AgentError(f"expected a meter of auto, none, {', '.join(METERS)}, got {wanted!r}")
    reasons = []
    for name in ("ina3221", "nvml" if uses_gpu else "rapl") if wanted == "auto" else (wanted,):
        try:
            return (Nvml(gpu) if name == "nvml" else Ina3221(root) if name == "ina3221" else Rapl(root)), ""
        except NoMeterError as error:
            reasons.append(str(error))
    if wanted != "auto":
        raise AgentError(f"meter {wanted}: {reasons[0]}")
    return None, "; ".join(reasons)
