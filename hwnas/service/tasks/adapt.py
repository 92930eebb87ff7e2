"""A model of a new device from uploaded measurements, in a user folder of its own."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path

from hwnas.api.adapt import AdaptSettings, adapt
from hwnas.devices.registry import user_cards
from hwnas.devices.user_devices import models_folder, own_card
from hwnas.errors import DataError
from hwnas.latency.measurement_files import rows_of_kit
from hwnas.service.device_cards import copy_cards
from hwnas.service.errors import UploadError
from hwnas.service.tasks.task import Made, Work


def run(work: Work) -> Made:
    """Adapt to the measurements. The files of the card and of its models are given back, and written nowhere else."""
    asked = work.request
    home = work.folder / "home"
    copy_cards(home / "devices")  # what the device is, where it is replaced or added to, and which names are taken
    os.environ["HWNAS_HOME"] = str(home)
    files = [write(work, name, text) for name, text in json.loads(work.payload or b"[]")]
    for name in files:
        _require_sound(Path(name))
    settings = AdaptSettings(**asked["settings"])
    answer = adapt(files, name=asked["name"], space=asked["space"], dataset=asked["dataset"], settings=settings)
    card = own_card(asked["name"])
    assert card is not None
    folders = {model.folder for model in card.adapted()}
    paths = [path for folder in sorted(folders) for path in sorted((models_folder() / folder).iterdir())]
    result = {**answer.to_dict(), "card": f"/v1/devices/{asked['name']}"}
    return Made(
        result=result,
        card=(user_cards() / f"{asked['name']}.toml").read_text(encoding="utf-8"),
        files={str(path.relative_to(user_cards())): path.read_bytes() for path in paths},
    )


def _require_sound(path: Path) -> None:
    """Raise `UploadError` for a file of the caller that cannot be read; other files that cannot are ours."""
    try:
        if path.suffix == ".json":
            rows_of_kit(path)
    except DataError as error:
        raise UploadError(str(error)) from error


def write(work: Work, name: str, text: str) -> str:
    """An uploaded file under a name of ours, as a path that messages may show."""
    (work.folder / name).write_bytes(base64.b64decode(text))
    return name
