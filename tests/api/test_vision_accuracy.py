"""True accuracies of vision transformers and named models: which column counts, and which rows are known."""

from __future__ import annotations

import numpy as np
import pytest

from hwnas import data
from hwnas.api.accuracy import true_accuracy
from hwnas.data.table_files import Contents, TableSource
from hwnas.data.tables import table_in_memory
from hwnas.spaces import Space, get_space

SOURCE = TableSource(title="a table", licence="none", url="", sha256={})


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch) -> dict[str, np.ndarray]:
    """Three architectures of each space, the second of which was not trained on CIFAR-100 without a teacher."""
    columns = {
        "cifar100_base": np.array([60.0, np.nan, 62.0]),
        "cifar100_kd": np.array([70.0, 71.0, 72.0]),
        "imagenet_inherited": np.array([73.0, 74.0, 75.0]),
        "imagenet": np.array([80.0, 81.0, 82.0]),
    }

    def open_table(name: str) -> data.Table:
        space = get_space(name.removeprefix("autoprox-"))
        return table_in_memory(name, SOURCE, Contents(columns={"architectures": vectors(space), **columns}))

    monkeypatch.setattr(data, "open_table", open_table)
    return columns


def vectors(space: Space) -> np.ndarray:
    return space.sample(3, seed=0)


@pytest.mark.parametrize(
    ("name", "dataset", "rows", "expected", "words"),
    [
        ("autoformer", "cifar100", [0, 1, 2], [70.0, 71.0, 72.0], "with a teacher on cifar100"),
        ("pit", "cifar100", [0, 2], [60.0, 62.0], "plain training on cifar100"),
        ("imagenet-models", "imagenet", [0, 1, 2], [80.0, 81.0, 82.0], "top-1 accuracy on imagenet"),
    ],
)
def test_what_counts_as_true(
    tables, name: str, dataset: str, rows: list[int], expected: list[float], words: str
) -> None:
    space = get_space(name)
    accuracy = true_accuracy(space, dataset)
    assert accuracy.percent is not None and accuracy.percent.tolist() == expected
    np.testing.assert_array_equal(accuracy.architectures(space), vectors(space)[rows])
    assert accuracy.source.startswith("a table, ") and accuracy.source.endswith(words)


def test_shared_weights_are_no_true_accuracy(tables) -> None:
    accuracy = true_accuracy(get_space("autoformer"), "imagenet")
    assert accuracy.percent is None and "has no accuracies on imagenet" in accuracy.source


def test_an_enumerable_space_has_gaps_where_nothing_is_known(tables) -> None:
    space = get_space("pit")
    percent = true_accuracy(space, "cifar100").of_all(space)
    assert percent is not None and len(percent) == space.size and (~np.isnan(percent)).sum() == 2
