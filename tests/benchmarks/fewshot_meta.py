"""Meta-learned graph network in HELP's protocol: `python tests/benchmarks/fewshot_meta.py --folder DIR --weights FILE`.

Protocol, devices and choices of the measured networks are those of fewshot.py, in its inductive setting: the nine
training devices' first 900 networks teach, nothing of the queries is known on any device. Beside it a graph network of
the same architecture that is trained from random weights on the ten measurements alone.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from fewshot import (
    CHOICES,
    SPACE,
    TAUGHT,
    TRAINING,
    VALIDATION,
    Figures,
    Help,
    learned,
    mean_figures,
    measured_nets,
    physical_device,
    point_figures,
    queries,
    read_folder,
    table,
)
from torch import nn
from torch.func import functional_call, grad, vmap

from hwnas import metrics
from hwnas.arrays import Array, Integer
from hwnas.latency.fewshot import AdaptedModel
from hwnas.latency.meta import adapt_meta
from hwnas.latency.observations import check_observations
from hwnas.predictors.fewshot_model import FewShotModel, KnownColumn
from hwnas.predictors.meta_gcn import inner_loss, standardise
from hwnas.predictors.meta_learning import learn_meta
from hwnas.predictors.meta_model import MetaModel, encode, load_meta, new_network, save_meta
from hwnas.predictors.meta_training import MetaPlan

_SCRATCH_STEPS: Final = 300


def taught(source: Help, weights: Path, *, plan: MetaPlan, progress: Callable[[str], None]) -> MetaModel:
    """The network that the training devices teach; kept in `weights` and taken from there."""
    if weights.exists():
        return load_meta(weights, SPACE)

    def report(what: str, done: int, total: int) -> None:
        if done % 500 == 0:
            progress(f"{what}: episode {done} of {total}")

    columns = [
        KnownColumn(name=name, physical=physical_device(name), costs=source.latencies[name][TAUGHT])
        for name in TRAINING
    ]
    model = learn_meta(SPACE, source.vectors[TAUGHT], columns, plan=plan, folder=weights.parent, progress=report)
    save_meta(weights, model)
    return model


def meta_figures(model: MetaModel, source: Help, device: str, nets: Integer[Array, " k"]) -> Figures:
    """Figures of one adaptation on the device's queries, and how long it took (s)."""
    true, rows = source.latencies[device], queries(source.latencies[device])
    started = time.perf_counter()
    adapted = adapt_meta(SPACE, check_observations(SPACE, source.vectors[nets], true[nets]), model=model)
    seconds = time.perf_counter() - started
    estimate = adapted.predict(source.vectors[rows])
    assert estimate.lower is not None and estimate.upper is not None
    return point_figures(true[rows], estimate.mean) | {
        "coverage": metrics.coverage(true[rows], estimate.lower, estimate.upper),
        "width": metrics.relative_width(true[rows], estimate.lower, estimate.upper),
        "seconds": seconds,
    }


def both_figures(
    model: MetaModel, latent: FewShotModel, source: Help, device: str, nets: Integer[Array, " k"]
) -> Figures:
    """Figures of the geometric mean of both models."""
    true, rows = source.latencies[device], queries(source.latencies[device])
    observations = check_observations(SPACE, source.vectors[nets], true[nets])
    other = AdaptedModel(space=SPACE, device=device, target="latency", observations=observations, model=latent)
    both = [own.predict(source.vectors[rows]).mean for own in (adapt_meta(SPACE, observations, model=model), other)]
    return point_figures(true[rows], np.sqrt(both[0] * both[1]))


def from_scratch(source: Help, device: str, nets: list[Integer[Array, " k"]]) -> Figures:
    """Figures of the same network from random weights, trained on the measurements of each draw by Adam."""
    true, rows = source.latencies[device], queries(source.latencies[device])
    network = new_network(SPACE, seed=0).network
    measured = np.stack(nets)
    nodes = encode(SPACE, source.vectors[measured.ravel()])
    nodes = nodes.reshape(*measured.shape, *nodes.shape[1:])
    _, targets, spread = vmap(standardise)(torch.from_numpy(np.log(true[measured]).astype(np.float32)))
    embedding = torch.zeros(network.units.in_features)
    weights = {name: value.detach().repeat(len(nets), *[1] * value.ndim) for name, value in network.named_parameters()}
    weights = {name: nn.Parameter(value) for name, value in weights.items()}
    optimiser = torch.optim.Adam(weights.values(), lr=3e-3)

    def outputs(own: dict[str, torch.Tensor], inputs: torch.Tensor) -> torch.Tensor:
        return functional_call(network, own, (inputs, embedding))

    def loss(
        own: dict[str, torch.Tensor], inputs: torch.Tensor, wanted: torch.Tensor, size: torch.Tensor
    ) -> torch.Tensor:
        return inner_loss(outputs(own, inputs), wanted, size)

    for _ in range(_SCRATCH_STEPS):
        slopes = vmap(grad(loss))(weights, nodes, targets, spread)
        for name, parameter in weights.items():
            parameter.grad = slopes[name]
        optimiser.step()
    with torch.no_grad():
        fitted = vmap(outputs)(weights, nodes).mean(dim=1, keepdim=True)
        wanted = vmap(outputs, in_dims=(0, None))(weights, encode(SPACE, source.vectors[rows])) - fitted
    levels = np.log(true[measured]).mean(axis=1, keepdims=True)
    return mean_figures([point_figures(true[rows], own) for own in np.exp(levels + wanted.double().numpy())])


def protocol(
    source: Help, model: MetaModel, *, draws: int, devices: list[str], progress: Callable[[str], None]
) -> dict[str, Any]:
    """Figures by device and row; which networks `plan` chooses is up to the latent model, as in fewshot.py."""
    latent = learned(source, "inductive")
    results: dict[str, Any] = {name: {} for name in devices}
    for choice in CHOICES:
        nets = list(measured_nets(source, latent, choice, count=10, draws=draws))
        for name in devices:
            progress(f"{choice}, {name}")
            rows = [meta_figures(model, source, name, own) for own in nets]
            results[name][f"meta {choice}"] = mean_figures(rows)
            rows = [both_figures(model, latent, source, name, own) for own in nets]
            results[name][f"meta and latent {choice}"] = mean_figures(rows)
            if choice == "random":
                results[name]["scratch random"] = from_scratch(source, name, nets)
    return results


def main() -> None:
    """Read the arguments, meta-learn where there are no weights yet, print the table."""
    parser = argparse.ArgumentParser(description="The meta-learned graph network in HELP's protocol.")
    parser.add_argument("--folder", type=Path, required=True, help="folder with HELP's files of NAS-Bench-201")
    parser.add_argument("--weights", type=Path, required=True, help="weights of the protocol; trained where absent")
    parser.add_argument("--draws", type=int, default=20, help="draws of the measured networks (20)")
    parser.add_argument("--episodes", type=int, default=MetaPlan().episodes, help="length of the training")
    parser.add_argument("--validation", action="store_true", help="validation devices only, to choose by")
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    arguments = parser.parse_args()
    source = read_folder(arguments.folder)

    def progress(text: str) -> None:
        print(f"... {text}", flush=True)

    model = taught(source, arguments.weights, plan=MetaPlan(episodes=arguments.episodes), progress=progress)
    unseen = [name for name in source.latencies if name not in TRAINING]
    devices = list(VALIDATION) if arguments.validation else unseen
    results = protocol(source, model, draws=arguments.draws, devices=devices, progress=progress)
    print(table(results))
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
