# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""config.toml read, and changed by meaning: what is declared is set, everything else stays as it is written."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import runner_variables
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.runner_edit import Editor
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.runner_fields import GLOBAL, RUNNER, RUNNERS, fields
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.runner_meaning import identical, merged
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.runner_tree import Tables

_BOM = "\ufeff"
_PLACE = re.compile(r"\(at line (\d+), column (\d+)\)")
# What the parser says without quoting the file.
_REASONS = {
    "Invalid statement": "no key, table or comment begins here",
    "Expected newline or end of document": "something follows on the line that does not belong there",
    "Cannot overwrite a value": "this key is there already",
    "Cannot declare": "this table is there already",
    "Cannot redefine namespace": "this table is there already",
    "Cannot mutate immutable namespace": "an inline table cannot be added to",
    "Expected '=' after a key": "a key has to be followed by =",
    "Expected ']'": "a header without its closing bracket",
    "Expected ']]'": "a header without its closing brackets",
    "Invalid initial character for a key part": "a key is missing or has to be quoted",
    "Unclosed array": "an array without its closing bracket",
    "Unclosed inline table": "an inline table without its closing brace",
    "Duplicate inline table key": "this key is there already",
    "Unescaped '\\'": "a backslash that escapes nothing; write two of them, or use single quotes",
    "Invalid hex value": "a backslash that escapes nothing",
    "Escaped character is not": "a backslash that escapes nothing",
    "Unterminated string": "a text without its closing quote",
    "Expected": "a text without its closing quote",
    "Illegal character": "a character that has to be escaped",
    "Found invalid character": "a character that has to be escaped",
    "Invalid date": "a date or time that does not exist",
    "Invalid value": "a value is missing or has to be quoted",
}


