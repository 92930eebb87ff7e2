"""Which nets `plan` takes: by design where known devices taught something, and those that are given."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hwnas import data
from hwnas.api.choosing import choose_nets, method_for
from hwnas.api.plan import PlanSettings, plan
from hwnas.data.pickles import load_torch
from hwnas.devices.agent.files import read_manifest
from hwnas.errors import UnknownNameError, UsageError
from hwnas.latency.fewshot import adapt
from hwnas.spaces import get_space

SPACE = get_space("nasbench201")


@pytest.mark.usefixtures("taught")
def test_the_default_is_the_design_where_there_is_something_to_design_with() -> None:
    assert method_for(SPACE, "auto") == "design" and method_for(get_space("pit"), "auto") == "spread"
    assert method_for(SPACE, "random") == "random"


@pytest.mark.usefixtures("taught")
def test_designed_nets_leave_less_uncertainty_than_random_ones(board) -> None:
    others, widths = SPACE.sample(300, seed=9), {}
    for method in ("design", "random"):
        for seed in range(3):
            vectors = choose_nets(SPACE, 8, method=method, seed=seed)
            estimate = adapt(SPACE, vectors, board(SPACE, vectors), device="b").predict(others)
            assert estimate.upper is not None and estimate.lower is not None
            widths.setdefault(method, []).append(np.log(estimate.upper / estimate.lower).mean())
    assert np.mean(widths["design"]) < np.mean(widths["random"])


@pytest.mark.data
def test_the_reference_nets_are_those_of_help(mirror: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their indices in the benchmark stand in a file of HELP."""
    monkeypatch.setenv("HWNAS_DATA", str(tmp_path))
    with pytest.raises(UsageError, match="hwnas data pull help-nasbench201"):
        choose_nets(SPACE, 10, method="reference", seed=0)
    data.pull(["help-nasbench201"], mirror=mirror)
    folder = mirror / "help" / "nasbench201"
    names = load_torch((folder / "str_arch2idx.pt").read_bytes())
    positions = load_torch((folder / "hardware_embedding_index.pt").read_bytes())
    chosen = choose_nets(SPACE, 10, method="reference", seed=0)
    assert [names[arch] for arch in SPACE.strings(chosen)] == list(positions)
    assert (choose_nets(SPACE, 4, method="reference", seed=7) == chosen[:4]).all()
    with pytest.raises(UsageError, match="at most 10 reference networks, got 11"):
        choose_nets(SPACE, 11, method="reference", seed=0)


@pytest.mark.parametrize("name", ["nas-bench-macro", "nasbench201", "autoformer"])
def test_spread_nets_begin_with_the_cheapest_and_the_dearest(name: str) -> None:
    """Of a space that is enumerated, of all; of a large one no single change goes beyond."""
    space = get_space(name)
    chosen = choose_nets(space, 10, method="spread", seed=2)
    ends = space.counts(chosen[:2], dataset=space.datasets[0])["macs"]
    others = [space.all_vectors()] * 2 if space.enumerable else [space.neighbours(net) for net in chosen[:2]]
    least, most = (space.counts(nets, dataset=space.datasets[0])["macs"] for nets in others)
    assert ends[0] == least.min() and ends[1] == most.max()
    assert len(np.unique(space.key(chosen))) == 10
    assert (choose_nets(space, 1, method="spread", seed=2) == chosen[:1]).all()


@pytest.mark.parametrize("seed", [0, 1])
def test_spread_takes_every_choice_about_as_often(seed: int) -> None:
    """Where many nets are equally far, as those of choices are, the first of all is no better than any other."""
    space = get_space("nas-bench-macro")
    chosen = choose_nets(space, 60, method="spread", seed=seed)
    for position, choices in enumerate(space.choices):
        taken = np.bincount(chosen[:, position], minlength=choices)
        assert taken.max() <= 2 * taken.min(), f"at position {position}: {taken}"
    assert (np.diff(space.index(chosen[20:])) < 0).mean() > 0.3, "they come in the order of their indices"


def test_given_nets(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    made = plan(tmp_path / "kit", settings=PlanSettings(given=("7", "1462"), check=1))
    assert [net.index for net in made.nets[:2]] == [7, 1462] and made.nets[2].index not in (7, 1462)
    manifest = read_manifest(tmp_path / "kit")
    assert (manifest["method"], manifest["chosen"]) == ("given", "Given one by one.")
    assert [net["role"] for net in manifest["nets"]] == ["calibrate", "calibrate", "check"]
    with pytest.raises(UsageError, match="indices 0 to 15624"):
        plan(tmp_path / "other", settings=PlanSettings(given=("99999",)))
    assert not (tmp_path / "other").exists()
    with pytest.raises(UnknownNameError, match="did you mean 'design'"):
        PlanSettings(method="desing")
