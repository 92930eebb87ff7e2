"""Where images come from, and which are refused."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from hwnas.errors import DataError, UsageError
from hwnas.spaces import get_space

torch = pytest.importorskip("torch")
from hwnas.data import pull  # noqa: E402
from hwnas.proxies.batches import Task, load_batch  # noqa: E402
from hwnas.proxies.recipes import Recipe, task_of  # noqa: E402

SPACE = get_space("nasbench201")
TASK = Task(dataset="mine", image_shape=(3, 4, 4), classes=5)


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HWNAS_DATA", str(tmp_path / "cache"))


def saved(folder: Path, **arrays: np.ndarray) -> Path:
    rng = np.random.default_rng(0)
    arrays = {"x": rng.normal(size=(9, 3, 4, 4)), "y": rng.integers(0, 5, 9)} | arrays
    np.savez(folder / "mine.npz", **arrays)
    return folder / "mine.npz"


@pytest.mark.parametrize(
    ("dataset", "shape", "classes"),
    [("cifar10", (3, 32, 32), 10), ("cifar100", (3, 32, 32), 100), ("ImageNet16-120", (3, 16, 16), 120)],
)
def test_task_of_a_data_set(dataset: str, shape: tuple[int, ...], classes: int) -> None:
    assert task_of(SPACE, dataset) == Task(dataset=dataset, image_shape=shape, classes=classes)


def test_floats_are_taken_as_they_are(tmp_path: Path) -> None:
    path = saved(tmp_path)
    batch = load_batch(TASK, images=path, size=4)
    with np.load(path) as arrays:
        np.testing.assert_array_equal(batch.images.numpy(), arrays["x"][:4].astype(np.float32))
        np.testing.assert_array_equal(batch.labels.numpy(), arrays["y"][:4])
    assert batch.labels.dtype == torch.int64 and batch.source == "first 4 images of mine.npz"


def test_bytes_are_normalised(tmp_path: Path) -> None:
    """By the published figures of a known data set (0 becomes -mean/deviation), else by their own."""
    path = saved(tmp_path, x=np.zeros((9, 3, 4, 4), dtype=np.uint8))
    known = load_batch(Task(dataset="cifar10", image_shape=(3, 4, 4), classes=5), images=path, size=9)
    np.testing.assert_allclose(known.images[0, :, 0, 0], [-125.3 / 63.0, -123.0 / 62.1, -113.9 / 66.7], rtol=1e-6)
    path = saved(tmp_path, x=np.random.default_rng(0).integers(0, 256, (9, 3, 4, 4)).astype(np.uint8))
    own = load_batch(TASK, images=path, size=9)
    np.testing.assert_allclose(own.images.mean(dim=(0, 2, 3)), np.zeros(3), atol=1e-6)
    np.testing.assert_allclose(own.images.std(dim=(0, 2, 3), unbiased=False), np.ones(3), rtol=1e-5)
    assert "their own mean" in own.source and "data set's mean" in known.source


def test_noise_where_nothing_else_is_at_hand() -> None:
    batch = load_batch(TASK, size=500, seed=1)
    assert batch.source == "500 images of standard normal noise with random labels"
    assert abs(batch.images.mean()) < 0.05 and abs(batch.images.std() - 1) < 0.05
    assert set(batch.labels.tolist()) == set(range(5))
    assert torch.equal(batch.images, load_batch(TASK, size=500, seed=1).images)
    assert not torch.equal(batch.images, load_batch(TASK, size=500, seed=2).images)


@pytest.mark.data
def test_the_pulled_table(mirror: Path) -> None:
    """The recipe's checksum is that of the float32 images and int64 labels, as anyone can compute it."""
    pull(["images"], mirror=mirror)
    with np.load(mirror / "images" / "cifar10.npz") as arrays:
        content = arrays["x"][:64].astype(np.float32).tobytes() + arrays["y"][:64].astype(np.int64).tobytes()
    batch = load_batch(task_of(SPACE, "cifar10"))
    facts = Recipe(space="nasbench201", dataset="cifar10", proxies=("zen",), batch=batch).facts()
    assert facts["images_sha256"] == hashlib.sha256(content).hexdigest()
    assert facts["images"] == "first 64 images of images-cifar10"
    small = load_batch(task_of(SPACE, "ImageNet16-120"))
    assert small.images.shape == (64, 3, 16, 16) and 0.5 < small.images.std() < 1.5


@pytest.mark.parametrize(
    ("arrays", "size", "says"),
    [
        ({"x": np.zeros((9, 3, 5, 5))}, 4, r"shape \(n, 3, 4, 4\)"),
        ({"y": np.zeros(8, dtype=int)}, 4, "n labels"),
        ({"y": np.full(9, 5)}, 4, "labels from 0 to 4 .* from 5 to 5"),
        ({"y": np.full(9, -1)}, 4, "from -1"),
        ({"y": np.zeros(9)}, 4, "got float64"),
        ({"x": np.zeros((9, 3, 4, 4), dtype=np.int32)}, 4, "floats or of uint8, got int32"),
        ({"x": np.full((9, 3, 4, 4), np.nan)}, 4, "NaN"),
        ({}, 10, "1 to 9 images of mine.npz, got 10"),
    ],
)
def test_images_that_do_not_fit(tmp_path: Path, arrays: dict[str, np.ndarray], size: int, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        load_batch(TASK, images=saved(tmp_path, **arrays), size=size)


def test_files_that_are_no_images(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        load_batch(TASK, images=tmp_path / "absent.npz")
    path = tmp_path / "other.npz"
    np.savez(path, a=np.zeros(3))
    for content in (path.read_bytes(), b"", b"no archive", saved(tmp_path).read_bytes()[:300]):
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"expected a .npz file with arrays x and y, got .*other\.npz"):
            load_batch(TASK, images=path)


def test_pulled_images_are_scaled_to_what_networks_take(monkeypatch: pytest.MonkeyPatch) -> None:
    """Vision transformers take CIFAR-100 at 224 x 224. Constant images stay constant."""
    small = {"x": np.broadcast_to(np.arange(3.0)[:, None, None, None], (3, 3, 32, 32)), "y": np.arange(3)}
    monkeypatch.setattr("hwnas.data.open_table", lambda _name: small)
    batch = load_batch(task_of(get_space("pit"), "cifar100"), size=2)
    assert batch.images.shape == (2, 3, 224, 224)
    np.testing.assert_allclose(batch.images, np.broadcast_to([[[[0.0]]], [[[1.0]]]], batch.images.shape), atol=1e-6)
    assert batch.source == "first 2 images of images-cifar100, scaled to 224x224"
    assert load_batch(task_of(SPACE, "cifar100"), size=2).source == "first 2 images of images-cifar100"
