"""A graph network that learns a device from about ten measurements, in the manner of HELP (Lee 2021, arXiv:2106.08630).

What a device's log costs are made of, given n measured networks:

1. A hardware embedding: standardised log costs of reference networks, as HELP has them. HELP measures these networks
   apart; here kernel ridge regression on learned keys estimates them from whichever networks were measured.
2. A few gradient steps on the measurements from meta-learned weights (MAML, Finn 2017), with a learned rate for each
   tensor (HELP takes Meta-SGD, Li 2017: one for each weight). The network adds up costs of nodes, as devices do.
3. A calibration in closed form: offset, slope, and kernel ridge regression of what is still left (a learned feature
   space with a closed-form head, Bertinetto 2019). It brings the deviation of each prediction.

All of it is differentiable, so that meta-learning goes through the gradient steps and the closed forms. No unit is
left: costs multiplied by a factor give predictions multiplied by it. torch is needed, torch-geometric is not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple, final

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap

from hwnas.spaces import CellGraphs

HUBER: Final = 1.0  # of the inner loss, in standard deviations of the measured log costs
LEAST_SPREAD: Final = 0.03  # of log costs: networks that hardly differ are not blown up
LOWEST: Final = 1.5  # log costs further below the median are raised to it: runtimes optimise whole networks away
_LOG_RATE: Final = -1.8  # where inner rates start (0.17): ten times less hardly adapts, three times more diverges
_EMBEDDING_RATE: Final = 10.0  # times the learned rate: an embedding has 16 numbers, a layer a thousand
_CHUNK: Final = 16  # devices adapted at once: 16 of 100 networks of 24 nodes take 15 MB a layer
_READOUT: Final = 0.3  # of node costs in log units: keeps the untrained network near the size of log costs
# Variance of a measurement beside the model before any residual was seen, and as how many measurements it counts.
_PRIOR_VARIANCE: Final = 0.05**2
_PRIOR_COUNT: Final = 3.0


@final
@dataclass(frozen=True, kw_only=True)
class MetaShape:
    """Sizes of the network: units, layers, hardware embedding, keys; gradient steps of an adaptation, and in training.

    More steps than were taught help on HELP's validation devices up to about 30 (Spearman 0.958 with 4, 0.960 with 12).
    """

    width: int = 32
    depth: int = 3
    embedding: int = 16
    keys: int = 24
    steps: int = 12
    taught_steps: int = 4


class Adapted(NamedTuple):
    """A network after seeing the measurements of a device; tensors only, so that `torch.func.vmap` can carry it.

    weights, embedding: of the cost network. level: mean log cost. offset: mean output on the measured networks.
    slope: log cost per output. keys, key_mean: of the measured networks. dual: (n,) weights of the kernel.
    inverse: (n, n) of the regularised kernel. variance: of log costs, per unit of kernel.
    """

    weights: dict[str, Tensor]
    embedding: Tensor
    level: Tensor
    offset: Tensor
    slope: Tensor
    keys: Tensor
    key_mean: Tensor
    dual: Tensor
    inverse: Tensor
    variance: Tensor


@final
class Messages(nn.Module):
    """What each node makes of itself, the mean of its predecessors and the mean of its successors."""

    before: Tensor
    after: Tensor

    def __init__(self, adjacency: Tensor, width: int) -> None:
        super().__init__()
        for name, edges in (("before", adjacency.T), ("after", adjacency)):
            self.register_buffer(name, edges / edges.sum(dim=1, keepdim=True).clamp(min=1), persistent=False)
        self.linear = nn.Linear(3 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """(..., k, width) nodes to (..., k, width)."""
        messages: Tensor = self.linear(torch.cat([x, self.before @ x, self.after @ x], dim=-1))
        return messages


@final
class Encoder(nn.Module):
    """Keys of networks, and the hardware embedding that the measured ones give. Adaptation leaves its weights alone."""

    references: Tensor

    def __init__(self, references: Tensor, adjacency: Tensor, shape: MetaShape) -> None:
        super().__init__()
        self.register_buffer("references", references, persistent=False)
        self.embed = nn.Linear(references.shape[2], shape.width)
        self.messages = Messages(adjacency, shape.width)
        self.key = nn.Linear(2 * shape.width, shape.keys)
        self.residual_key = nn.Linear(2 * shape.width, shape.keys)
        self.log_ridge = nn.Parameter(torch.tensor(-2.0))
        self.log_residual_ridge = nn.Parameter(torch.tensor(0.0))
        self.hardware = nn.Sequential(
            nn.Linear(len(references) + 1, 3 * shape.embedding),
            nn.SiLU(),
            nn.Linear(3 * shape.embedding, shape.embedding),
        )

    def pooled(self, nodes: Tensor) -> Tensor:
        """(n, k, c) nodes to (n, 2 width): mean and global node."""
        x = nn.functional.silu(self.embed(nodes))
        x = x + nn.functional.silu(self.messages(x))
        return torch.cat([x.mean(dim=-2), x[..., -1, :]], dim=-1)

    def forward(self, pooled: Tensor, standardised: Tensor, spread: Tensor) -> Tensor:
        """Embedding of the device whose networks have these pooled nodes and standardised log costs."""
        keys, references = self.key(pooled), self.key(self.pooled(self.references))
        mean = keys.mean(dim=0)
        inverse = regularised_inverse(keys - mean, self.log_ridge.exp())
        estimated = kernel(references - mean, keys - mean) @ (inverse @ standardised)
        embedding: Tensor = self.hardware(torch.cat([estimated, spread.log()[None]]))
        return embedding


@final
class CostNetwork(nn.Module):
    """Log cost of networks on a device: each node has a cost, which the embedding modulates, and they add up."""

    def __init__(self, node_features: int, adjacency: Tensor, shape: MetaShape) -> None:
        super().__init__()
        self.embed = nn.Linear(node_features, shape.width)
        self.messages = nn.ModuleList(Messages(adjacency, shape.width) for _ in range(shape.depth))
        self.modulation = nn.ModuleList(nn.Linear(shape.embedding, 2 * shape.width) for _ in range(shape.depth))
        self.units = nn.Linear(shape.embedding, shape.width)
        self.cost = nn.Linear(shape.width, 1, bias=False)

    def forward(self, nodes: Tensor, embedding: Tensor) -> Tensor:
        """(n, k, c) nodes and one embedding to (n,) log costs up to an offset."""
        x = self.embed(nodes)
        for messages, modulation in zip(self.messages, self.modulation, strict=True):
            scale, shift = modulation(embedding).chunk(2, dim=-1)
            x = x + nn.functional.silu(messages(x) * (1 + scale) + shift)
        costs = self.cost(x * (1 + self.units(embedding)))
        return torch.logsumexp(_READOUT * costs[..., 0], dim=-1)


@final
class MetaGCN(nn.Module):
    """Meta-learned weights, learned inner rates, and how they are adapted; `graphs` are those of the reference nets."""

    def __init__(self, graphs: CellGraphs, shape: MetaShape | None = None) -> None:
        super().__init__()
        self.shape = shape or MetaShape()
        references, adjacency = torch.from_numpy(graphs.nodes), torch.from_numpy(graphs.adjacency)
        self.encoder = Encoder(references, adjacency, self.shape)
        self.network = CostNetwork(references.shape[2], adjacency, self.shape)
        tensors = len(list(self.network.parameters()))
        self.log_rates = nn.Parameter(torch.full((tensors + 1,), _LOG_RATE))
        self.log_slope_prior = nn.Parameter(torch.tensor(1.0))

    def adapt(self, nodes: Tensor, log_costs: Tensor, *, steps: int | None = None) -> Adapted:
        """Adapt to the (n,) log costs of the networks with (n, k, c) nodes; steps: by default those of the shape."""
        level, targets, spread = standardise(log_costs)
        pooled = self.encoder.pooled(nodes)
        embedding = self.encoder(pooled, targets / spread, spread)
        weights: dict[str, Tensor] = dict(self.network.named_parameters())
        rates = self.log_rates.exp()

        def loss(weights: dict[str, Tensor], embedding: Tensor) -> Tensor:
            return inner_loss(functional_call(self.network, weights, (nodes, embedding)), targets, spread)

        for _ in range(self.shape.steps if steps is None else steps):
            slopes, slope = grad(loss, argnums=(0, 1))(weights, embedding)
            weights = {
                name: value - rate * slopes[name]
                for (name, value), rate in zip(weights.items(), rates[1:], strict=True)
            }
            embedding = embedding - _EMBEDDING_RATE * rates[0] * slope
        outputs = functional_call(self.network, weights, (nodes, embedding))
        return self._calibrate(outputs, targets, spread, level, (weights, embedding, pooled))

    def _calibrate(
        self,
        outputs: Tensor,
        targets: Tensor,
        spread: Tensor,
        level: Tensor,
        network: tuple[dict[str, Tensor], Tensor, Tensor],
    ) -> Adapted:
        """Offset and slope, the slope drawn to 1; then the kernel takes what is left over."""
        weights, embedding, pooled = network
        offset = outputs.mean()
        prior = self.log_slope_prior.exp() * spread**2
        slope = (((outputs - offset) * targets).sum() + prior) / (((outputs - offset) ** 2).sum() + prior)
        left = targets - slope * (outputs - offset)
        keys = self.encoder.residual_key(pooled)
        key_mean, ridge = keys.mean(dim=0), self.encoder.log_residual_ridge.exp()
        inverse = regularised_inverse(keys - key_mean, ridge)
        dual = inverse @ left
        variance = (left @ dual + _PRIOR_COUNT * _PRIOR_VARIANCE / ridge) / (len(left) + _PRIOR_COUNT)
        return Adapted(weights, embedding, level, offset, slope, keys - key_mean, key_mean, dual, inverse, variance)

    def predict(self, adapted: Adapted, nodes: Tensor) -> tuple[Tensor, Tensor]:
        """(m,) log costs of networks with (m, k, c) nodes, and the standard deviation of one measurement of each."""
        outputs = functional_call(self.network, adapted.weights, (nodes, adapted.embedding))
        keys = self.encoder.residual_key(self.encoder.pooled(nodes)) - adapted.key_mean
        cross = kernel(keys, adapted.keys)
        log_costs = adapted.level + adapted.slope * (outputs - adapted.offset) + cross @ adapted.dual
        own = (keys**2).mean(dim=-1) - ((cross @ adapted.inverse) * cross).sum(dim=-1)
        ridge = self.encoder.log_residual_ridge.exp()
        return log_costs, torch.sqrt(adapted.variance * (ridge + own.clamp(min=0)))


def few_shot(
    model: MetaGCN, nodes: Tensor, log_costs: Tensor, wanted: Tensor, *, steps: int | None = None
) -> tuple[Tensor, Tensor]:
    """Predictions for several devices at once, each adapted to its own measurements, and their deviations, (t, m) each.

    nodes: (t, n, k, c) of the measured networks. log_costs: (t, n). wanted: (t, m, k, c) nodes.
    """

    def of_one(nodes: Tensor, log_costs: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
        return model.predict(model.adapt(nodes, log_costs, steps=steps), wanted)

    predictions: tuple[Tensor, Tensor] = vmap(of_one, chunk_size=_CHUNK)(nodes, log_costs, wanted)
    return predictions


def standardise(log_costs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Mean of log costs, deviations from it, and the size of these; what lies far below the median is raised first."""
    raised = torch.maximum(log_costs, log_costs.median() - LOWEST)
    level = raised.mean()
    deviations = raised - level
    return level, deviations, torch.sqrt((deviations**2).mean() + LEAST_SPREAD**2)


def inner_loss(outputs: Tensor, targets: Tensor, spread: Tensor) -> Tensor:
    """Huber loss of standardised log costs, the offset of the outputs taken out in closed form."""
    error = (outputs - outputs.mean() - targets) / spread
    return nn.functional.smooth_l1_loss(error, torch.zeros_like(error), beta=HUBER)


def kernel(rows: Tensor, columns: Tensor) -> Tensor:
    """(m, q) and (n, q) keys to their (m, n) kernel."""
    return torch.matmul(rows, columns.T).div(rows.shape[1])


def regularised_inverse(keys: Tensor, ridge: Tensor) -> Tensor:
    """Inverse of the kernel of n keys with `ridge` on the diagonal."""
    inverse: Tensor = torch.linalg.inv(kernel(keys, keys) + ridge * torch.eye(len(keys), dtype=keys.dtype))
    return inverse
