# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import runner_toml
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.runner_file import RunnerFile, RunnerFileError
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.runner_keep import Kept, keep, parse, unregistered
from tests.unit.plugins.plugin_utils.runner_file_world import World

TOKEN, OTHER = "glrt-abcdefghijklmnopqrst", "glrt-zyxwvutsrqponmlkjihg"
TEXT = f'concurrent = 1 # by hand\n[[runners]]\n  name = "one"\n  token = "{TOKEN}"\n'


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A host with a config.toml."""
    made = World(tmp_path, monkeypatch)
    made.holds(TEXT)
    return made


def apply(**settings: Any) -> Callable[[str], str]:
    return lambda text: runner_toml.apply(text, settings, [])


def bring(world: World, change: Callable[[str], str], **options: Any) -> Kept:
    file = RunnerFile(world.action(), {}, str(world.path))
    return keep(file, file.read(), change, **options)


def test_a_change_takes_one_read_and_one_write(world: World) -> None:
    kept = bring(world, apply(concurrent=4))
    assert world.text == TEXT.replace("= 1 #", "= 4 #")
    assert (kept.changed, kept.restart_needed, kept.backup_file) == (True, [], None)
    assert world.calls == ["read", "write"]


def test_nothing_to_change_takes_one_read(world: World) -> None:
    kept = bring(world, apply(concurrent=1), backup=True)
    assert (kept.changed, kept.result("x")["diff"], world.calls) == (False, [], ["read"])


def test_check_mode_writes_nothing(world: World) -> None:
    kept = bring(world, apply(concurrent=4), check_mode=True)
    assert (kept.changed, world.calls, world.text) == (True, ["read"], TEXT)
    assert "concurrent = 4" in kept.result("x")["diff"][0]["after"]


@pytest.mark.parametrize("check_mode", [True, False], ids=["in check mode", "for real"])
def test_a_host_without_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, check_mode: bool) -> None:
    world = World(tmp_path, monkeypatch)
    kept = bring(world, apply(concurrent=4), check_mode=check_mode)
    assert kept.changed
    assert kept.result("x")["diff"][0]["before"] == ""
    assert world.path.exists() != check_mode


def test_nothing_is_made_of_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(tmp_path, monkeypatch)
    assert not bring(world, apply()).changed
    assert not world.path.exists()


def test_a_file_that_others_may_read_is_put_right(world: World) -> None:
    world.holds(TEXT, 0o644)
    kept = bring(world, apply())
    assert (kept.changed, world.text, world.path.stat().st_mode & 0o777) == (True, TEXT, 0o600)
    assert kept.result("x")["diff"][0]["before_header"] == "x (mode 0644)"
    assert not bring(world, apply()).changed


@pytest.mark.parametrize("times", [1, 2])
def test_what_somebody_wrote_meanwhile_stays(world: World, times: int) -> None:
    """The runner rotates a token, say: it rewrites the file, without its comments."""
    left = [times]

    def rotate() -> None:
        if left[0]:
            left[0] -= 1
            world.holds(TEXT.replace(" # by hand", "").replace(TOKEN, f"{OTHER}{left[0]}"))

    world.before_write = rotate
    kept = bring(world, apply(concurrent=4), backup=True)
    assert world.text == TEXT.replace("1 # by hand", "4").replace(TOKEN, f"{OTHER}0")
    assert world.calls == ["read", "write"] * (times + 1)
    # The diff and the copy are those of the write that counted.
    assert kept.before == TEXT.replace(" # by hand", "").replace(TOKEN, f"{OTHER}0")
    assert kept.backup_file is not None
    assert Path(kept.backup_file).read_text() == kept.before


def test_somebody_who_did_the_same_meanwhile(world: World) -> None:
    world.before_write = lambda: world.holds(TEXT.replace("= 1 #", "= 4 #") + "\n# more by hand\n")
    assert not bring(world, apply(concurrent=4)).changed
    assert world.text.endswith("# more by hand\n")


def test_somebody_who_never_stops(world: World) -> None:
    count = []

    def scribble() -> None:
        count.append(1)
        world.holds(TEXT + "#" * len(count))

    world.before_write = scribble
    with pytest.raises(RunnerFileError) as raised:
        bring(world, apply(concurrent=4))
    assert str(raised.value) == (
        f"{world.path} was changed by somebody else 3 times while it was being written; find out who writes it, then "
        "run again"
    )
    assert world.text == TEXT + "###"


@pytest.mark.parametrize(
    ("settings", "keys"),
    [({"concurrent": 4}, []), ({"listen_address": ":9252"}, ["listen_address"])],
    ids=["what the runner takes over by itself", "what it reads at its start"],
)
def test_a_restart_is_noted_where_one_is_due(world: World, settings: dict[str, Any], keys: list[str]) -> None:
    assert bring(world, apply(**settings), check_mode=True).restart_needed == keys
    assert not world.mark.exists()
    assert bring(world, apply(**settings)).restart_needed == keys
    assert world.mark.exists() == bool(keys)


@pytest.mark.parametrize(
    "broken",
    [f'token = "{TOKEN}\n', f"{TOKEN} = = 1\n", f'[[runners]]\ntoken = "a"\ntoken = "{TOKEN}"\n', f"a = {TOKEN}\n"],
    ids=["a text without an end", "no statement", "a key twice", "no value"],
)
def test_a_file_that_is_broken_stays_and_is_not_quoted(world: World, broken: str) -> None:
    world.holds(broken)
    with pytest.raises(RunnerFileError) as raised:
        bring(world, apply(concurrent=4))
    words = str(raised.value)
    assert words.startswith(f"{world.path} on the host: ")
    assert words.endswith("nothing was written")
    assert TOKEN not in words
    assert (raised.value.__cause__, raised.value.__context__) == (None, None)
    assert (world.text, world.calls) == (broken, ["read"])


def test_a_change_that_cannot_be_made_faithfully(world: World) -> None:
    world.holds(TEXT + TEXT.split("\n", 1)[1])
    with pytest.raises(RunnerFileError) as raised:
        bring(world, lambda text: runner_toml.apply(text, {}, [{"name": "one", "limit": 2}]))
    assert str(raised.value).startswith(f"{world.path} on the host: ")
    assert str(raised.value).endswith("nothing was written")
    assert (raised.value.__cause__, raised.value.__context__) == (None, None)


def test_a_diff_shows_that_a_token_changed_but_neither(world: World) -> None:
    kept = bring(world, lambda text: text.replace(TOKEN, OTHER))
    assert (TOKEN in kept.before, OTHER in kept.after) == (True, True)
    result = kept.result(str(world.path))
    assert not any(token in str(shown) for token in (TOKEN, OTHER) for shown in (result, kept))
    assert result["diff"][0]["before"] != result["diff"][0]["after"]
    assert set(result) == {"changed", "restart_needed", "backup_file", "diff"}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (TEXT, ["two"]),
        ('[[runners]]\nname = "one"\n', ["one", "two"]),
        ("", ["one", "two"]),
        ("runners = 5\n", ["one", "two"]),
    ],
    ids=["one is registered", "an entry without a token", "an empty file", "no list of runners"],
)
def test_runners_that_have_no_token(text: str, names: list[str]) -> None:
    assert unregistered(parse("x", text), [{"name": "one"}, {"name": "two"}]) == names
