"""References to devices, the user's own cards, and clashes of names."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from hwnas.devices import get_device, load_devices, read_card, user_cards, write_card
from hwnas.devices.registry import SHIPPED_CARDS, wrong_cards
from hwnas.errors import DataError, UnknownNameError


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty user folder: the machine's own must not decide what the tests see."""
    monkeypatch.setenv("HWNAS_HOME", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    ("reference", "expected", "batch_size"),
    [
        ("edgegpu", "jetson-tx2", 1),
        ("EdgeGPU", "jetson-tx2", 1),
        ("jetson-tx2@1", "jetson-tx2", 1),
        (" Jetson_TX2 ", "jetson-tx2", 1),
        ("gtx-1080-ti", "gtx-1080-ti", 1),
        ("1080Ti@32", "gtx-1080-ti@32", 32),
        ("titan_xp", "titan-xp", 1),
        ("titanxp", "titan-xp", 1),
        ("TITAN X@256", "titan-x@256", 256),
        ("essential_ph_1", "essential-ph-1", None),
    ],
)
def test_references(reference: str, expected: str, batch_size: int | None) -> None:
    device = get_device(reference)
    assert device.reference == expected
    assert device.variant.batch_size == batch_size
    assert get_device(device.reference) == device


def test_every_device_is_found_by_each_of_its_names_and_variants() -> None:
    for name, card in load_devices().items():
        assert {get_device(alias).name for alias in (name, *card.aliases)} == {name}
        for variant in card.variants:
            assert get_device(f"{name}@{variant.name}").variant == variant


def test_unknown_names_come_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"device 'jetson-tx3' is not known; did you mean 'jetson-tx2'"):
        get_device("jetson-tx3")
    with pytest.raises(UnknownNameError, match=r"variant of device 'gtx-1080-ti' '33' is not known.*'32'"):
        get_device("1080ti@33")
    with pytest.raises(UnknownNameError, match="variant of device 'raspi4' '' is not known"):
        get_device("raspi4@")


def _user_card(home: Path, name: str, *, aliases: tuple[str, ...] = ()) -> Path:
    card = replace(read_card(SHIPPED_CARDS / "raspi4.toml"), name=name, aliases=aliases, title=f"my {name}")
    path = home / "devices" / f"{name}.toml"
    write_card(card, path)
    return path


def test_a_user_adds_a_device(home: Path) -> None:
    shipped = load_devices()
    _user_card(home, "my-board", aliases=("mb",))
    assert user_cards() == home / "devices"
    assert get_device("MB").card.title == "my my-board"
    assert load_devices().keys() == shipped.keys() | {"my-board"}


def test_a_user_card_of_the_same_name_replaces_the_shipped_one(home: Path) -> None:
    _user_card(home, "raspi4", aliases=("pi",))
    assert get_device("raspi4").card.title == get_device("pi").card.title == "my raspi4"
    with pytest.raises(UnknownNameError):
        get_device("raspberry-pi-4")  # an alias of the card that was replaced


@pytest.mark.parametrize(("name", "aliases", "shared"), [("board", ("tx2",), "tx2"), ("edgegpu", (), "edgegpu")])
def test_names_that_clash(home: Path, name: str, aliases: tuple[str, ...], shared: str) -> None:
    path = _user_card(home, name, aliases=aliases)
    with pytest.raises(DataError, match=f"'{shared}' is already a name of device 'jetson-tx2'") as error:
        get_device("raspi4")
    assert str(path) in str(error.value)


@pytest.mark.parametrize("whole", [True, False])
def test_a_broken_user_card_is_named_and_spares_the_others(
    home: Path, whole: bool, caplog: pytest.LogCaptureFixture
) -> None:
    shipped = load_devices()
    path = _user_card(home, "broken")
    text = path.read_text(encoding="utf-8").replace('kind = "single-board"', "kind = 1")
    path.write_text(text if whole else "\0garbage", encoding="utf-8")
    with pytest.raises(DataError, match="field kind" if whole else "expected a TOML file") as error:
        get_device("Broken")
    assert str(path) in str(error.value) and list(wrong_cards()) == [path]
    assert get_device("raspi4").name == "raspi4" and load_devices() == load_devices() == shipped
    (record,) = caplog.records
    said = record.getMessage()
    assert str(path) in said and "`hwnas devices broken --remove` removes it" in said


def test_without_the_variable_the_platform_says_where(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HWNAS_HOME")
    assert user_cards().name == "devices"
    assert "hwnas" in user_cards().parts


def test_looking_up_a_device_needs_no_large_library() -> None:
    code = (
        "import sys; from hwnas.devices import get_device; get_device('edgegpu');"
        "print([name for name in ('torch', 'pydantic', 'scipy', 'numpy', 'rich') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
