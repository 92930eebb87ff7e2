"""The regressors, their training and their files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from hwnas.errors import DataError, UsageError
from hwnas.metrics import spearman
from hwnas.predictors.gcn import GCN
from hwnas.predictors.regressor import fit_regressor, load_tensors, regressor_from_tensors, save_tensors
from hwnas.predictors.training import MODEL_KINDS, ModelKind, build_model, encode, log_scale, train
from hwnas.spaces import NASBench201


@pytest.mark.parametrize("kind", MODEL_KINDS)
@pytest.mark.usefixtures("quick")
def test_a_regressor_learns_what_operations_cost(kind: ModelKind, space: NASBench201, costs: np.ndarray) -> None:
    vectors, rows = space.all_vectors(), np.random.default_rng(0).permutation(space.size)
    model = fit_regressor(kind, space, vectors[rows[:900]], costs[rows[:900]], seed=0)
    test = rows[900:1900]
    predicted = model.predict(vectors[test])
    for head in range(2):
        measured = ~np.isnan(costs[test, head])
        assert spearman(costs[test, head][measured], predicted[measured, head]) > 0.97
        assert np.median(np.abs(predicted[measured, head] / costs[test, head][measured] - 1)) < 0.05


@pytest.mark.parametrize("kind", MODEL_KINDS)
@pytest.mark.usefixtures("quick")
def test_the_same_seed_gives_the_same_regressor_and_leaves_global_draws_alone(
    kind: ModelKind, space: NASBench201, costs: np.ndarray
) -> None:
    vectors = space.sample(100, seed=0)
    own = costs[space.index(vectors)]
    state = torch.get_rng_state()
    first, again, other = (fit_regressor(kind, space, vectors, own, seed=seed) for seed in (0, 0, 1))
    assert torch.equal(state, torch.get_rng_state())
    assert (first.predict(vectors) == again.predict(vectors)).all()
    assert (first.predict(vectors) != other.predict(vectors)).any()


@pytest.mark.parametrize("kind", MODEL_KINDS)
@pytest.mark.usefixtures("quick")
def test_files_bring_back_the_very_same_predictions(
    kind: ModelKind, space: NASBench201, costs: np.ndarray, tmp_path: Path
) -> None:
    vectors = space.sample(64, seed=0)
    model = fit_regressor(kind, space, vectors, costs[space.index(vectors)], seed=0)
    save_tensors(tmp_path / "model.safetensors", model.tensors())
    again = regressor_from_tensors(kind, space, load_tensors(tmp_path / "model.safetensors"))
    assert (model.predict(vectors) == again.predict(vectors)).all()
    assert not list(tmp_path.glob("*.part"))


def test_damaged_and_foreign_files_are_refused(space: NASBench201, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"not weights")
    with pytest.raises(DataError, match="expected trained weights"):
        load_tensors(path)
    save_tensors(path, {"something": torch.zeros(3)})
    with pytest.raises(DataError, match="expected weights of a mlp"):
        regressor_from_tensors("mlp", space, load_tensors(path))


def test_unmeasured_nets_do_not_pull_on_their_head(space: NASBench201) -> None:
    """A gradient step on a batch whose second head is unknown leaves that head's output weights to decay alone."""
    model = build_model("mlp", space, heads=2)
    inputs = encode("mlp", space, space.sample(32, seed=0))
    outputs = model(inputs)
    targets = torch.stack([torch.zeros(32), torch.full((32,), torch.nan)], dim=1)
    known = ~torch.isnan(targets)
    loss = (torch.nn.functional.smooth_l1_loss(outputs, targets.nan_to_num(), reduction="none") * known).sum()
    loss.backward()
    last = model.layers[-1]
    assert last.weight.grad[1].abs().sum() == 0
    from hwnas.predictors.training import TrainingPlan

    before = last.weight.detach().clone()
    train(model, inputs, targets, plan=TrainingPlan(steps=3, batch_size=32, weight_decay=0.0), seed=0)
    assert torch.equal(before[1], last.weight[1])
    assert not torch.equal(before[0], last.weight[0])


def test_the_gcn_passes_messages_along_and_against_the_edges() -> None:
    """In a chain 0 -> 1 -> 2 every node moves the output; reordering nets changes nothing."""
    adjacency = torch.tensor([[0.0, 1, 0], [0, 0, 1], [0, 0, 0]])
    torch.manual_seed(0)
    gcn = GCN(node_features=4, adjacency=adjacency, heads=3, width=8, depth=2)
    nodes = torch.randn(5, 3, 4)
    outputs = gcn(nodes)
    assert outputs.shape == (5, 3)
    assert torch.allclose(gcn(nodes.flip(0)), outputs.flip(0), atol=1e-6)
    for node in range(3):
        moved = nodes.clone()
        moved[:, node] += 1.0
        assert not torch.allclose(gcn(moved), outputs)


def test_scale_is_the_median_and_half_the_central_68_percent() -> None:
    log_costs = np.random.default_rng(0).normal(2.0, 0.5, size=(20_000, 1))
    scale = log_scale(log_costs)
    assert scale.centre[0] == pytest.approx(2.0, abs=0.02)
    assert scale.spread[0] == pytest.approx(0.5, abs=0.02)
    with pytest.raises(UsageError, match="costs that differ"):
        log_scale(np.zeros((10, 1)))
