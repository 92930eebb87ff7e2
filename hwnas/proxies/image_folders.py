"""Images in a folder, read with Pillow. The only file that imports Pillow."""

from __future__ import annotations

from itertools import zip_longest
from pathlib import Path
from typing import Final

import numpy as np

from hwnas.arrays import Array
from hwnas.errors import DataError, MissingExtraError, UsageError

SUFFIXES: Final = (".png", ".jpg", ".jpeg", ".bmp", ".webp")
USUAL: Final = 64  # images of a batch, where nobody says how many


def batch_of(asked: int | None, there: int, where: str | Path) -> int:
    """How many images a batch has: those asked for, or `USUAL` where there are so many. Raises `UsageError`."""
    if asked is None:
        return min(USUAL, there)
    if not 1 <= asked <= there:
        raise UsageError(f"expected a batch of 1 to {there} images of {where}, got {asked}; give another batch size")
    return asked


def read_folder(folder: Path, *, count: int | None, side: int | None) -> tuple[Array, Array | None, str]:
    """uint8 images (count, 3, height, width), labels (count,) or None, and what they are; count as for `batch_of`.

    A folder of folders is a folder of classes, numbered in the order of their names: one image of each in turn, in the
    order of names. side: images are scaled and cropped about their centre to so many pixels; None: as they are. Raises
    `UsageError` for too few images or different sizes, `DataError` for a damaged one, `MissingExtraError`.
    """
    classes = [sub for sub in sorted(folder.iterdir()) if sub.is_dir() and _images(sub)]
    if classes:
        turns = zip_longest(*([(path, label) for path in _images(sub)] for label, sub in enumerate(classes)))
        listed = [pair for turn in turns for pair in turn if pair is not None]
    else:
        listed = [(path, 0) for path in _images(folder)]
    if not listed:
        raise UsageError(f"expected images ({', '.join(SUFFIXES)}) in {folder} or its folders, got none")
    count = batch_of(count, len(listed), folder)
    what = f"first {count} of {len(listed):,} images of {folder.name}"
    if classes:
        what = f"{count} of {len(listed):,} images of {folder.name}, labels from its {len(classes)} folders"
    images = [_read(path, side) for path, _ in listed[:count]]
    for image, (path, _) in zip(images, listed, strict=False):
        if image.shape != images[0].shape:
            sizes = " and ".join("x".join(map(str, each.shape[:2])) for each in (images[0], image))
            raise UsageError(f"expected images of one size, got {sizes} ({path}); give a size to scale and crop to")
    labels = np.array([label for _, label in listed[:count]], dtype=np.int64) if classes else None
    return np.stack(images).transpose(0, 3, 1, 2), labels, what + (f", scaled and cropped to {side}" if side else "")


def _images(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file())


def _read(path: Path, side: int | None) -> Array:
    """uint8 (height, width, 3)."""
    try:
        from PIL import Image, ImageOps
    except ImportError:
        raise MissingExtraError("reading a folder of images", "images") from None
    try:
        with Image.open(path) as image:
            colours = ImageOps.exif_transpose(image).convert("RGB")
            return np.asarray(colours if side is None else ImageOps.fit(colours, (side, side)))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise DataError(f"expected an image in {path}, got: {error}; repair it or take it out") from error
