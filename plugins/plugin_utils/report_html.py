# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""The fleet's report as one self-contained page: data/report/ has its template, its style and its script.

The page may load nothing and run nothing but these two, which its Content-Security-Policy names by their hashes.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import jinja2
import markupsafe

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import report_layers, report_registries
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.report_shape import (
    SEVERITIES,
    STATES,
    answer_word,
    count,
    evidence_pairs,
    grouped,
    headline,
    known_how,
    listed,
    until_day,
)

_FOLDER = Path(__file__).parent / "data" / "report"
_NOT_IN_ADDRESSES = re.compile(r"[^A-Za-z0-9._-]+")
# Where a long word, such as an image's name, may be broken.
_LONG = re.compile(r"\S{25,}")
_BREAK = re.compile(r"(?<=[/:@,=])(?=\w)|(?<=\.)(?=[A-Za-z])")
# With more rows than this the matrix scrolls in a box of its own, so that its head stays in sight.
_TALL = 20


def page(report: Mapping[str, Any]) -> str:
    """The page, the same for the same report."""
    hosts = report["hosts"]
    anchors = dict(zip((host["name"] for host in hosts), _anchors(host["name"] for host in hosts), strict=True))
    style, script = _asset("style.css"), _asset("script.js")
    return _template().render(
        report=report,
        summary=report["summary"],
        headline=headline(report["summary"]),
        upgrade_first=report["summary"]["upgrade_first"],
        changes=grouped((host for host in hosts if host["what_if"]), lambda host: host["what_if"]),
        anchors=anchors,
        registries=report_registries.shared(hosts),
        ranks={state: rank for rank, state in enumerate(STATES)},
        tall=len(hosts) > _TALL,
        style=markupsafe.Markup(style),  # noqa: S704 - a file of this collection
        script=markupsafe.Markup(script),  # noqa: S704 - a file of this collection
        policy=_policy(style, script),
    )


def _policy(style: str, script: str) -> str:
    return (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _anchors(names: Iterable[str]) -> list[str]:
    """A fragment for the address of each host: its name as far as that may stand there, and no two the same."""
    found: list[str] = []
    for name in names:
        plain = f"host-{_NOT_IN_ADDRESSES.sub('-', name)}"
        anchor, number = plain, 2
        while anchor in found:
            anchor, number = f"{plain}-{number}", number + 1
        found.append(anchor)
    return found


@functools.cache
def _asset(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


@functools.cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "answer": answer_word,
        "breakable": _breakable,
        "calm": _calm,
        "counted": count,
        "evidence": evidence_pairs,
        "known_how": known_how,
        "layers": report_layers.layers,
        "listed": listed,
        "until": until_day,
        "weight": _weight,
        "when": _when,
    }
    return environment.get_template("page.html.j2")


def _breakable(text: object) -> markupsafe.Markup:
    """Text whose long words may be broken after a separator."""
    marked = _LONG.sub(lambda word: _BREAK.sub("\0", word[0]), str(text))
    return markupsafe.Markup("<wbr>").join(marked.split("\0"))


def _calm(host: Mapping[str, Any]) -> bool:
    """Whether all of it is ready, and measured."""
    return host["state"] == "ready" and all(
        (cell["state"], cell["kind"]) == ("ready", "measured") for cell in host["cells"].values()
    )


def _weight(findings: list[dict[str, Any]]) -> str:
    """How many findings of each severity there are."""
    numbers = {severity: sum(1 for one in findings if one["severity"] == severity) for severity in SEVERITIES}
    said = [
        count(number, severity) if severity in ("risk", "note") else f"{number} {severity}"
        for severity, number in numbers.items()
        if number
    ]
    return ", ".join(said) or "no findings"


def _when(generated: str) -> str:
    """A time in UTC for people."""
    return f"{generated[:10]} {generated[11:16]} UTC"
