# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""docs/report.schema.json describes what readiness_report makes, all of it and nothing else."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import fleet
from tests.support.sample_report import large_report, sample_report

SCHEMA: dict[str, Any] = json.loads((Path(__file__).parents[4] / "docs" / "report.schema.json").read_text())
VALIDATOR = Draft202012Validator(SCHEMA)


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


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize(("path", "part"), [pytest.param(*part, id=part[0]) for part in parts(SCHEMA)])
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
    VALIDATOR.validate(report)
    VALIDATOR.validate(json.loads(json.dumps(report)))


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
    assert not VALIDATOR.is_valid(report)
