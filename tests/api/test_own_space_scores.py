"""Scores of networks of a space of one's own: usual proxies that cannot score them are left out with their reason."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

import hwnas.spaces
from hwnas.api.score import score, score_table
from hwnas.api.score_forms import ScoreSettings, score_result
from hwnas.cli import render_scores
from hwnas.errors import ProxyError
from hwnas.proxies import COUNTS, USUAL
from hwnas.spaces import SPACES, registry
from hwnas.spaces.registry import register_by_name

pytest.importorskip("torch")
README = Path(hwnas.spaces.__file__).with_name("README.md").read_text(encoding="utf-8")
EXAMPLE = next(text for text in re.findall(r"```python\n(.*?)```", README, re.S) if "class Plain" in text)
SETTINGS = ScoreSettings(batch_size=8, device="cpu", workers=1)
NO_RELU = ("nn.ReLU()", "nn.Identity()")
OF_RELUS = {"naswot", "naswot_eval", "swap"}


@pytest.fixture
def known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Makes the example known with an edit; nothing of it is known afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setenv(registry.VARIABLE, "")
    monkeypatch.setenv("HWNAS_DATA", str(tmp_path / "data"))
    before, named = dict(SPACES), dict(registry._named)

    def make(right: str, wrong: str) -> None:
        assert right in EXAMPLE
        (tmp_path / "my_space.py").write_text(EXAMPLE.replace(right, wrong), encoding="utf-8")
        register_by_name("my_space:Plain")

    yield make
    for names, kept in ((SPACES, before), (registry._named, named)):
        names.clear()
        names.update(kept)
    sys.modules.pop("my_space", None)


def test_what_networks_cannot_have_is_left_out_and_said(known: Callable[..., None]) -> None:
    known(*NO_RELU)
    found = score(["3-1-5-3", "0"], space="plain-convs", settings=SETTINGS)
    names = {column.proxy.name for column in found.columns}
    assert names == {*COUNTS, *USUAL} - OF_RELUS
    assert all(np.isfinite(column.scores).all() for column in found.columns if column.proxy.name in ("zen", "synflow"))
    assert [note.split(" is left out: expected activations")[0] for note in found.notes[:3]] == sorted(OF_RELUS)
    assert "(activation_agreement, unit_patterns, unnormalised_agreement) may stand in `lacks`" in found.notes[3]
    assert all(f"note: {note}" in str(found) for note in found.notes)
    assert score_result(json.loads(json.dumps(found.to_dict()))).notes == found.notes


def test_also_of_a_whole_space(known: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> None:
    known(*NO_RELU)
    limited = ScoreSettings(device="cpu", workers=1, limit=2)
    saved = score_table(space="plain-convs", settings=limited)
    assert {*saved.table.proxies} == {*USUAL} - OF_RELUS and len(saved.notes) == 4
    render_scores.table(saved, as_json=False)
    assert "note: naswot is left out: expected activations" in capsys.readouterr().out
    assert saved.to_dict()["notes"] == list(saved.notes)


def test_those_asked_for_by_name_are_refused(known: Callable[..., None]) -> None:
    known(*NO_RELU)
    with pytest.raises(ProxyError, match="naswot expected activations"):
        score(["0"], space="plain-convs", proxies=["l2_norm", "naswot"], settings=SETTINGS)
    with pytest.raises(ProxyError, match="naswot expected activations"):
        score_table(space="plain-convs", proxies=["l2_norm", "naswot"], settings=SETTINGS, out=Path("table.npz"))


def test_a_network_that_does_not_run_is_told_with_its_line(known: Callable[..., None]) -> None:
    layer = "class Broken(nn.Module):\n            def forward(self, images):\n                return images @ nothing"
    known("        layers = []\n", f"        {layer}\n\n        layers = [Broken()]\n")
    said = (
        r"expected 3-1-5-3 of plain-convs to be scored by .* got NameError: .*my_space.py:\d+: return images @ nothing"
    )
    for proxies in (None, ["snip"]):
        with pytest.raises(ProxyError, match=said):
            score(["3-1-5-3"], space="plain-convs", proxies=proxies, settings=SETTINGS)


def test_with_all_of_them_there_is_no_note(known: Callable[..., None]) -> None:
    known("3-1-5-3", "3-1-5-1")
    found = score(["0"], space="plain-convs", settings=SETTINGS)
    assert len(found.columns) == len(COUNTS) + len(USUAL) and found.notes == ()
