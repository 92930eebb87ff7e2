"""What is installed, which data is present, and what to do about what is not."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, Final, Literal, final

from hwnas.api.devices import adapted_fault, unknown_space
from hwnas.data import cache_folder, list_sources, verify
from hwnas.data.sources import SOURCES
from hwnas.devices import load_devices, read_card, user_cards
from hwnas.devices.registry import wrong_cards
from hwnas.errors import DataError, HwnasError
from hwnas.latency.kernels.files import load_kernel_model
from hwnas.latency.kernels.store import own_kernel_models
from hwnas.latency.regressions import open_regressions
from hwnas.predictors.shipped import SHIPPED_FOLDER, open_shipped_costs
from hwnas.proxies.table import load_scores
from hwnas.version import __version__

Status = Literal["ok", "absent", "broken"]
# What an extra is for, and the command that needs it: an extra that is not there is no fault.
EXTRAS: Final = {
    "truth": "true accuracies of CIFAR-10 without a download",
    "torch": "scores and predictors of your own (`hwnas score`, `hwnas train`)",
    "plot": "pictures (`--out file.png`)",
    "onnx": "measuring networks (`hwnas plan`, `hwnas measure`)",
    "service": "the service and its client (`hwnas serve`, `--server`)",
    "models": "named ImageNet models (space `imagenet-models`)",
    "tflite": "kits and files for phones and LiteRT (`--format tflite`, `hwnas export net.tflite`)",
    "search": "searching spaces that cannot be enumerated (`hwnas pareto --method nsga2`)",
}
PREDICTED: Final = ("nasbench201", "fbnet", "ofa")  # spaces for which models of known devices are shipped


@final
@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was looked at.

    status: "broken" needs repair; "absent" is an option that is not used. advice: what to do; empty where nothing.
    """

    group: Literal["python", "core", "extra", "shipped", "own", "data", "folder"]
    name: str
    status: Status
    detail: str
    advice: str = ""


@final
@dataclass(frozen=True, kw_only=True)
class DoctorResult:
    """Everything that was looked at."""

    findings: tuple[Finding, ...]

    @property
    def broken(self) -> bool:
        """Whether anything needs repair."""
        return any(finding.status == "broken" for finding in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"broken": self.broken, "findings": [asdict(finding) for finding in self.findings]}


def doctor() -> DoctorResult:
    """Look at Python, installed packages, shipped files, public tables and folders. Changes nothing, loads no torch."""
    findings = [*_python(), *_packages(), *_shipped_costs(), *_shipped_scores(), *_cards()]
    return DoctorResult(findings=(*findings, *_own_models(), *_own_kernel_models(), *_tables(), _cache()))


def _python() -> Iterator[Finding]:
    where = f"{platform.python_version()} on {platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    yield Finding(group="python", name="python", status="ok", detail=where)
    yield Finding(group="python", name="hwnas", status="ok", detail=f"{__version__}, {Path(__file__).parents[1]}")


def _packages() -> Iterator[Finding]:
    """Each requirement that the installed metadata names: of the core, and of the extras that people install."""
    for text in requires("hwnas") or []:
        requirement, _, condition = text.partition(";")
        name = requirement.strip().split("[")[0].rstrip("<>=!~.0123456789, ")
        extra = condition.partition("extra == ")[2].strip("\"' )")
        if name == "hwnas" or (extra and extra not in EXTRAS) or ("python_version" in condition and not extra):
            continue
        try:
            detail, status = version(name), "ok"
        except PackageNotFoundError:
            detail, status = "not installed", "absent" if extra else "broken"
        advice = ""
        if status != "ok":
            what = f"hwnas[{extra}]" if extra else requirement.strip()
            purpose = f" for {EXTRAS[extra]}" if extra else ""
            advice = f'run `python -m pip install "{what}"`{purpose}'
        group: Literal["extra", "core"] = "extra" if extra else "core"
        label = f"{name} ({extra})" if extra else name
        yield Finding(group=group, name=label, status=_status(status), detail=detail, advice=advice)


def _shipped_costs() -> Iterator[Finding]:
    """Of the spaces whose devices are predicted; in others tables and kernel models answer, or nothing."""
    for space in PREDICTED:
        name = f"predicted costs, {space}"
        try:
            columns = _columns(space)
        except HwnasError as error:
            yield Finding(group="shipped", name=name, status="broken", detail=str(error), advice="install hwnas again")
            continue
        if columns:
            detail = f"{columns} columns of device, data set and target"
            yield Finding(group="shipped", name=name, status="ok", detail=detail)
        else:
            advice = "install hwnas again"
            yield Finding(group="shipped", name=name, status="absent", detail="not there", advice=advice)


