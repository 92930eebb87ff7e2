"""A space of one's own that is edited is told from what it was; what has no part in its networks is passed over."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import hwnas.spaces
from hwnas.spaces import SPACES, Space, register, registry
from hwnas.spaces.fingerprint import code_of, fingerprint
from hwnas.spaces.registry import make_space

README = Path(hwnas.spaces.__file__).with_name("README.md").read_text(encoding="utf-8")
EXAMPLE = next(text for text in re.findall(r"```python\n(.*?)```", README, re.S) if "class Plain" in text)
Write = Callable[..., Space]


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Writes the example, edited, with other files beside it, and makes its space as a new process would."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    names = {"my_space"}

    def write(*edits: tuple[str, str], **others: str) -> Space:
        text = EXAMPLE
        for right, wrong in edits:
            assert right in text
            text = text.replace(right, wrong)
        for name, content in {"my_space": text, **others}.items():
            (tmp_path / f"{name}.py").write_text(content, encoding="utf-8")
            names.add(name)
        for name in names:
            sys.modules.pop(name, None)
        # Files of one size that are written within one second are told apart by no stored bytecode.
        for stored in tmp_path.glob("__pycache__/*"):
            stored.unlink()
        return make_space("my_space:Plain")

    yield write
    for name in names:
        sys.modules.pop(name, None)


@pytest.mark.parametrize("name", SPACES)
def test_those_of_hwnas_have_none(name: str) -> None:
    """So their tables, which are shipped, and what the caches of users have stay valid."""
    assert fingerprint(SPACES[name]) == ""


@pytest.mark.parametrize(
    "edit",
    [
        ("KERNELS, LAYERS = (1, 3, 5), 4", "KERNELS, LAYERS = (1, 3, 7), 4"),
        ("nn.ReLU()", "nn.SiLU()"),
        ("builder.image(32)", "builder.image(48)"),
        ('datasets = ("cifar10",)', 'datasets = ("cifar100",)'),
        ("padding=kernel // 2", "padding='same'"),
    ],
)
def test_an_edit_changes_it(written: Write, edit: tuple[str, str]) -> None:
    before = fingerprint(written())
    assert re.fullmatch("[0-9a-f]{12}", before)
    assert fingerprint(written(edit)) != before
    assert fingerprint(written()) == before


def test_comments_docstrings_and_layout_do_not(written: Write) -> None:
    before = fingerprint(written())
    edits = (
        ("class Plain(Space):", "# mine\n\n\nclass Plain(Space):"),
        ("Four convolutions of 16 channels", "Four of them"),
        ("        layers = []\n", "        layers = (\n            []\n        )  # none yet\n"),
    )
    assert fingerprint(written(*edits)) == before


@pytest.mark.parametrize("place", ["KERNELS, LAYERS", "        layers = []\n"])
def test_modules_that_it_imports_count(written: Write, place: str) -> None:
    """At the top of the file, and inside a method that has not run yet."""
    indent = " " * (len(place) - len(place.lstrip()))
    edit = (place, f"{indent}from my_blocks import activation\n{place}")
    before = fingerprint(written(edit, my_blocks="def activation():\n    return 'relu'\n"))
    assert fingerprint(written(edit, my_blocks="def activation():\n    return 'silu'\n")) != before
    assert fingerprint(written(edit, my_blocks="def activation():  # one\n    return 'relu'\n")) == before


def test_files_that_its_counts_depend_on_count(written: Write, tmp_path: Path) -> None:
    edit = (
        "KERNELS, LAYERS = (1, 3, 5), 4",
        "KERNELS, LAYERS = tuple(np.loadtxt('kernels.txt', dtype=int).tolist()), 4",
    )
    found = []
    for kernels in ("1 3 5", "1 3 7", "1 3 5"):
        (tmp_path / "kernels.txt").write_text(kernels, encoding="utf-8")
        found.append(fingerprint(written(edit)))
    assert found[0] == found[2] != found[1]


def test_it_is_the_same_in_every_process(written: Write) -> None:
    here = fingerprint(written())
    code = (
        "from hwnas.spaces.registry import register_by_name as r; from hwnas.spaces.fingerprint import fingerprint as f"
    )
    commands = [sys.executable, "-c", f"{code}; print(f(r('my_space:Plain')))"]
    assert subprocess.run(commands, capture_output=True, text=True, check=True).stdout.strip() == here


def test_the_code_is_that_of_the_registration(written: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that has the old code goes by it, although the file is another one by now."""
    monkeypatch.setattr(registry, "SPACES", dict(SPACES))
    before = fingerprint(written())
    space = register(written())
    (tmp_path / "my_space.py").write_text(EXAMPLE.replace("nn.ReLU()", "nn.SiLU()"), encoding="utf-8")
    assert fingerprint(space) == before


def _without_a_file(text: str) -> Space:
    """The class as a notebook makes it: its module has no file."""
    scope: dict[str, object] = {"__name__": "some_notebook"}
    exec(compile(text, "<cell>", "exec"), scope)
    return scope["Plain"]()  # type: ignore[operator, no-any-return]


def test_without_a_file_it_is_the_compiled_code() -> None:
    helper = EXAMPLE.replace("nn.ReLU()", "activation()") + "\n\ndef activation():\n    from torch import nn\n"
    texts = (
        EXAMPLE,
        EXAMPLE.replace("nn.ReLU()", "nn.SiLU()"),
        EXAMPLE.replace("stride=1 + layer % 2, padding", "stride=2 - layer % 2, padding"),
        f"{helper}\n    return nn.ReLU()\n",
        f"{helper}\n    return nn.SiLU()\n",
    )
    found = [fingerprint(_without_a_file(text)) for text in texts]
    assert len({*found}) == len(texts)
    assert fingerprint(_without_a_file(f"# a comment\n{EXAMPLE}")) == found[0]
    assert code_of(type(_without_a_file(EXAMPLE))) == code_of(type(_without_a_file(EXAMPLE)))
