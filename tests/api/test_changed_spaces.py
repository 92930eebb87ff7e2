"""What the cache has of a space of one's own is not taken for what the space is now."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

import hwnas.api.activation_peaks
import hwnas.spaces
from hwnas.api.activation_peaks import activation_peaks
from hwnas.api.score import score_table
from hwnas.api.score_forms import ScoreSettings
from hwnas.api.scores_on_demand import scores_on_demand
from hwnas.proxies import get_proxy
from hwnas.proxies.table import find_scores
from hwnas.spaces import SPACES, Space, get_space, registry
from hwnas.spaces.registry import register_by_name

README = Path(hwnas.spaces.__file__).with_name("README.md").read_text(encoding="utf-8")
EXAMPLE = next(text for text in re.findall(r"```python\n(.*?)```", README, re.S) if "class Plain" in text)
SETTINGS = ScoreSettings(batch_size=None, device="cpu", workers=1)
SILU = ("nn.ReLU()", "nn.SiLU()")


@pytest.fixture
def edited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Space]]:
    """The example with edits, as the next command finds it; nothing of it is known afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setenv(registry.VARIABLE, "")
    monkeypatch.setenv("HWNAS_DATA", str(tmp_path / "data"))
    before, named = dict(SPACES), dict(registry._named)

    def forget() -> None:
        for known, kept in ((SPACES, before), (registry._named, named)):
            known.clear()
            known.update(kept)
        sys.modules.pop("my_space", None)
        for stored in tmp_path.glob("__pycache__/*"):
            stored.unlink()

    def edit(*edits: tuple[str, str]) -> Space:
        forget()
        text = EXAMPLE.replace("LAYERS = (1, 3, 5), 4", "LAYERS = (1, 3), 2")
        for right, wrong in edits:
            assert right in text
            text = text.replace(right, wrong)
        (tmp_path / "my_space.py").write_text(text, encoding="utf-8")
        return register_by_name("my_space:Plain")

    yield edit
    forget()


def test_a_table_of_scores(edited: Callable[..., Space]) -> None:
    pytest.importorskip("torch")

    def scored() -> tuple[Path, list[list[float]]]:
        saved = score_table(space="plain-convs", proxies=["naswot", "l2_norm"], settings=SETTINGS)
        return saved.path, saved.table.scores.tolist()

    edited()
    path, before = scored()
    assert find_scores("plain-convs") is not None
    edited(SILU)
    assert find_scores("plain-convs") is None
    other, after = scored()
    assert other != path and np.array(after).shape == (4, 2) and after != before
    edited(("class Plain", "# as at first\nclass Plain"))
    assert find_scores("plain-convs") is not None
    assert scored() == (path, before)


def test_scores_of_a_search(edited: Callable[..., Space]) -> None:
    pytest.importorskip("torch")

    def searched(space: Space) -> list[float]:
        scores, _ = scores_on_demand(space, "cifar10", get_proxy("snip"), SETTINGS)
        return scores(space.all_vectors()).tolist()

    before = searched(edited())
    assert len({*before} & {*searched(edited(SILU))}) == 0
    assert searched(edited()) == before


def test_peaks_of_memory(edited: Callable[..., Space], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hwnas.api.activation_peaks, "_WORTH_KEEPING", 1)

    def peaks() -> list[int]:
        space = get_space("plain-convs")
        return activation_peaks(space, space.all_vectors(), "cifar10").tolist()

    edited()
    before = peaks()
    edited(("builder.image(32)", "builder.image(64)"))
    assert peaks() == [4 * peak for peak in before]
    edited()
    assert peaks() == before