def _columns(space: str) -> int:
    """Columns of costs that are shipped for a space, one of them read in full. Raises `DataError`."""
    costs = open_shipped_costs(SHIPPED_FOLDER, space)
    if costs is None:
        return len(open_regressions(SHIPPED_FOLDER, space))
    costs.head(costs.heads[0])
    return len(costs.heads)


def _shipped_scores() -> Iterator[Finding]:
    files = sorted(SHIPPED_FOLDER.glob("*_scores.npz"))
    if not files:
        advice = "make them with `hwnas score --all`"
        yield Finding(group="shipped", name="proxy scores", status="absent", detail="not shipped", advice=advice)
    for path in files:
        try:
            table = load_scores(path)
        except HwnasError as error:
            detail, status, advice = str(error), "broken", "install hwnas again"
        else:
            detail, status, advice = f"{len(table.network_ids):,} networks by {', '.join(table.proxies)}", "ok", ""
        yield Finding(group="shipped", name=path.stem, status=_status(status), detail=detail, advice=advice)


def _cards() -> Iterator[Finding]:
    name, wrong = "device cards", wrong_cards()
    try:
        detail = f"{len(load_devices())} cards; yours go to {user_cards()}"
        yield Finding(group="shipped", name=name, status="ok", detail=detail)
    except HwnasError as error:
        advice = f"{error}; correct or remove the card"
        yield Finding(group="shipped", name=name, status="broken", detail=str(error), advice=advice)
    for path, fault in wrong.items():
        advice = f"{fault}; correct the card, or `hwnas devices {path.stem} --remove`"
        yield Finding(group="own", name=f"card {path.stem}", status="broken", detail=str(fault), advice=advice)


def _own_models() -> Iterator[Finding]:
    """What was adapted to devices of the user's own, each model loaded."""
    for card in map(read_card, sorted({*user_cards().glob("*.toml")} - {*wrong_cards()})):
        for variant in card.variants:
            device = card.device(variant.name)
            for model in variant.adapted:
                where = f"{model.target} of {device.reference}, {model.space}, {model.dataset}"
                fault, unknown = adapted_fault(model, device), unknown_space(model)
                detail = fault or unknown or f"{model.method}, {model.nets} measurements on {model.date}"
                status = "broken" if fault else "absent" if unknown else "ok"
                advice = fault or unknown
                yield Finding(group="own", name=where, status=_status(status), detail=detail, advice=advice)


def _own_kernel_models() -> Iterator[Finding]:
    for path in own_kernel_models():
        try:
            model = load_kernel_model(path)
        except DataError as error:
            yield Finding(group="own", name=path.stem, status="broken", detail=str(error), advice=str(error))
        else:
            yield Finding(group="own", name=path.stem, status="ok", detail=model.summary)


def _tables() -> Iterator[Finding]:
    """Sources by whether their tables are in the cache; every byte of those that are there is checked."""
    damaged = {result.name: result.reason for result in verify() if result.status == "damaged"}
    for entry in list_sources():
        source = entry.source
        faults = [damaged[name] for name in (*source.tables, *(file.path for file in source.files)) if name in damaged]
        if faults:
            yield Finding(group="data", name=source.name, status="broken", detail=faults[0])
        elif entry.status == "present":
            yield Finding(group="data", name=source.name, status="ok", detail=source.adds)
        elif source.tables and SOURCES[source.name].kind == "files":
            advice = f"run `hwnas data pull {source.name}` for {source.adds}"
            yield Finding(group="data", name=source.name, status="absent", detail=entry.status, advice=advice)


def _cache() -> Finding:
    """Whether tables can be written; the folder itself need not exist yet."""
    folder = cache_folder()
    try:
        existing = next(path for path in (folder, *folder.parents) if path.exists())
        with TemporaryFile(dir=existing):  # os.access answers yes to root everywhere
            return Finding(group="folder", name="cache", status="ok", detail=str(folder))
    except OSError as error:
        reason = error.strerror or str(error)
    advice = "make it writable, or set HWNAS_DATA to another folder"
    return Finding(group="folder", name="cache", status="broken", detail=f"{folder}: {reason}", advice=advice)


def _status(word: str) -> Status:
    return "ok" if word == "ok" else "absent" if word == "absent" else "broken"
