# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""docs/*.schema.json describe what the reports are, all of it and nothing else."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import fleet
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.upgrade_report import upgrade_report
from tests.support.sample_report import large_report, sample_report
from tests.support.sample_upgrade import sample_upgrade

DOCS = Path(__file__).parents[4] / "docs"
SCHEMAS: dict[str, dict[str, Any]] = {
    name: json.loads((DOCS / f"{name}.schema.json").read_text()) for name in ("report", "upgrade")
}
VALIDATORS = {name: Draft202012Validator(schema) for name, schema in SCHEMAS.items()}


def parts(schema: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema within the schema, by where it stands."""
    if not isinstance(schema, dict):
        return
    yield path or "the report", schema
    for group in ("properties", "$defs"):
        for name, part in schema.get(group, {}).items():
            yield from parts(part, f"{path}/{name}")
    for name in ("items", "additionalProperties"):
        yield from parts(schema.get(name), f"{path}/{name}")


@pytest.mark.parametrize("name", SCHEMAS)
def test_it_is_a_schema(name: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[name])


def test_a_finding_is_the_same_everywhere() -> None:
    assert SCHEMAS["upgrade"]["$defs"]["finding"] == SCHEMAS["report"]["$defs"]["finding"]


@pytest.mark.parametrize(
    ("path", "part"),
    [pytest.param(*part, id=f"{name}: {part[0]}") for name, schema in SCHEMAS.items() for part in parts(schema)],
)
def test_every_part_is_described_and_closed(path: str, part: dict[str, Any]) -> None:
    assert "$ref" in part or len(part["description"]) > 5
    if part.get("type") == "object":
        assert "additionalProperties" in part
        assert "required" in part or not part.get("properties")
        assert set(part.get("required", ())) <= set(part.get("properties", ()))


@pytest.mark.parametrize(
    "report",
    [
        pytest.param(sample_report(), id="a report with a host for every state"),
        pytest.param(sample_report(images=()), id="a report without images"),
        pytest.param(large_report(20), id="a report with many hosts"),
        pytest.param({**sample_report(), "generated": None}, id="a report without a time"),
        pytest.param(fleet.report([]), id="a report on no host"),
        pytest.param(
            fleet.report(
                [{"name": "a", "facts": None, "probe": None, "error": "unreachable"}],
                {"images": ["alpine:3.21", "registry.example.com/x"], "what_if": "docker:29.7.2"},
            ),
            id="a report on an unreachable host",
        ),
    ],
)
def test_reports_are_valid(report: dict[str, Any]) -> None:
    VALIDATORS["report"].validate(report)
    VALIDATORS["report"].validate(json.loads(json.dumps(report)))


@pytest.mark.parametrize(
    "report",
    [
        pytest.param(sample_upgrade(), id="a host of every result"),
        pytest.param(upgrade_report([]), id="no host and no time"),
        pytest.param(upgrade_report([{"name": "a", "result": "current"}]), id="a host of which nothing else is told"),
    ],
)
def test_reports_on_an_upgrade_are_valid(report: dict[str, Any]) -> None:
    VALIDATORS["upgrade"].validate(report)
    VALIDATORS["upgrade"].validate(json.loads(json.dumps(report)))


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda report: report.pop("summary"), id="a part that is missing"),
        pytest.param(lambda report: report.update(more=1), id="a part that is not known"),
        pytest.param(lambda report: report.update(schema=2), id="another schema"),
        pytest.param(lambda report: report.update(generated="yesterday"), id="no time"),
        pytest.param(lambda report: report["hosts"][0].update(state="fine"), id="no state"),
        pytest.param(
            lambda report: report["hosts"][1]["findings"][0]["evidence"].pop("kind"), id="evidence of no kind"
        ),
        pytest.param(lambda report: report["hosts"][0]["calls"][0].update(measured="maybe"), id="no answer"),
    ],
)
def test_what_is_no_report_is_not_valid(spoil: Callable[[dict[str, Any]], Any]) -> None:
    report = copy.deepcopy(sample_report())
    spoil(report)
    assert not VALIDATORS["report"].is_valid(report)


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda report: report["summary"].pop("next"), id="a part that is missing"),
        pytest.param(lambda report: report["hosts"][0].update(result="fine"), id="no result"),
        pytest.param(lambda report: report["hosts"][0]["steps"][0].update(name="wait"), id="no step"),
        pytest.param(lambda report: report["hosts"][0]["steps"][0].update(began=None), id="a step without a beginning"),
        pytest.param(lambda report: report["hosts"][0].update(out_of_service=-1), id="a negative time"),
    ],
)
def test_what_is_no_report_on_an_upgrade_is_not_valid(spoil: Callable[[dict[str, Any]], Any]) -> None:
    report = sample_upgrade()
    spoil(report)
    assert not VALIDATORS["upgrade"].is_valid(report)
