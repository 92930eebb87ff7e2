"""Images of one's own: a file or folder as it should be, and all that is refused."""

from __future__ import annotations

import builtins
from pathlib import Path

import numpy as np
import pytest

from hwnas.errors import DataError, MissingExtraError, UsageError

torch = pytest.importorskip("torch")
Image = pytest.importorskip("PIL.Image")
from hwnas.proxies.own_images import noise_images, read_images  # noqa: E402


def saved(folder: Path, **arrays: np.ndarray) -> Path:
    np.savez(folder / "mine.npz", **arrays)
    return folder / "mine.npz"


def painted(path: Path, colour: tuple[int, int, int], size: tuple[int, int] = (6, 4), mode: str = "RGB") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).convert(mode).save(path)


def test_a_file_without_labels(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(5, 2, 6, 5))
    found = read_images(saved(tmp_path, x=x), count=3)
    np.testing.assert_array_equal(found.images.numpy(), x[:3].astype(np.float32))
    assert found.labels is None and found.source == "first 3 images of mine.npz"
    with_labels = read_images(saved(tmp_path, x=x, y=np.arange(5, dtype=np.int8)), count=3)
    assert with_labels.labels is not None and with_labels.labels.tolist() == [0, 1, 2]
    assert with_labels.labels.dtype == torch.int64


def test_bytes_are_normalised_as_published_weights_expect(tmp_path: Path) -> None:
    """By 0.485, 0.456, 0.406 and 0.229, 0.224, 0.225, as every recipe for ImageNet states them."""
    x = np.full((1, 3, 2, 2), 255, dtype=np.uint8)
    found = read_images(saved(tmp_path, x=x), count=1)
    expected = (1 - np.array([0.485, 0.456, 0.406])) / [0.229, 0.224, 0.225]
    np.testing.assert_allclose(found.images[0, :, 0, 0], expected, rtol=1e-6)
    assert "ImageNet's mean and deviation" in found.source
    grey = read_images(saved(tmp_path, x=np.arange(8, dtype=np.uint8).reshape(2, 1, 2, 2)), count=2)
    assert abs(float(grey.images.mean())) < 1e-6 and "their own mean" in grey.source


def test_a_folder_of_classes(tmp_path: Path) -> None:
    """One of each class in turn, classes in the order of their names; greys and transparency become colours."""
    painted(tmp_path / "b" / "1.png", (0, 0, 255))
    painted(tmp_path / "a" / "2.PNG", (255, 0, 0), mode="RGBA")
    painted(tmp_path / "a" / "1.png", (255, 255, 255), mode="L")
    (tmp_path / "empty").mkdir()
    (tmp_path / "a" / "notes.txt").write_text("no image")
    found = read_images(tmp_path, count=3)
    assert found.images.shape == (3, 3, 4, 6)
    assert found.labels is not None and found.labels.tolist() == [0, 1, 0]
    brightest = [(image[:, 0, 0] > 2).tolist() for image in found.images]
    assert brightest == [[True, True, True], [False, False, True], [True, False, False]]
    assert found.source.startswith(f"3 of 3 images of {tmp_path.name}, labels from its 2 folders")


def test_a_flat_folder_has_no_labels(tmp_path: Path) -> None:
    painted(tmp_path / "x.jpg", (9, 9, 9))
    found = read_images(tmp_path, count=1)
    assert found.labels is None and found.source.startswith("first 1 of 1 images")


