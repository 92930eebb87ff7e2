"""`hwnas.Client`: the functions of this package, answered by a service. The only importer of httpx."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any, Final, TypeVar, final

from hwnas.api.adapt import AdaptSettings
from hwnas.api.adapt_forms import AdaptResult
from hwnas.api.devices import DeviceResult
from hwnas.api.given import Architecture, architecture_strings, names_of
from hwnas.api.predict import PredictResult
from hwnas.api.predict_model import ModelPrediction
from hwnas.api.question import Question
from hwnas.api.score_forms import SavedTable, ScoreResult, ScoreSettings, saved_table, score_result
from hwnas.errors import DataError, HwnasError, MissingExtraError, UsageError
from hwnas.folders import require_file
from hwnas.remote_errors import ServiceError, error_of, with_own_names
from hwnas.results import Candidates, ParetoResult, read_form

_Form = TypeVar("_Form")
Progress = Callable[[int, int], None]
_MOST_CANDIDATES: Final = 40_000  # that a service gives
LOOK_S: Final = 0.3  # between two looks at a job
_HERE_ALONE: Final = ("truths", "accuracies", "executor", "workers")  # of a question; a service decides the last two


def _silent(_done: int, _total: int) -> None:
    """No progress."""


@final
class Client:
    """A service, with functions that take and give what those of `hwnas` do.

    server: its address, such as http://127.0.0.1:8765. token: None for `HWNAS_TOKEN`, where that is set.
    timeout_s: for one answer. Raises `MissingExtraError` without httpx. Every call raises what the function of the same
    name raises on the server, and `ServiceError` where there is no service.
    """

    def __init__(self, server: str, *, token: str | None = None, timeout_s: float = 60.0) -> None:
        try:
            import httpx
        except ImportError:
            raise MissingExtraError("asking a service", "service") from None
        if not server.startswith(("http://", "https://")):
            raise UsageError(f"expected the address of a service such as http://127.0.0.1:8765, got {server!r}")
        token = token or os.environ.get("HWNAS_TOKEN")
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._http = httpx.Client(base_url=server, headers=headers, timeout=timeout_s)
        self._server, self._failures = server, (httpx.HTTPError, httpx.InvalidURL)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def pareto(
        self,
        device: str,
        question: Question | None = None,
        *,
        progress: Progress = _silent,
        candidates: bool = False,
        **options: Any,
    ) -> ParetoResult:
        """As `hwnas.pareto`. Waits for a search.

        progress: called with networks that were looked at so far and in all. candidates: have them among the answer,
        for pictures, to six digits: another question to the service, whose answer is about a megabyte.
        Raises `UsageError` for options that a service does not take.
        """
        asked = _unusual((question or Question()).with_options(**options))
        plain = self._ask("POST", "/v1/pareto", progress=progress, json={"device": device, **_listed(asked)})
        front = plain.pop("id")
        result = read_form(ParetoResult, plain)
        return replace(result, candidates=self._candidates(front)) if candidates else result

    def predict(self, architectures: Sequence[Architecture], **options: Any) -> PredictResult:
        """As `hwnas.predict`."""
        asked = {"architectures": _given(architectures), **options}
        return read_form(PredictResult, self._ask("POST", "/v1/predict", json=asked))

    def predict_model(self, model: Path | str, *, device: str, confidence: float = 0.9) -> ModelPrediction:
        """As `hwnas.predict_model` of an ONNX file, which the service reads."""
        path = Path(model)
        require_file(path, "an ONNX model")
        try:
            files = [("model", (path.name, path.read_bytes()))]
        except OSError as error:
            raise DataError(f"expected an ONNX file, got {error.filename}: {error.strerror}") from error
        data = {"device": device, "confidence": str(confidence)}
        answer = read_form(ModelPrediction, self._ask("POST", "/v1/predict/onnx", data=data, files=files))
        return replace(answer, model=str(model))  # a service keeps no names of files

    def score(
        self,
        architectures: Sequence[Architecture],
        *,
        settings: ScoreSettings | None = None,
        progress: Progress = _silent,
        **options: Any,
    ) -> ScoreResult:
        """As `hwnas.score` of architectures, on the usual images alone; waits where they must be computed."""
        how = settings or ScoreSettings()
        if how.images is not None or how.side is not None:
            raise UsageError("expected the usual images, got others: a service computes on those that it has")
        images = {"seed": how.seed, "batch_size": how.most_images}
        asked = {"architectures": _given(architectures), **images, **_named(options)}
        return score_result(self._ask("POST", "/v1/score", progress=progress, json=asked))

    def score_table(
        self,
        *,
        out: Path | None,
        settings: ScoreSettings | None = None,
        progress: Progress = _silent,
        **options: Any,
    ) -> SavedTable:
        """As `hwnas.api.score.score_table`, computed by the service; the table is written to `out`, here."""
        if out is None:
            raise UsageError("expected --out FILE for a table that a service computes, got none")
        how = settings or ScoreSettings()
        asked = {"seed": how.seed, "limit": how.limit, "executor": how.executor, "workers": how.workers}
        asked |= _named(options)
        return saved_table(self._ask("POST", "/v1/score/tables", progress=progress, json=asked), path=out)

    def adapt(
        self,
        measurements: Path | str | Sequence[Path | str],
        *,
        name: str,
        space: str | None = None,
        dataset: str | None = None,
        settings: AdaptSettings | None = None,
    ) -> AdaptResult:
        """As `hwnas.adapt`: the service, and everyone who asks it, knows the device afterwards."""
        paths = [Path(p) for p in ([measurements] if isinstance(measurements, Path | str) else measurements)]
        for path in paths:
            require_file(path, "measurements")
        fields = {"name": name, "space": space, "dataset": dataset, **asdict(settings or AdaptSettings())}
        with ExitStack() as stack:
            try:
                files = [("measurements", (path.name, stack.enter_context(path.open("rb")))) for path in paths]
            except OSError as error:
                raise DataError(f"expected a file of measurements, got {error.filename}: {error.strerror}") from error
            data = {key: str(value) for key, value in fields.items() if value is not None}
            try:
                return read_form(AdaptResult, self._ask("POST", "/v1/adapt", data=data, files=files))
            except HwnasError as error:
                raise with_own_names(error, paths) from None

    def list_devices(self) -> list[dict[str, Any]]:
        """Devices that the service knows; `added` says who added one."""
        return list(self._pages("/v1/devices", "devices"))

    def describe_device(self, name: str) -> DeviceResult:
        """Everything that the service knows of a device."""
        plain = self._ask("GET", f"/v1/devices/{_quoted(name)}")
        for variant in plain["card"]["variants"]:
            variant["columns"] = variant["adapted"] = ()
        return read_form(DeviceResult, {part: plain[part] for part in ("card", "costs")})

    def remove_device(self, name: str) -> str:
        """Remove a device that a user added; its address."""
        address = f"/v1/devices/{_quoted(name)}"
        self._ask("DELETE", address)
        return address

    def list_proxies(self) -> list[dict[str, Any]]:
        """Proxies of the service."""
        return self._listing("proxy")

    def list_combinations(self) -> list[dict[str, Any]]:
        """Combinations of proxies of the service."""
        return self._listing("combination")

    def list_spaces(self) -> list[dict[str, Any]]:
        """Search spaces of the service."""
        return list(self._pages("/v1/spaces", "spaces"))

    def jobs(self) -> Iterator[dict[str, Any]]:
        """Jobs, the newest first."""
        return self._pages("/v1/jobs", "jobs")

    def job(self, job: str) -> dict[str, Any]:
        """A job by its id: `state`, `progress`, `error`."""
        return self._ask("GET", f"/v1/jobs/{_quoted(job)}")

    def cancel(self, job: str) -> dict[str, Any]:
        """Ask for a job's end; the job."""
        return self._ask("POST", f"/v1/jobs/{_quoted(job)}/cancel")

    def resume(self, job: str) -> dict[str, Any]:
        """Begin a failed or cancelled job again; the job."""
        return self._ask("POST", f"/v1/jobs/{_quoted(job)}/resume")

    def wait(self, job: str, *, progress: Progress = _silent) -> dict[str, Any]:
        """The result of a job, once it is done. Raises the error of a job that failed, `ServiceError` if cancelled."""
        while True:
            found = self.job(job)
            steps = found["progress"]
            if steps["total"] is not None:
                progress(steps["done"], steps["total"])
            if found["state"] == "done":
                return self._ask("GET", found["links"]["result"])
            if found["state"] == "failed":
                raise error_of(found["error"])
            if found["state"] == "cancelled":
                raise ServiceError(f"expected job {job} to be done, but it was cancelled; resume it to go on")
            time.sleep(LOOK_S)

    def _candidates(self, front: str) -> Candidates:
        columns = self._ask("GET", f"/v1/fronts/{_quoted(front)}/candidates?most={_MOST_CANDIDATES}")
        if columns["architectures"] > len(columns["index"]):
            raise UsageError(
                f"expected at most {_MOST_CANDIDATES:,} networks to draw, got {columns['architectures']:,} of a "
                "service; leave out the server, or write .json or .csv"
            )
        return Candidates.of_columns(columns)

    def _listing(self, kind: str) -> list[dict[str, Any]]:
        entries = [dict(entry) for entry in self._pages("/v1/proxies", "proxies")]
        return [entry for entry in entries if entry.pop("kind") == kind]

    def _pages(self, address: str, name: str) -> Iterator[dict[str, Any]]:
        following: str | None = address
        while following is not None:
            found = self._ask("GET", following)
            yield from found[name]
            following = found["next"]

    def _ask(self, method: str, address: str, *, progress: Progress = _silent, **content: Any) -> dict[str, Any]:
        """The answer's JSON; that of its job where the service took the question for longer."""
        try:
            answer = self._http.request(method, address, **content)
        except self._failures as error:
            what = f"expected a service at {self._server}, got: {str(error) or type(error).__name__}"
            raise ServiceError(f"{what}; is `hwnas serve` running?") from error
        if answer.status_code == 204:
            return {}
        try:
            plain: dict[str, Any] = json.loads(answer.content)
        except ValueError:
            raise ServiceError(f"expected JSON of {self._server}, got {answer.status_code}; is it hwnas?") from None
        if answer.is_error:
            raise error_of(plain)
        return self.wait(plain["id"], progress=progress) if answer.status_code == 202 else plain


def _unusual(question: Question) -> dict[str, Any]:
    """What is asked other than by default. Raises `UsageError` for what a service does not take."""
    usual = Question()
    asked = {column.name: getattr(question, column.name) for column in fields(question)}
    asked = {name: value for name, value in asked.items() if value != getattr(usual, name)}
    for name in _HERE_ALONE:
        if name in asked:
            raise UsageError(f"expected a question that a service takes, got one with {name}; drop it, or ask here")
    return asked


def _given(architectures: Sequence[Architecture]) -> list[str]:
    """Architectures as text. Raises `UsageError` for none, and for what is no list of them."""
    strings = architecture_strings(architectures)
    if not strings:
        raise UsageError("expected at least one architecture, got none")
    return strings


def _named(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options with proxies as a list of names, where they are given. Raises `UsageError` for what are none."""
    proxies = options.get("proxies")
    return {**options} if proxies is None else {**options, "proxies": list(names_of("proxies", proxies))}


def _listed(values: Mapping[str, Any]) -> dict[str, Any]:
    """Tuples as lists."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def _quoted(name: str) -> str:
    from urllib.parse import quote

    return quote(name, safe="")
