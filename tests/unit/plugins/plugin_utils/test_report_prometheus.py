# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.report_prometheus import exposition
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.report_shape import clean, read
from tests.support.any_text import any_text, with_text
from tests.support.sample_report import large_report, sample_report

# The grammar of the format: https://prometheus.io/docs/instrumenting/exposition_formats/
COMMENT = re.compile(r"# (HELP [a-z_]+ [^\n]+|TYPE [a-z_]+ gauge)")
LABEL = r'[a-z_]+="(?:[^"\\\n]|\\\\|\\n|\\")*"'
SAMPLE = re.compile(rf"(?P<name>[a-z_]+)(?:\{{(?P<labels>{LABEL}(?:,{LABEL})*)\}})? (?P<value>[0-9]+)")
VALUE = re.compile(r'([a-z_]+)="((?:[^"\\]|\\.)*)"')
ESCAPED = {"\\\\": "\\", "\\n": "\n", '\\"': '"'}


def samples(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], int]:
    """Every sample by its name and labels; whatever breaks the format fails."""
    assert text.endswith("\n")
    found: dict[tuple[str, frozenset[tuple[str, str]]], int] = {}
    family = ""
    for line in text[:-1].split("\n"):
        if line.startswith("#"):
            assert COMMENT.fullmatch(line), line
            family = line.split()[2]
            continue
        match = SAMPLE.fullmatch(line)
        assert match, line
        assert match["name"] == family
        labels = frozenset(
            (name, re.sub(r"\\.", lambda escape: ESCAPED[escape[0]], value))
            for name, value in VALUE.findall(match["labels"] or "")
        )
        assert (family, labels) not in found, line
        found[family, labels] = int(match["value"])
    return found


@pytest.mark.parametrize(
    ("name", "labels", "expected"),
    [
        pytest.param("host_state", {"host": "ci-berlin-01", "state": "ready"}, 1, id="the state that a host has"),
        pytest.param("host_state", {"host": "ci-berlin-01", "state": "broken"}, 0, id="a state that it has not"),
        pytest.param("generation_ready", {"host": "ci-berlin-01", "generation": "clone3"}, 1, id="images work"),
        pytest.param("generation_ready", {"host": "ci-legacy-01", "generation": "clone3"}, 0, id="images break"),
        pytest.param("generation_ready", {"host": "ci-munich-03", "generation": "clone3"}, 0, id="nobody knows"),
        pytest.param("image_ready", {"host": "ci-berlin-01", "image": "alpine:3.22"}, 1, id="one image"),
        pytest.param("findings", {"host": "ci-munich-02", "severity": "broken"}, 2, id="findings"),
        pytest.param("findings", {"host": "ci-munich-04", "severity": "note"}, 0, id="no findings"),
        pytest.param(
            "layer_measured",
            {"host": "ci-munich-02", "layer": "dind", "name": "dind (docker:19.03-dind)", "profile": "default"},
            1,
            id="a layer that was measured",
        ),
        pytest.param(
            "layer_measured",
            {"host": "ci-berlin-02", "layer": "podman", "name": "podman (alice)", "profile": "default"},
            0,
            id="a layer that could not be measured",
        ),
        pytest.param(
            "engine_info",
            {
                "host": "ci-legacy-01", "version": "19.03.15", "runc": "1.0.0-rc10", "libseccomp": "2.3.3",
                "containerd": "1.3.9", "kernel": "4.19.0-27-amd64", "os": "Debian GNU/Linux 10 (buster)",
                "architecture": "x86_64",
            },
            1,
            id="versions",
        ),
        pytest.param(
            "registry_ready", {"host": "ci-berlin-02", "registry": "registry.example.com:5000"}, 1, id="a registry"
        ),
        pytest.param(
            "registry_ready", {"host": "ci-munich-01", "registry": "10.0.0.9:5009"}, 0, id="a registry that refuses"
        ),
        pytest.param(
            "registry_trust_end_timestamp_seconds",
            {"host": "ci-munich-01", "registry": "registry.example.com:5000"}, 1796369400, id="the end of a CA",
        ),
        pytest.param("report_timestamp_seconds", {}, 1795332600, id="the time of the report"),
    ],
)  # fmt: skip
def test_metrics(name: str, labels: dict[str, str], expected: int) -> None:
    found = samples(exposition(read(sample_report())))
    assert found[f"runnerkit_{name}", frozenset(labels.items())] == expected


def test_a_host_without_an_engine_has_no_versions() -> None:
    found = samples(exposition(read(sample_report())))
    assert not [
        labels for name, labels in found if name == "runnerkit_engine_info" and ("host", "ci-munich-03") in labels
    ]


def test_one_host_has_its_own_lines_and_the_time() -> None:
    report = read(large_report(10))
    everything, own = samples(exposition(report)), samples(exposition(report, "runner005"))
    expected = {
        series: number
        for series, number in everything.items()
        if ("host", "runner005") in series[1] or series[0] == "runnerkit_report_timestamp_seconds"
    }
    assert own == expected
    assert len(own) > 10


@pytest.mark.parametrize(
    ("spoilt", "host", "error"),
    [
        pytest.param({}, "runner9", "host 'runner9' is not in the report; choose one of its hosts: ci-b", id="a host"),
        pytest.param({"generated": "now"}, None, "`generated` is 'now', and a time in UTC such as", id="a time"),
        pytest.param({"generated": "2026-11-22T07:30:00"}, None, "and a time in UTC", id="a time of nowhere"),
    ],
)  # fmt: skip
def test_what_cannot_be_told_is_refused(spoilt: dict[str, Any], host: str | None, error: str) -> None:
    with pytest.raises(ValueError, match=re.escape(error)):
        exposition(read({**sample_report(), **spoilt}), host)


def test_a_report_without_a_time_or_hosts_is_empty() -> None:
    assert exposition(read({**sample_report(), "generated": None, "hosts": []})) == ""


@given(any_text)
def test_any_text_keeps_to_the_format_and_comes_back(text: str) -> None:
    found = samples(exposition(read(with_text(text))))
    hosts = {label for _, labels in found for name, label in labels if name == "host"}
    assert hosts == {clean(f"{name}{text}") for name in ("ci-berlin-02", "ci-legacy-01", "ci-munich-02")}
    assert len(found) == len(samples(exposition(read(with_text("")))))
