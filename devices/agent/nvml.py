"""Energy of an NVIDIA GPU by NVML, the library behind nvidia-smi (NVIDIA, NVML API reference)."""

import ctypes

from hwnas.devices.agent.meters import Meter, NoMeterError

NVML_MESSAGES = {3: "not supported by this GPU", 4: "no permission", 6: "no GPU of this number", 9: "no driver"}


class Nvml(Meter):
    """One GPU: its energy counter (Volta and later) where it has one, else its power, which averages over a second."""

    name = "NVML"
    rails = ("gpu",)
    total = ("gpu",)

    def __init__(self, gpu: int = 0, library: "object | None" = None) -> None:
        self._library = _open() if library is None else library
        self._handle = ctypes.c_void_p()
        self._call("nvmlInit_v2")
        self._call("nvmlDeviceGetHandleByIndex_v2", ctypes.c_uint(gpu), ctypes.byref(self._handle))
        try:
            self._energy_j()
            self.counts = True
        except OSError:
            self.lag_s = 1.0
            try:
                self._power_w()
            except OSError as error:
                raise NoMeterError(str(error)) from None
        sensor = "energy counter" if self.counts else "power, averaged by the sensor over up to a second"
        self.facts = {"gpu": gpu, "gpu_name": self._name(), "sensor": sensor}

    def read(self) -> "list[float]":
        """Joules since the driver was loaded, or watts."""
        return [self._energy_j() if self.counts else self._power_w()]

    def _energy_j(self) -> float:
        millijoules = ctypes.c_ulonglong()
        self._call("nvmlDeviceGetTotalEnergyConsumption", self._handle, ctypes.byref(millijoules), fails=OSError)
        return millijoules.value / 1e3

    def _power_w(self) -> float:
        milliwatts = ctypes.c_uint()
        self._call("nvmlDeviceGetPowerUsage", self._handle, ctypes.byref(milliwatts), fails=OSError)
        return milliwatts.value / 1e3

    def _name(self) -> str:
        text = ctypes.create_string_buffer(96)
        self._call("nvmlDeviceGetName", self._handle, text, ctypes.c_uint(96))
        return text.value.decode("utf-8", "replace")

    def _call(self, name: str, *arguments: object, fails: "type[Exception]" = NoMeterError) -> None:
        code = getattr(self._library, name)(*arguments)
        if code:
            raise fails("NVML {} failed: {}".format(name, NVML_MESSAGES.get(code, f"error {code}")))


def _open() -> "ctypes.CDLL":
    try:
        return ctypes.CDLL("libnvidia-ml.so.1")
    except OSError:
        raise NoMeterError("no NVIDIA driver (libnvidia-ml.so.1)") from None
