"""The description of the service: complete, with examples that fit, and in the README."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from hwnas.service import examples

README = Path(__file__).parents[2] / "hwnas" / "service" / "README.md"


@pytest.fixture
def description(client: Any) -> dict[str, Any]:
    """What `/openapi.json` says."""
    return dict(client.get("/openapi.json").json())


def operations(description: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [(m, p, o) for p, methods in description["paths"].items() for m, o in methods.items()]


def test_every_route_is_in_the_readme_and_says_what_it_does(description: dict[str, Any]) -> None:
    text = README.read_text()
    for method, path, operation in operations(description):
        assert f"{path}`" in text and method.upper() in text, path
        assert len(operation["description"]) > 20, path
        assert {"401", "429", "503"} <= set(operation["responses"]), path


def test_every_reference_leads_somewhere(description: dict[str, Any]) -> None:
    named = json.dumps(description).split("#/components/schemas/")[1:]
    assert {name.partition('"')[0] for name in named} <= set(description["components"]["schemas"])


def test_bodies_have_examples_that_fit(description: dict[str, Any]) -> None:
    for name in ("ParetoBody", "PredictBody", "ScoreBody", "TableBody"):
        form = description["components"]["schemas"][name]
        for example in form["examples"]:
            jsonschema.validate(example, {**form, "components": description["components"]})
        assert form["additionalProperties"] is False


def test_the_example_of_an_answer_fits(description: dict[str, Any]) -> None:
    form = {**description["components"]["schemas"]["Front"], "components": description["components"]}
    jsonschema.validate(examples.FRONT, form)


def test_nothing_about_the_machine_is_told(description: dict[str, Any]) -> None:
    assert str(Path.home()) not in json.dumps(description)
