# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""config.toml for people's eyes: every secret replaced by a mask."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.module_utils.redact import MASK
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.runner_fields import RUNNERS, key_names
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.runner_render import value_text
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.runner_secrets import (
    Place,
    holds_token,
    is_secret_key,
    is_secret_option,
    masked_comment,
    masked_value,
)
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.runner_statements import Value
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.runner_tree import Block, blocks

__all__ = ["MASK", "OTHER", "masked", "masked_pair", "masked_value"]

OTHER = f"{MASK} (another one)"

_BOM = "\ufeff"
_NUMBER = re.compile(r"[+-]?\d{1,12}(?:\.\d{1,12})?|true|false")
_BROKEN_HEADER = re.compile(r"[ \t]*\[{1,2}([\w.-]+)\]{1,2}[ \t]*")
_BROKEN_PAIR = re.compile(r"([ \t]*([\w-]+)[ \t]*=[ \t]*)(.*)")
# A text between single quotes of either kind in which nothing is escaped.
_SIMPLE = re.compile(r"""\"[^"\\\n]+\"|'[^'\n]+'""")
_VARIABLE = re.compile(r"['\"]([\w.-]+)=")


def masked(text: str) -> str:
    """TEXT with every secret replaced by `********`; text that is no TOML is masked by the line, rather too much."""
    return _masked(text, {})


def masked_pair(before: str, after: str) -> tuple[str, str]:
    """Both masked; a secret that is another one than before reads `******** (another one)` in the second."""
    earlier = {_identity(place, written): written for place, written in _values(before)}
    return masked(before), _masked(after, earlier)


def _masked(text: str, earlier: Mapping[Place, str]) -> str:
    body = text.removeprefix(_BOM)
    if not _is_toml(body):
        return "".join(map(_masked_line, text.splitlines(keepends=True)))
    parts, position = [], 0
    for start, end, place in _pieces(body):
        new = masked_comment(body[start:end]) if place is None else _masked_piece(body[start:end], place, earlier)
        parts += [body[position:start], new]
        position = end
    return text[: len(text) - len(body)] + "".join([*parts, body[position:]])


def _is_toml(text: str) -> bool:
    try:
        tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return False
    return True


def _masked_piece(written: str, place: Place, earlier: Mapping[Place, str]) -> str:
    """A value as it may be shown; what needs no mask stays as it is written."""
    value = _decoded(written, place)
    shown: Any = masked_value(place, value)
    if type(shown) is type(value) and shown == value:
        return written
    identity = _identity(place, written)
    if earlier.get(identity, written) != written:
        shown = str(shown).replace(MASK, OTHER)
    return value_text(shown)


def _decoded(written: str, place: Place) -> Any:
    """A value from its text; what shows by itself that it holds no secret is not read."""
    if _SIMPLE.fullmatch(written):
        return written[1:-1]
    if written[0] not in "\"'" and masked_value(place, 1) == 1:
        return None
    return tomllib.loads(f"value = {written}")["value"]


def _masked_line(line: str) -> str:
    """A line of a file that is no TOML: headers and keys of the runner's own are shown, and numbers and switches."""
    body = line.rstrip("\r\n")
    if not body.strip():
        return line
    header, pair = _BROKEN_HEADER.fullmatch(body), _BROKEN_PAIR.fullmatch(body)
    shown = MASK
    if header and all(part in key_names() for part in header[1].split(".")):
        shown = body
    elif pair and pair[2] in key_names() and not holds_token(pair[2]):
        shown = pair[1] + (pair[3] if _NUMBER.fullmatch(pair[3]) and not is_secret_key(pair[2]) else MASK)
    return shown + line[len(body) :]


def _identity(place: Place, written: str) -> Place:
    """What a value is found by in another text: a variable by its name, as its place in the list may change."""
    variable = _VARIABLE.match(written)
    return (*place[:-1], variable[1]) if variable and isinstance(place[-1], int) else place


def _values(text: str) -> Iterator[tuple[Place, str]]:
    """Every value with its place; none of a text that is no TOML."""
    body = text.removeprefix(_BOM)
    if _is_toml(body):
        for start, end, place in _pieces(body):
            if place is not None:
                yield place, body[start:end]


def _pieces(text: str) -> Iterator[tuple[int, int, Place | None]]:
    """Values with their places, and comments without one, in the order of the text."""
    counted: dict[Place, int] = {}
    runner: Place = ()
    for block in blocks(text):
        place: Place = ()
        if block.header:
            place = block.header.key
            if block.header.kind == "tables":
                counted[place] = counted.get(place, -1) + 1
                if place[0].lower() == RUNNERS and len(place) == 1:
                    runner = (_name(text, block) or counted[place],)
            for depth in range(len(block.header.key), 0, -1):
                array = block.header.key[:depth]
                if array in counted:
                    own: Place = runner if array[0].lower() == RUNNERS and depth == 1 else (counted[array],)
                    place = (*place[:depth], *own, *place[depth:])
        yield from _block_pieces(text, block, place)


def _name(text: str, block: Block) -> str:
    """What a runner is called."""
    for line in block.body:
        if line.value and line.value.kind == "text" and [part.lower() for part in line.key] == ["name"]:
            return f"name {tomllib.loads(f'value = {text[line.value.start : line.value.end]}')['value']}"
    return ""


def _block_pieces(text: str, block: Block, place: Place) -> Iterator[tuple[int, int, Place | None]]:
    if block.header:
        # Comments right above it, and behind it.
        yield block.lead, block.header.start, None
        closing = text.find("]", block.header.start)
        yield max(closing, text.find("#", closing, block.header.end)), block.header.end, None
    for line in block.body:
        if line.value is None:
            yield line.start, line.end, None
            continue
        yield from _value_pieces(text, line.value, (*place, *line.key))
        yield line.value.end, line.end, None


def _value_pieces(text: str, value: Value, place: Place) -> Iterator[tuple[int, int, Place | None]]:
    if value.kind in ("text", "plain"):
        yield value.start, value.end, place
        return
    position, option = value.start, ""
    for index, (key, member) in enumerate(value.members):
        # Comments stand between the members of an array only.
        if value.kind == "array":
            yield position, member.start, None
        inner: Place = key or (index,)
        if option and member.kind == "text":
            inner = (index, option)
        yield from _value_pieces(text, member, (*place, *inner))
        written = text[member.start : member.end]
        option = written[1:-1] if value.kind == "array" and is_secret_option(written[1:-1]) else ""
        position = member.end
    if value.kind == "array":
        yield position, value.end, None
