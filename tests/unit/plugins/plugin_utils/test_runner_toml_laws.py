# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""What holds for every configuration of the schema and every way to write it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.runner_fields import GLOBAL, RUNNER, Fields, fields
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.runner_meaning import identical, is_absent, same
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.runner_schema import restart_needed
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.runner_statements import statements
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.runner_toml import apply, parse
from tests.support.runner_configs import runners, settings, without_zeros, written

Written = tuple[str, dict[str, Any], list[str]]


def says(data: Mapping[str, Any], wanted: Mapping[str, Any], known: Fields) -> bool:
    """Whether data has everything that is wanted, in meaning."""
    for name, value in wanted.items():
        field, inside = known.get(name), known.inside(name)
        if name not in data:
            if not is_absent(field, value) and without_nothing(value, inside):
                return False
        elif isinstance(value, Mapping):
            if not says(data[name], value, inside):
                return False
        elif not same(field, data[name], value, inside):
            return False
    return True


def without_nothing(value: Any, inside: Fields) -> bool:
    """Whether something is to be written for a value."""
    if not isinstance(value, Mapping) or not value:
        return True
    return any(
        not is_absent(inside.get(name), member) and without_nothing(member, inside.inside(name))
        for name, member in value.items()
    )


def of_name(data: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The runner of this name."""
    found: list[dict[str, Any]] = [runner for runner in data.get("runners", []) if runner.get("name") == name]
    assert len(found) == 1
    return found[0]


def lines_of(text: str) -> list[str]:
    """The text's lines as they are compared, whatever their ends."""
    return [line.strip() for line in text.splitlines()]


@given(settings, runners())
def test_what_is_set_in_an_empty_file_is_read_again(declared: dict[str, Any], entries: list[dict[str, Any]]) -> None:
    text = apply("", declared, entries)
    data = parse(text)
    assert {name: value for name, value in data.items() if name != "runners"} == without_zeros(GLOBAL, declared)
    assert data.get("runners", []) == [without_zeros(RUNNER, entry) for entry in entries]
    assert apply(text, declared, entries) == text


@given(written(), settings, runners())
def test_what_is_set_in_any_file_is_read_again_and_setting_it_again_changes_no_byte(
    file: Written, declared: dict[str, Any], entries: list[dict[str, Any]]
) -> None:
    text, before, _ = file
    assert identical(parse(text).get("foreign_key"), before.get("foreign_key"))
    changed = apply(text, declared, entries)
    data = parse(changed)
    assert says({**data, "runners": []}, declared, fields(GLOBAL))
    for entry in entries:
        assert says(of_name(data, entry["name"]), entry, fields(RUNNER))
    assert apply(changed, declared, entries) == changed


@given(written(), settings, runners())
def test_what_is_not_declared_stays_with_its_comments_and_its_order(
    file: Written, declared: dict[str, Any], entries: list[dict[str, Any]]
) -> None:
    text, _, comments = file
    # Arrays of tables are replaced as a whole, with what is written between their elements.
    declared = {name: value for name, value in declared.items() if not has_tables(value)}
    entries = [{name: value for name, value in entry.items() if not has_tables(value)} for entry in entries]
    changed = apply(text, declared, entries)
    data = parse(changed)
    for name, value in parse(text).items():
        if name not in declared and name != "runners":
            assert identical(data[name], value)
    mine = {entry["name"]: entry for entry in entries}
    for runner in parse(text).get("runners", []):
        after = of_name(data, runner["name"])
        for name, value in runner.items():
            if name not in mine.get(runner["name"], {}):
                assert identical(after[name], value)
    lines = lines_of(changed)
    places = [lines.index(comment) for comment in comments]
    assert places == sorted(places)


def has_tables(value: Any) -> bool:
    """Whether there is an array of tables in a value."""
    if isinstance(value, Mapping):
        return any(map(has_tables, value.values()))
    return isinstance(value, list) and any(isinstance(member, Mapping) for member in value)


@given(written())
def test_what_a_file_says_already_changes_no_byte(file: Written) -> None:
    text, before, _ = file
    declared = {name: value for name, value in before.items() if name not in ("runners", "foreign_key")}
    assert apply(text, declared, before.get("runners", [])) == text
    assert not restart_needed(before, parse(text))


@given(written(), st.data())
def test_a_subset_changes_nothing_else(file: Written, data: st.DataObject) -> None:
    text, before, _ = file
    entries = [
        {name: value for name, value in entry.items() if name == "name" or data.draw(st.booleans())}
        for entry in before.get("runners", [])
    ]
    assert apply(text, {}, entries) == text


def removal(draw: Any, table: Mapping[str, Any], keep: str = "") -> tuple[dict[str, Any], dict[str, Any]]:
    """A declaration that removes some keys of a table and of tables in it, and what is left then."""
    declared: dict[str, Any] = {}
    left: dict[str, Any] = {}
    for name, value in table.items():
        how = "keep" if name == keep else draw(st.sampled_from(["keep", "remove", "look inside"]))
        if how == "remove":
            declared[name] = None
        elif how == "look inside" and isinstance(value, dict):
            declared[name], left[name] = removal(draw, value)
        else:
            left[name] = value
    return declared, left


@given(written(), st.data())
def test_null_removes_a_key_and_nothing_else(file: Written, data: st.DataObject) -> None:
    text = file[0]
    before = parse(text)
    declared, expected = removal(data.draw, {name: value for name, value in before.items() if name != "runners"})
    pairs = [(entry["name"], *removal(data.draw, entry, keep="name")) for entry in before.get("runners", [])]
    if pairs:
        expected["runners"] = [left for _, _, left in pairs]
    changed = apply(text, declared, [{"name": name, **removed} for name, removed, _ in pairs])
    assert identical(parse(changed), expected)


@given(written(), st.data())
def test_runners_that_go_take_nothing_along(file: Written, data: st.DataObject) -> None:
    text, _, _ = file
    before = parse(text)
    names = [entry["name"] for entry in before.get("runners", [])]
    gone = [name for name in names if data.draw(st.booleans())]
    left = [entry for entry in before.get("runners", []) if entry["name"] not in gone]
    expected = {
        **{name: value for name, value in before.items() if name != "runners"},
        **({"runners": left} if left else {}),
    }
    assert identical(parse(apply(text, {}, [], absent=gone)), expected)
    assert identical(parse(apply(text, {}, left, exclusive=True)), expected)


@given(written(), settings, runners())
def test_the_ends_of_lines_stay_as_they_are(
    file: Written, declared: dict[str, Any], entries: list[dict[str, Any]]
) -> None:
    text = file[0]
    changed = apply(text, declared, entries)
    if "\r\n" in text:
        assert changed.count("\n") == changed.count("\r\n")
    else:
        assert "\r" not in changed


@given(written(), settings, st.data())
def test_headers_may_stand_in_any_order(file: Written, declared: dict[str, Any], data: st.DataObject) -> None:
    text = file[0]
    parts = [[""]]
    for statement in statements(text):
        parts += [[]] if statement.kind in ("table", "tables") else []
        parts[-1].append(text[statement.start : statement.end])
    top, *others = ["".join(part) for part in parts]
    text = top + "".join(data.draw(st.permutations(others)))
    try:
        before = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return  # what a header belongs to depends on the order
    gone = [runner["name"] for runner in before.get("runners", []) if "name" in runner][:1]
    changed = apply(text, declared, [], absent=gone)
    after = parse(changed)
    assert says({**after, "runners": []}, declared, fields(GLOBAL))
    assert after.get("runners", []) == [entry for entry in before.get("runners", []) if entry.get("name") not in gone]
    assert apply(changed, declared, [], absent=gone) == changed


@given(written())
def test_statements_are_the_whole_text_and_their_values_are_its_values(file: Written) -> None:
    text = file[0]
    found = list(statements(text))
    assert "".join(text[statement.start : statement.end] for statement in found) == text
    for statement in found:
        if statement.value:
            value = text[statement.value.start : statement.value.end]
            assert list(tomllib.loads(f"value = {value}")) == ["value"]
