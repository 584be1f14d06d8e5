# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""What the pages of all reports have in common: templates that escape, files of data/report, and their policy.

A page may load nothing and run nothing but the style and the script that it holds, which its Content-Security-Policy
names by their hashes.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import jinja2
import markupsafe

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.report_shape import count, known_how, listed, when

_FOLDER = Path(__file__).parent / "data" / "report"
_NOT_IN_ADDRESSES = re.compile(r"[^A-Za-z0-9._-]+")
# Where a long word, such as an image's name, may be broken.
_LONG = re.compile(r"\S{25,}")
_BREAK = re.compile(r"(?<=[/:@,=])(?=\w)|(?<=\.)(?=[A-Za-z])")


def rendered(
    name: str, styles: Iterable[str], script: str, filters: Mapping[str, Callable[..., Any]], **values: Any
) -> str:
    """The template NAME with the style of STYLES and, if there is one, SCRIPT."""
    style, program = "".join(map(_asset, styles)), _asset(script) if script else ""
    return _template(name, tuple(filters.items())).render(
        style=markupsafe.Markup(style),  # noqa: S704 - a file of this collection
        script=markupsafe.Markup(program),  # noqa: S704 - a file of this collection
        policy=_policy(style, program),
        **values,
    )


def anchors(names: Iterable[str]) -> dict[str, str]:
    """A fragment for the address of each host: its name as far as that may stand there, and no two the same."""
    found: dict[str, str] = {}
    for name in names:
        plain = f"host-{_NOT_IN_ADDRESSES.sub('-', name)}"
        anchor, number = plain, 2
        while anchor in found.values():
            anchor, number = f"{plain}-{number}", number + 1
        found[name] = anchor
    return found


def _policy(style: str, script: str) -> str:
    scripts = f"script-src '{_hash(script)}'; " if script else ""
    return (
        f"default-src 'none'; style-src '{_hash(style)}'; {scripts}img-src data:; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


@functools.cache
def _asset(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


@functools.cache
def _template(name: str, filters: tuple[tuple[str, Callable[..., Any]], ...]) -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "breakable": _breakable, "counted": count, "known_how": known_how, "listed": listed, "when": when,
        **dict(filters),
    }  # fmt: skip
    return environment.get_template(name)


def _breakable(text: object) -> markupsafe.Markup:
    """Text whose long words may be broken after a separator."""
    marked = _LONG.sub(lambda word: _BREAK.sub("\0", word[0]), str(text))
    return markupsafe.Markup("<wbr>").join(marked.split("\0"))