class TomlProblem(ValueError):  # noqa: N818 - a problem of the file is what it is
    """config.toml cannot be read, or not be changed faithfully: one sentence, which never quotes the file."""

    def __init__(self, sentence: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(sentence)
        self.line = line
        self.column = column


def parse(text: str) -> dict[str, Any]:
    """config.toml as plain data; TomlProblem when it is no TOML."""
    body = text.removeprefix(_BOM)
    try:
        return tomllib.loads(body)
    except tomllib.TOMLDecodeError as error:
        said = str(error)
        reason = next(
            (words for start, words in _REASONS.items() if said.startswith(start)), "it is not written as TOML"
        )
        line, column = _place(said, body)
        # Without its cause: that one quotes the file.
        raise TomlProblem(
            f"config.toml is no valid TOML at line {line}, column {column}: {reason}; correct it by hand,"
            " nothing was written",
            line,
            column,
        ) from None
    except RecursionError:
        raise TomlProblem(
            "config.toml is nested too deeply to be read; correct it by hand, nothing was written"
        ) from None


def _place(said: str, body: str) -> tuple[int, int]:
    if match := _PLACE.search(said):
        return int(match[1]), int(match[2])
    return body.count("\n") + 1, len(body) - body.rfind("\n")


def apply(
    text: str,
    settings: Mapping[str, Any],
    runners: Sequence[Mapping[str, Any]],
    *,
    absent: Collection[str] = (),
    exclusive: bool = False,
) -> str:
    """TEXT with the declared keys set; the very same text when it says all of that already.

    RUNNERS are found by their names; null removes a key; runners of the names in ABSENT go, and with EXCLUSIVE all that
    are not declared. Raises TomlProblem, and changes nothing, where the outcome would not be exactly that.
    """
    before = parse(text)
    wanted = _by_name(settings, runners, absent)
    known = fields(GLOBAL)
    written = known.find(before, RUNNERS) or RUNNERS
    present = before.get(written, [])
    if not isinstance(present, list) or not all(isinstance(entry, dict) for entry in present):
        raise TomlProblem(
            "config.toml has a key `runners` that is no [[runners]] table; correct it by hand, nothing was written"
        )
    names = [_name(entry) for entry in present]
    wanted = _with_variables(wanted, dict(zip(names, present, strict=True)))
    for name in [*wanted, *absent]:
        if names.count(name) > 1:
            raise TomlProblem(
                f"config.toml has {names.count(name)} [[runners]] named {name!r}, so that none can be told by its name;"
                " rename or remove all but one by hand, nothing was written"
            )
    gone = {index for index, name in enumerate(names) if name in absent or (exclusive and name not in wanted)}
    expected = _expected(before, settings, wanted, written, gone)
    if identical(before, expected):
        return text
    try:
        editor = Editor(text.removeprefix(_BOM))
        editor.merge(editor.root, before, settings, known)
        if not identical(before.get(written), expected.get(written)):
            _edit_runners(editor, written, present, wanted, gone)
        result = (_BOM if text.startswith(_BOM) else "") + editor.result()
        faithful = identical(parse(result), expected)
    except ValueError as error:
        raise TomlProblem(f"config.toml cannot be changed as declared: {_safe(error)}; nothing was written") from None
    if not faithful:
        raise TomlProblem(
            "config.toml is written in a form in which the declared keys cannot be set without touching others;"
            " write each table once, under a header of its own, nothing was written"
        )
    return result


def _safe(error: ValueError) -> str:
    """What went wrong in this project's own words; those of others may quote a value."""
    return str(error) if type(error) is ValueError else "a value has no form in TOML"


def _by_name(
    settings: Mapping[str, Any], runners: Sequence[Mapping[str, Any]], absent: Collection[str]
) -> dict[str, Mapping[str, Any]]:
    if fields(GLOBAL).find(settings, RUNNERS) is not None:
        raise TomlProblem("runners are not declared among the global settings; declare them as runners")
    wanted: dict[str, Mapping[str, Any]] = {}
    for index, runner in enumerate(runners):
        name = runner.get("name")
        if not isinstance(name, str) or not name:
            raise TomlProblem(
                f"runners[{index}] has no name; give it one, [[runners]] entries are found by their names"
            )
        if name in wanted:
            raise TomlProblem(f"runners[{index}].name {name!r} is declared twice; give each runner a name of its own")
        if name in absent:
            raise TomlProblem(
                f"runners[{index}].name {name!r} is declared as present and as absent; decide for one of them"
            )
        wanted[str(name)] = runner
    return wanted


def _with_variables(
    wanted: Mapping[str, Mapping[str, Any]], there: Mapping[str, Mapping[str, Any]]
) -> dict[str, Mapping[str, Any]]:
    """Variables that are declared one by one, beside those that an entry has."""
    known = fields(RUNNER)
    found = {}
    for name, runner in wanted.items():
        entry = there.get(name, {})
        key = known.find(entry, runner_variables.KEY)
        found[name] = runner_variables.resolved(runner, entry[key] if key is not None else None)
    return found


def _name(entry: Mapping[str, Any]) -> str:
    key = fields(RUNNER).find(entry, "name")
    name = entry[key] if key is not None else ""
    return name if isinstance(name, str) else ""


def _expected(
    before: Mapping[str, Any],
    settings: Mapping[str, Any],
    wanted: Mapping[str, Mapping[str, Any]],
    written: str,
    gone: Collection[int],
) -> dict[str, Any]:
    """What the file has to say in the end."""
    known = fields(RUNNER)
    after = merged(before, settings, fields(GLOBAL))
    left, found = [], set()
    for index, entry in enumerate(before.get(written, [])):
        name = _name(entry)
        found.add(name)
        if index not in gone:
            left.append(merged(entry, wanted[name], known) if name in wanted else entry)
    left += [merged({}, runner, known) for name, runner in wanted.items() if name not in found]
    after.pop(written, None)
    if left:
        after[written] = left
    return after


def _edit_runners(
    editor: Editor,
    written: str,
    present: Sequence[Mapping[str, Any]],
    wanted: Mapping[str, Mapping[str, Any]],
    gone: Collection[int],
) -> None:
    array = editor.root.children.get(written, Tables((written,)))
    if not isinstance(array, Tables):
        sentence = "`runners` is written as one array; write each runner under a [[runners]] of its own"
        raise ValueError(sentence)  # noqa: TRY004 - it is the file's fault
    known = fields(RUNNER)
    names = [_name(entry) for entry in present]
    for element, entry, name, index in zip(array.elements, present, names, range(len(present)), strict=True):
        if index in gone:
            editor.cut(element)
        elif name in wanted:
            editor.merge(element, entry, wanted[name], known)
    for name, runner in wanted.items():
        if name not in names:
            editor.add_top(array, merged({}, runner, known), known)
