"""A graph network on whole networks beside the kernel model: same networks measured, same models to predict.

    hwnas kernels build --minutes 10 --folder MEASURED
    python tests/benchmarks/kernels.py --folder DIR
    python tests/benchmarks/kernels_gnn.py --measured MEASURED --folder DIR

It reads every network as its graph of operators (kind, work and sizes of each) and is trained on the latency of whole
runs alone, which the kernel model reads too. Three seeds; figures of each and of their geometric mean. Before that, on
networks of the build held out in four folds, which says how it does on networks of the kind that it has seen.
"""

from __future__ import annotations

import argparse
import json
import math
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from kernels import errors, print_figures, read
from torch import Tensor, nn
from torch_geometric.data import Data
from torch_geometric.loader import DataLoader
from torch_geometric.nn import GraphConv, global_add_pool, global_mean_pool

from hwnas.graphs import Graph
from hwnas.graphs.onnx_reader import read_onnx
from hwnas.latency.kernels.recipes import Recipe, write

WIDTH, LAYERS, EPOCHS, SEEDS, FOLDS = 96, 4, 120, 3, 4


class GraphNetwork(nn.Module):
    """Messages along the edges in both directions, sums and means over all operators, the logarithm of the cost."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.embed = nn.Linear(features, WIDTH)
        self.messages = nn.ModuleList(GraphConv(WIDTH, WIDTH, aggr="mean") for _ in range(LAYERS))
        self.norms = nn.ModuleList(nn.LayerNorm(WIDTH) for _ in range(LAYERS))
        self.head = nn.Sequential(nn.Linear(2 * WIDTH + 1, WIDTH), nn.ReLU(), nn.Linear(WIDTH, 1))
        self.cost = nn.Linear(WIDTH, 1)

    def forward(self, data: Data) -> Tensor:
        x = torch.relu(self.embed(data.x))
        for message, norm in zip(self.messages, self.norms, strict=True):
            x = x + torch.relu(norm(message(x, data.edge_index)))
        # A sum of positive costs, as a latency is one, which a head on pooled states corrects.
        total = global_add_pool(nn.functional.softplus(self.cost(x)), data.batch)
        pooled = [torch.log(total + 1e-9), torch.log1p(global_add_pool(torch.relu(x), data.batch))]
        pooled.append(global_mean_pool(x, data.batch))
        return (pooled[0] + self.head(torch.cat(pooled, dim=1))).squeeze(1)


def graph_data(graph: Graph, kinds: Sequence[str], cost_ms: float) -> Data:
    """Operators as rows: kind, logarithms of work, elements, weights and channels."""
    place = {name: number for number, operator in enumerate(graph.operators) for name in operator.outputs}
    rows = np.zeros((len(graph.operators), len(kinds) + 5), dtype=np.float32)
    for number, operator in enumerate(graph.operators):
        if operator.kind in kinds:
            rows[number, kinds.index(operator.kind)] = 1
        sizes = (
            operator.macs,
            operator.output_bytes,
            operator.weight_bytes,
            *operator.shape[1:2],
            *operator.shape[-1:],
        )
        for column, size in enumerate(sizes):
            rows[number, len(kinds) + column] = math.log1p(size) / 10
    edges = [(place[name], number) for number, o in enumerate(graph.operators) for name in o.inputs if name in place]
    both = np.array([*edges, *((end, start) for start, end in edges)], dtype=np.int64).reshape(-1, 2).T
    target = torch.tensor([math.log(cost_ms)], dtype=torch.float32)
    return Data(x=torch.from_numpy(rows), edge_index=torch.from_numpy(both.copy()), y=target)


def train(data: Sequence[Data], *, seed: int) -> GraphNetwork:
    """One network, by the absolute error of the logarithm."""
    torch.manual_seed(seed)
    network = GraphNetwork(data[0].x.shape[1])
    with torch.no_grad():  # starts at the mean cost
        network.head[-1].bias.fill_(float(torch.cat([graph.y for graph in data]).mean()) - 4.0)
    loader = DataLoader(list(data), batch_size=16, shuffle=True)
    optimizer = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=2e-3, total_steps=EPOCHS * len(loader))
    for _ in range(EPOCHS):
        for batch in loader:
            optimizer.zero_grad()
            (network(batch) - batch.y).abs().mean().backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            schedule.step()
    return network.eval()


def predict(network: GraphNetwork, data: Sequence[Data]) -> np.ndarray:
    """Milliseconds."""
    with torch.no_grad():
        return np.concatenate([np.exp(network(batch).numpy()) for batch in DataLoader(list(data), batch_size=32)])


def main() -> None:
    """Train, then print figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--measured", type=Path, required=True, help="folder of `hwnas kernels build`")
    parser.add_argument("--folder", type=Path, required=True, help="folder of kernels.py")
    options = parser.parse_args()
    profiles = [json.loads(line) for line in (options.measured / "profiles.jsonl").read_text().splitlines()]
    graphs = [read_onnx(write(Recipe(**profile["recipe"]))) for profile in profiles]
    kinds = sorted({operator.kind for graph in graphs for operator in graph.operators})
    known = [graph_data(graph, kinds, profile["run_ms"]) for graph, profile in zip(graphs, profiles, strict=True)]
    rounds: dict[str, list[float]] = defaultdict(list)
    for line in read(options.folder / "rounds.jsonl"):
        rounds[line["model"]].append(line["ms"])
    measured = np.array([np.median(rounds[name]) for name in sorted(rounds)])
    models = [
        graph_data(read_onnx((options.folder / f"{name}.onnx").read_bytes()), kinds, cost)
        for name, cost in zip(sorted(rounds), measured.tolist(), strict=True)
    ]
    held = np.zeros(len(known))
    for fold in range(FOLDS):
        network = train([g for number, g in enumerate(known) if number % FOLDS != fold], seed=0)
        held[fold::FOLDS] = predict(network, known[fold::FOLDS])
    print_figures(
        f"{len(known)} networks of the build, held out", errors(np.array([p["run_ms"] for p in profiles]), held)
    )
    runs = [predict(train(known, seed=seed), models) for seed in range(SEEDS)]
    for seed, predicted in enumerate(runs):
        print_figures(f"graph network, seed {seed}", errors(measured, predicted))
    print_figures(f"graph networks, mean of {SEEDS}", errors(measured, np.exp(np.mean(np.log(runs), axis=0))))


if __name__ == "__main__":
    main()
