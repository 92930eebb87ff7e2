"""`hwnas score`, `hwnas proxies` and `hwnas spaces` as a user meets them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from hwnas.cli import main
from hwnas.proxies import PROXIES
from hwnas.proxies import table as tables
from hwnas.spaces import SPACES


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HWNAS_DATA", str(tmp_path / "cache"))
    monkeypatch.setattr(tables, "SHIPPED_FOLDER", tmp_path / "shipped")


@pytest.fixture
def hwnas(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Run the command; returns exit code, standard output and error stream."""

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["hwnas", *arguments])
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        return code, *capsys.readouterr()

    return run


def test_one_network(hwnas) -> None:
    code, out, err = hwnas("score", "1462", "--proxy", "params", "--proxy", "flops")
    assert (code, err) == (0, "")
    assert "|none~0|+|nor_conv_1x1~0|skip_connect~1|" in out and "400,346  parameters" in out
    assert "params, flops: counted from the architecture as written" in out and "higher is better" in out


def test_several_networks(hwnas) -> None:
    pytest.importorskip("torch")
    code, out, _ = hwnas(
        "score", "0", "(4, 3, 3, 0, 0, 0)", "--proxy=synflow", "--proxy=macs", "--dataset=imagenet16-120"
    )
    assert code == 0
    assert "-inf" in out and "synflow: minus infinity: no path leads from the input to the output" in out
    assert "13931: |avg_pool_3x3~0|+" in out and "standard normal noise" in out


def test_json(hwnas) -> None:
    code, out, _ = hwnas("score", "15624", "0", "--proxy", "params", "--json")
    answer = json.loads(out)
    assert code == 0 and answer["schema_version"] == 1 and answer["dataset"] == "cifar10"
    assert [net["scores"]["params"] for net in answer["nets"]] == [73_306, 73_306]
    assert answer["proxies"][0]["direction"] == "max"


def test_a_space_resumes(hwnas, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    out_file = str(tmp_path / "t.npz")
    common = ("score", "--all", "--dataset=ImageNet16-120", "--batch-size=2", "--workers=1", "--out", out_file)
    code, out, _ = hwnas(*common, "--limit=1", "--proxy=synflow")
    assert code == 0 and f"written to {out_file}" in out and "1 networks by synflow\n" in out
    code, out, _ = hwnas(*common, "--limit=2", "--proxy=synflow", "--json")
    assert code == 0 and json.loads(out)["networks"] >= 2
    code, out, _ = hwnas(*common, "--limit=1", "--proxy=l2_norm")
    assert code == 0 and "networks by synflow, l2_norm (1 of them)\n" in out
    code, _, err = hwnas(*common, "--limit=1", "--proxy=synflow", "--seed=1")
    assert code == 1 and "another --out" in err and err.count("\n") == 1


def test_some_of_a_space_without_end(hwnas) -> None:
    pytest.importorskip("torch")
    some = ("score", "--all", "--space", "ofa", "--proxy", "l2_norm", "--workers", "1")
    code, out, err = hwnas(*some, "--limit", "3")
    assert code == 0 and "3 networks by l2_norm\n" in out, err
    code, _, err = hwnas(*some)
    assert code == 2 and "expected a space that can be enumerated or has known accuracies, got ofa" in err


def test_a_file_of_few_images(hwnas, tmp_path: Path) -> None:
    """All are taken where no number is given; so many as are asked for must be there."""
    pytest.importorskip("torch")
    path, out_file = tmp_path / "imgs.npz", str(tmp_path / "t.npz")
    np.savez(path, x=np.random.default_rng(0).normal(size=(4, 3, 32, 32)), y=np.arange(4))
    asked = ("--images", str(path), "--proxy", "grad_norm")
    code, out, err = hwnas("score", "1462", *asked)
    assert (code, err) == (0, "") and "first 4 images of imgs.npz" in out
    code, out, _ = hwnas("score", "--all", "--limit", "1", "--workers", "1", "--out", out_file, *asked)
    assert code == 0 and "first 4 images of imgs.npz" in out
    code, _, err = hwnas("score", "1462", *asked, "--batch-size", "64")
    assert code == 2 and "expected a batch of 1 to 4 images of imgs.npz, got 64" in err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "got neither"),
        (("3", "--all"), "got both"),
        (("3", "--limit", "5"), "--limit belongs to --all, not to networks"),
        (("--all", "--fresh"), "--fresh belongs to networks, not to --all"),
        (("3", "--proxy", "sinflow"), "did you mean 'synflow'"),
        (("15625",), "0 to 15624, got 15625"),
        (("3", "--batch-size", "0"), "batch_size of at least 1"),
        (("3", "--images", "absent.npz", "--proxy", "zen"), "no such file"),
    ],
)
def test_wrong_use_is_one_line_and_exit_code_2(hwnas, arguments: tuple[str, ...], says: str) -> None:
    pytest.importorskip("torch")
    code, out, err = hwnas("score", *arguments)
    assert code == 2 and out == "" and says in err and err.count("\n") == 1


def test_lists(hwnas) -> None:
    code, out, _ = hwnas("proxies")
    assert code == 0 and all(f"\n{name} " in out for name in PROXIES) and "Higher is better" in out
    listed = {proxy["name"]: proxy for proxy in json.loads(hwnas("proxies", "--json")[1])["proxies"]}
    assert list(listed) == list(PROXIES)
    assert listed["naswot"]["uses_data"] and not listed["naswot"]["uses_labels"] and listed["params"]["baseline"]
    assert all(proxy["source"] and proxy["fails"] and proxy["direction"] == "max" for proxy in listed.values())
    code, out, _ = hwnas("spaces")
    assert code == 0 and "15,625" in out and "nasbench201" in out
    spaces = {space["name"]: space for space in json.loads(hwnas("spaces", "--json")[1])["spaces"]}
    assert list(spaces) == list(SPACES)
    space = spaces["nasbench201"]
    assert space["architectures"] == 15_625 and space["datasets"] == list(SPACES["nasbench201"].datasets)
    assert space["enumerable"] and not spaces["fbnet"]["enumerable"]
