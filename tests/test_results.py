"""The form of an answer: its schema describes every field, and refuses what is not of the form."""

from __future__ import annotations

import copy
import json
from typing import Any

import jsonschema
import pytest

import hwnas
from hwnas.errors import UnknownNameError


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return hwnas.json_schema()


def test_every_field_is_described_required_and_none_else_allowed(schema: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator.check_schema(schema)
    forms = [schema, *schema["$defs"].values()]
    assert {form["title"] for form in forms} == {
        *("ParetoResult", "ObjectiveResult", "FrontResult", "NetResult", "CostResult", "ComparisonResult"),
    }
    for form in forms:
        assert form["description"] and form["additionalProperties"] is False
        assert form["required"] == list(form["properties"])
        for name, field in form["properties"].items():
            assert len(field["description"]) > 10, name
    assert "candidates" not in schema["properties"]


def test_an_answer_is_of_the_form_and_a_changed_one_is_not(shipped: object, schema: dict[str, Any]) -> None:
    result = hwnas.pareto("tx2", budget_mj=20, nets=3)
    plain = json.loads(result.to_json())
    assert plain == json.loads(json.dumps(result.to_dict())) and plain["schema_version"] == 1
    validator = jsonschema.Draft202012Validator(schema)
    validator.validate(plain)
    for path, value in ((("fronts", 0, "role"), "winner"), (("objectives", 0, "bound"), "20"), (("more",), 1)):
        changed = copy.deepcopy(plain)
        place = changed
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value
        assert not validator.is_valid(changed), path


def test_a_front_by_its_name(shipped: object) -> None:
    result = hwnas.pareto("tx2", nets=3)
    assert result.front("zen").name == "zen"
    with pytest.raises(UnknownNameError, match="front 'truht' is not known"):
        result.front("truht")
