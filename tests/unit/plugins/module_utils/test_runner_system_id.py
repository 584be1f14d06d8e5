# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.runnerkit.gitlab.plugins.module_utils.runner_system_id import derived, system_id

MACHINE = "4f3c2b1a00000000000000000000abcd"


def found(folder: Path) -> str | None:
    return system_id(str(folder / "config.toml"), (str(folder / "dbus"), str(folder / "etc")))


@pytest.mark.parametrize(
    ("kept", "expected"),
    [
        ("s_0123456789ab", "s_0123456789ab"),
        ("r_0A1b2C3d4E5f", "r_0A1b2C3d4E5f"),
        ("  s_0123456789ab\n", "s_0123456789ab"),
        ("x_0123456789ab", derived(MACHINE)),
        ("s_0123456789abc", derived(MACHINE)),
        ("s_01234-6789ab", derived(MACHINE)),
        ("", derived(MACHINE)),
    ],
    ids=["derived", "random", "with blanks around it", "of no known kind", "too long", "odd letters", "empty"],
)
def test_the_id_that_the_runner_keeps_counts_if_it_is_one(tmp_path: Path, kept: str, expected: str) -> None:
    (tmp_path / ".runner_system_id").write_text(kept)
    (tmp_path / "etc").write_text(MACHINE + "\n")
    assert found(tmp_path) == expected
    assert (tmp_path / ".runner_system_id").read_text() == kept


def test_it_is_derived_as_the_runner_does() -> None:
    # printf gitlab-runner | openssl dgst -sha256 -hmac 4f3c2b1a00000000000000000000abcd
    assert derived(MACHINE) == "s_7bd145599794"


def test_the_bus_knows_the_machine_before_etc_does(tmp_path: Path) -> None:
    (tmp_path / "dbus").write_text(MACHINE)
    (tmp_path / "etc").write_text("another")
    assert found(tmp_path) == derived(MACHINE)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dbus", "etc"]


@pytest.mark.parametrize("empty", [True, False], ids=["an empty machine ID", "no machine ID"])
def test_a_random_id_is_not_known_beforehand(tmp_path: Path, empty: bool) -> None:
    if empty:
        (tmp_path / "dbus").touch()
        (tmp_path / "etc").write_text(MACHINE)
    assert found(tmp_path) is None
