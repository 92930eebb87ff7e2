"""Bodies and files that were right before something in them changed: an answer or a clear refusal each, and the process
that reads them stays as it is. Ten thousand of each: `python -m pytest -m slow tests/service`.
"""

from __future__ import annotations

import json
import random
import resource
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hwnas.errors import HwnasError
from hwnas.service.settings import Limits
from hwnas.service.store import Kind
from hwnas.service.tasks import get_task
from hwnas.service.tasks.task import Work
from hwnas.service.uploads import pack_measurements

LONG = pytest.param(10_000, marks=pytest.mark.slow)
ODD = [None, True, -1, 0, 1.5, 2**63, 1e308, -0.0, "", "nan", "\x00", "\ud800", "é" * 300, [], [[]], {}, {"a": 1}]
BODIES: list[tuple[str, dict[str, Any]]] = [
    ("/v1/pareto", {"device": "jetson-tx2", "budget_mj": 20.0, "proxies": ["zen"], "nets": 5, "confidence": 0.9}),
    ("/v1/pareto", {"device": "raspi4", "space": "fbnet", "objectives": ["params"], "evaluations": 60, "seed": 1}),
    ("/v1/predict", {"architectures": ["1462"], "device": "jetson-tx2", "target": "energy", "source": "auto"}),
    ("/v1/score", {"architectures": ["1462"], "proxies": ["zen"], "seed": 0, "batch_size": 64, "fresh": False}),
    ("/v1/score/tables", {"space": "nasbench201", "proxies": ["synflow"], "limit": 3, "executor": "process"}),
]
FIELDS = sorted({name for _, body in BODIES for name in body})


class Memory:
    """The most memory that this process had, from the first fifth of the mutations on."""

    def __init__(self, count: int) -> None:
        self._begins, self._before, self._seen = count // 5, 0, 0

    def look(self) -> None:
        """One more was read."""
        if self._seen == self._begins:
            self._before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        self._seen += 1

    def grown_mib(self) -> float:
        """By how much it grew."""
        return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - self._before) / 1024


def mutated(content: bytes, rng: random.Random) -> bytes:
    """The content with bytes flipped, cut out, doubled, or cut off."""
    changed = bytearray(content)
    for _ in range(rng.randrange(1, 6)):
        place = rng.randrange(len(changed)) if changed else 0
        kind = rng.randrange(4)
        if kind == 0 and changed:
            changed[place] = rng.randrange(256)
        elif kind == 1:
            del changed[place : place + rng.randrange(1, 40)]
        elif kind == 2:
            changed[place:place] = changed[place : place + rng.randrange(1, 40)]
        elif rng.random() < 0.2:
            del changed[place:]
    return bytes(changed)


