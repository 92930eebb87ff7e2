"""Cards and models of a user's own: whole or absent, replaced together, removed together."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from hwnas.devices import Adapted, Card, get_device, read_card, write_card
from hwnas.devices.user_devices import keep_card, keep_models, models_folder, own_card, remove_device, require_new_name
from hwnas.errors import DataError, UnknownNameError, UsageError


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HWNAS_HOME", str(tmp_path))
    return tmp_path / "devices"


def card(*folders: str, name: str = "mine", error: float | None = 4.25) -> Card:
    """A shipped card under another name, with a model for each folder."""
    plain = get_device("raspi4").card
    models = tuple(
        Adapted(
            space="nasbench201",
            dataset=f"d{number}",
            target="latency",
            folder=folder,
            method="latent",
            nets=10,
            date="2025-03-01",
            error_percent=error,
        )
        for number, folder in enumerate(folders)
    )
    variant = replace(plain.variants[0], adapted=models, columns=())
    return replace(plain, name=name, aliases=(), variants=(variant,), default_variant=variant.name)


def models(content: str, name: str = "m") -> str:
    return keep_models(name, lambda folder: (folder / "a.json").write_text(content) and None)


@pytest.mark.parametrize("error", [0.0, 4.25, 1e-7, 12345.678, None])
def test_models_on_a_card_are_read_back(home: Path, error: float | None) -> None:
    kept = card("m-1", "m-2", error=error)
    assert read_card(keep_card(kept)) == kept and own_card("mine") == kept and own_card("other") is None
    device = get_device("mine")
    assert device.adapted(space="nasbench201", dataset="d1", target="latency") == kept.variants[0].adapted[1]
    assert device.adapted(space="nasbench201", dataset="d1", target="energy") is None
    assert device.knows(space="nasbench201", dataset="d0", target="latency") and kept.has("latency")
    assert not device.knows(space="fbnet", dataset="d0", target="latency") and not kept.has("energy")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('folder = "m-1"', 'folder = "../../etc"', r"adapted\[0\]\.folder: expected lower-case letters"),
        ("nets = 10", "nets = -1", "a number of measured nets"),
        ("nets = 10", 'nets = "ten"', "a number of measured nets"),
        ("error_percent = 4.25", "error_percent = nan", "a number of at least 0"),
        ('target = "latency"', 'target = "power"', "one of latency, energy"),
        ("nets = 10", "nets = 10, more = 1", "no field of this name"),
    ],
)
def test_a_wrong_model_on_a_card_is_refused(home: Path, old: str, new: str, says: str) -> None:
    path = keep_card(card("m-1"))
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(DataError, match=says):
        read_card(path)


def test_two_models_of_the_same_thing_are_refused(home: Path) -> None:
    twice = card("m-1")
    variant = replace(twice.variants[0], adapted=twice.variants[0].adapted * 2)
    with pytest.raises(DataError, match=r"adapted: expected one model for each"):
        write_card(replace(twice, variants=(variant,)), home / "mine.toml")


def test_folders_of_models_are_named_by_their_contents(home: Path) -> None:
    first = models("a")
    assert first == models("a") != models("b") and first.startswith("m-")
    assert (models_folder() / first / "a.json").read_text() == "a" and len(list(models_folder().iterdir())) == 2


def test_nothing_stays_of_a_write_that_fails(home: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "a.json").write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        keep_models("m", fail)
    assert not list(models_folder().iterdir())


def test_models_go_when_no_card_names_them(home: Path) -> None:
    one, two, three = models("1"), models("2"), models("3", name="other")
    keep_card(card(one, two))
    keep_card(card(three, name="else"))
    keep_card(card(two))
    assert {path.name for path in models_folder().iterdir()} == {two, three}
    assert remove_device("MINE") == home / "mine.toml"
    assert [path.name for path in models_folder().iterdir()] == [three]
    with pytest.raises(UnknownNameError):
        get_device("mine")


def test_a_card_in_the_place_of_a_shipped_one_can_be_removed(home: Path) -> None:
    keep_card(card(name="raspi4"))
    remove_device("raspi4")
    assert get_device("raspi4").card.aliases
    with pytest.raises(UsageError, match="comes with hwnas"):
        remove_device("raspi4")


def test_names_that_are_taken(home: Path) -> None:
    require_new_name("mine")
    for name in ("raspi4", "edgegpu"):
        with pytest.raises(UsageError, match="a device that comes with hwnas"):
            require_new_name(name)
    keep_card(replace(card(), aliases=("my-alias",)))
    require_new_name("mine")
    with pytest.raises(UsageError, match="an alias of 'mine'"):
        require_new_name("my-alias")


def test_a_folder_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("HWNAS_HOME", str(tmp_path / "file" / "home"))
    with pytest.raises(DataError, match="set HWNAS_HOME to another folder"):
        models("a")


def test_no_model_stays_of_a_card_that_cannot_be_written(home: Path) -> None:
    kept, lost = models("1"), models("2")
    keep_card(card(kept))
    with pytest.raises(DataError):
        keep_card(replace(card(kept, lost), default_variant="none of these"))
    assert [path.name for path in models_folder().iterdir()] == [kept]


def test_a_card_that_cannot_be_read_is_removed_with_the_models_that_it_names(home: Path) -> None:
    folder = models("a", "mine")
    path = keep_card(card(folder))
    text = path.read_text()
    path.write_text(text[: text.index(folder) + len(folder) + 1])
    with pytest.raises(DataError, match="expected a TOML file"):
        get_device("mine")
    assert remove_device("Mine") == path and not path.exists() and not (models_folder() / folder).exists()
    with pytest.raises(UnknownNameError):
        remove_device("../devices/mine")


def test_a_card_that_cannot_be_read_is_replaced(home: Path) -> None:
    (home / "mine.toml").parent.mkdir(parents=True)
    (home / "mine.toml").write_text('adapted = [{ folder = "mine-1"')
    (models_folder() / "mine-1").mkdir(parents=True)
    keep_card(card("mine-2"))
    assert get_device("mine").card == card("mine-2") and not (models_folder() / "mine-1").exists()