def test_scaled_and_cropped(tmp_path: Path) -> None:
    """The middle stays: of a wide picture, dark at its ends, the bright middle."""
    wide = np.zeros((4, 12, 3), dtype=np.uint8)
    wide[:, 4:8] = 255
    (tmp_path / "images").mkdir()
    Image.fromarray(wide).save(tmp_path / "images" / "w.png")
    painted(tmp_path / "images" / "x.png", (255, 255, 255), size=(5, 9))
    from_folder = read_images(tmp_path / "images", count=2, side=4)
    assert from_folder.images.shape == (2, 3, 4, 4) and "scaled and cropped to 4" in from_folder.source
    assert float(from_folder.images.std(dim=(2, 3)).max()) < 1e-3  # white all over
    found = read_images(saved(tmp_path, x=wide.transpose(2, 0, 1)[None].copy()), count=1, side=2)
    assert found.images.shape == (1, 3, 2, 2) and float(found.images.min()) > 1.5
    larger = read_images(saved(tmp_path, x=np.ones((1, 3, 3, 5), dtype=np.float32)), count=1, side=7)
    assert larger.images.shape == (1, 3, 7, 7) and torch.allclose(larger.images, torch.ones(1))


def test_tokens_and_noise(tmp_path: Path) -> None:
    tokens = read_images(saved(tmp_path, x=np.arange(6, dtype=np.int32).reshape(2, 3)), count=2)
    assert tokens.images.dtype == torch.int64 and "integers as they are" in tokens.source
    noise = noise_images((1, 5), count=400, seed=1)
    assert noise.images.shape == (400, 1, 5) and abs(float(noise.images.std()) - 1) < 0.1
    assert torch.equal(noise.images, noise_images((1, 5), count=400, seed=1).images)
    with pytest.raises(UsageError, match="shape of positive numbers, as 3,32,32, got 3,0"):
        noise_images((3, 0), count=1, seed=0)


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"x": np.zeros((4, 8, 8, 3), dtype=np.uint8)}, r"channels last; transpose them"),
        ({"x": np.linspace(0, 255, 48).reshape(1, 3, 4, 4)}, "numbers from 0 to 255, which look like bytes"),
        ({"x": np.zeros((2, 3, 4, 4), dtype=np.int32)}, "uint8 or floats, got int32"),
        ({"x": np.zeros((2, 3, 4, 4), dtype=bool)}, "got bool"),
        ({"x": np.zeros((2, 3, 4, 4)), "y": np.zeros(3, dtype=int)}, "expected 2 labels in mine.npz, got 3"),
        ({"x": np.zeros((0, 3, 4, 4))}, "batch of 1 to 0 images"),
    ],
)
def test_arrays_that_are_refused(tmp_path: Path, arrays: dict[str, np.ndarray], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        read_images(saved(tmp_path, **arrays), count=1)


def test_what_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file or folder"):
        read_images(tmp_path / "absent", count=1)
    (tmp_path / "x.npz").write_bytes(b"no archive")
    with pytest.raises(DataError, match=r"arrays x and y, got .*x\.npz"):
        read_images(tmp_path / "x.npz", count=1)
    with pytest.raises(UsageError, match=r"batch of 1 to 2 images of mine.npz, got 64"):
        read_images(saved(tmp_path, x=np.zeros((2, 3, 4, 4))), count=64)
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(UsageError, match=r"expected images \(.png"):
        read_images(folder, count=1)
    painted(folder / "a.png", (0, 0, 0))
    with pytest.raises(UsageError, match="batch of 1 to 1 images"):
        read_images(folder, count=2)
    painted(folder / "b.png", (0, 0, 0), size=(3, 3))
    with pytest.raises(UsageError, match=r"images of one size, got 4x6 and 3x3 .*give a size"):
        read_images(folder, count=2)
    (folder / "b.png").write_bytes((folder / "a.png").read_bytes()[:40])
    with pytest.raises(DataError, match=r"expected an image in .*b\.png"):
        read_images(folder, count=2)


def test_without_pillow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    painted(tmp_path / "a.png", (0, 0, 0))
    really = builtins.__import__

    def refuse(name: str, *others: object, **more: object):
        if name == "PIL":
            raise ImportError(name)
        return really(name, *others, **more)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(MissingExtraError, match=r"a folder of images needs the extra 'images'"):
        read_images(tmp_path, count=1)