def odd_values(body: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    """The body with one or two values that are odd, fields that are missing, or fields of other bodies."""
    changed = dict(body)
    for _ in range(rng.randrange(1, 3)):
        name = rng.choice([*changed, *FIELDS])
        kind = rng.randrange(3)
        if kind == 0:
            changed.pop(name, None)
        elif kind == 1 and isinstance(changed.get(name), list):
            changed[name] = [*changed[name], rng.choice(ODD)]
        else:
            changed[name] = rng.choice([*ODD, *body.values()])
    return changed


@pytest.mark.parametrize("count", [150, LONG])
def test_mutated_json_is_answered_or_refused(
    client_of: Callable[..., Any], count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of them are no JSON any more, half are JSON of another meaning; no worker is waited for."""
    monkeypatch.setattr("hwnas.service.submitting.PATIENCE_S", 0.0)
    rng, seen, memory = random.Random(0), Counter[int](), Memory(count)
    client = client_of(limits=Limits(rate=0.0, jobs=30))
    for number in range(count):
        memory.look()
        address, body = BODIES[number // 2 % len(BODIES)]
        content = json.dumps(odd_values(body, rng)).encode() if number % 2 else mutated(json.dumps(body).encode(), rng)
        answer = client.post(address, content=content, headers={"content-type": "application/json"})
        seen[answer.status_code] += 1
        assert answer.status_code in (200, 202, 400, 409, 422, 429), (content, answer.text)
        if answer.status_code >= 400:
            assert len(answer.json()["detail"]) > 20, content
    print(f"{count} bodies: {sorted(seen.items())}, {memory.grown_mib():.1f} MiB more")
    assert {200, 202, 400, 422} <= set(seen)
    assert memory.grown_mib() < 64


def network() -> Any:
    """A small network as an ONNX model: a convolution with batch norm, a branch, pooling, a dense layer."""
    onnx = pytest.importorskip("onnx")
    from hwnas.api.networks import network_onnx

    model = onnx.load_model_from_string(network_onnx("0"))
    assert len(model.graph.node) > 20
    return model


def twisted(model: Any, rng: random.Random) -> bytes:
    """The model with something in it that is another thing: a shape, a name, a kind, an attribute, an array, a node."""
    changed = type(model)()
    changed.CopyFrom(model)
    graph = changed.graph
    for _ in range(rng.randrange(1, 4)):
        node, array = rng.choice(graph.node), rng.choice(graph.initializer)
        number = rng.choice([-1, 0, 1, 3, 7, 1000, 2**31, 2**62])
        kind = rng.randrange(9)
        if kind == 0:
            array.dims[:] = [number, *array.dims[1:]]
        elif kind == 1:
            dims = graph.input[0].type.tensor_type.shape.dim
            rng.choice(dims).dim_value = number
        elif kind == 2 and node.input:
            node.input[rng.randrange(len(node.input))] = rng.choice(["", "nothing", rng.choice(graph.node).output[0]])
        elif kind == 3:
            node.op_type = rng.choice(["Conv", "Gemm", "Reshape", "Loop", "If", "ConstantOfShape", "Expand", "Magic"])
        elif kind == 4 and node.attribute:
            attribute = rng.choice(node.attribute)
            attribute.ints[:] = [number for _ in attribute.ints]
            attribute.i = number
        elif kind == 5:
            array.raw_data = array.raw_data[: rng.randrange(len(array.raw_data) + 1)]
        elif kind == 6:
            array.data_type = rng.randrange(25)
        elif kind == 7:
            graph.node.remove(node)
        else:
            changed.opset_import[0].version = rng.choice([1, 7, 11, 13, 22, 1000])
    return bytes(changed.SerializeToString())


@pytest.mark.parametrize("count", [60, LONG])
def test_mutated_onnx_files_are_predicted_or_refused_clearly(tmp_path: Path, count: int, read: Reader) -> None:
    """What a worker's process does with an upload, in this process. A few are still networks."""
    model, rng, memory = network(), random.Random(0), Memory(count)
    whole = model.SerializeToString()
    request = {"device": "gtx-1080-ti", "confidence": 0.9, "graph_nodes": 20_000}
    for number in range(count):
        memory.look()
        read("predict-onnx", twisted(model, rng) if number % 2 else mutated(whole, rng), request)
    print(f"{count} ONNX files: {read.predicted} read, {read.refused} refused, {memory.grown_mib():.1f} MiB more")
    assert read.refused > count / 2 and read.predicted > count / 100
    assert memory.grown_mib() < 128


@pytest.mark.parametrize("count", [30, pytest.param(2_000, marks=pytest.mark.slow)])  # a device takes half a second
def test_mutated_measurements_become_a_device_or_are_refused_clearly(
    taught: Path, count: int, table: Callable[..., bytes], read: Reader
) -> None:
    content, rng, memory = table(), random.Random(0), Memory(count)
    request = {"name": "board", "space": None, "dataset": None, "settings": {"replace": True}}
    for _ in range(count):
        memory.look()
        read("adapt", pack_measurements([mutated(content, rng)]), request)
    print(f"{count} tables: {read.predicted} read, {read.refused} refused, {memory.grown_mib():.1f} MiB more")
    assert read.refused > count / 4 and read.predicted > count / 100
    assert memory.grown_mib() < 128


class Reader:
    """Does what a job's process does with an upload; counts what came of it."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.predicted = self.refused = 0
        self._folder, self._monkeypatch = folder, monkeypatch

    def __call__(self, kind: Kind, payload: bytes, request: dict[str, Any]) -> None:
        folder = self._folder / str(self.predicted + self.refused)
        folder.mkdir()
        self._monkeypatch.chdir(folder)
        nothing = {"checkpoint": None, "progress": lambda _done, _total: None, "save": lambda _content: None}
        try:
            made = get_task(kind)(Work(request=request, payload=payload, folder=folder, **nothing))
            json.dumps(made.result, allow_nan=False)
            self.predicted += 1
        except HwnasError as error:
            self.refused += 1
            assert len(str(error)) > 20 and str(folder) not in str(error)
        except Exception as error:
            kept = self._folder / "unclear"
            kept.write_bytes(payload)
            raise AssertionError(f"{type(error).__name__}: {error}; the file is {kept}") from error


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Reader:
    return Reader(tmp_path, monkeypatch)
