# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""Logins of users of a host that is a folder; with root's rights the users are real ones, too."""

from __future__ import annotations

import contextlib
import json
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.runnerkit.gitlab.plugins.module_utils import files
from ansible_collections.runnerkit.gitlab.plugins.module_utils import registry_auth_record as records
from ansible_collections.runnerkit.gitlab.plugins.module_utils import registry_auth_store as store
from ansible_collections.runnerkit.gitlab.plugins.module_utils.registry_auth_record import Owned, Record

AUTH, OTHER = "cnVubmVyOmdlaGVpbQ==", "cnVubmVyOmFuZGVycw=="
WANTED = store.Logins({"r:5000": AUTH}, {})
NONE = store.Logins({}, {})
NOBODY = 65534

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as others")


class World:
    """Homes of users `one` and `two`, who are whoever runs the test, and the record."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.record = folder / "lib/registry-auth.json"
        self.homes = {name: folder / "home" / name for name in ("one", "two")}
        self.ids = {name: (os.geteuid(), os.getegid()) for name in self.homes}
        for home in self.homes.values():
            home.mkdir(parents=True)

        def getpwnam(name: str) -> Any:
            uid, gid = self.ids[name]
            return SimpleNamespace(pw_uid=uid, pw_gid=gid, pw_dir=str(self.homes[name]))

        monkeypatch.setattr("pwd.getpwnam", getpwnam)

    def path(self, name: str = "one") -> Path:
        return self.homes[name] / ".docker/config.json"

    def holds(self, document: Any, name: str = "one") -> None:
        self.path(name).parent.mkdir(exist_ok=True)
        self.path(name).write_text(document if isinstance(document, str) else json.dumps(document))
        self.path(name).chmod(0o600)

    def document(self, name: str = "one") -> Any:
        return json.loads(self.path(name).read_text()) if self.path(name).exists() else None

    def remembered(self) -> Record:
        return records.read(str(self.record))

    def plan(self, wanted: store.Logins = WANTED, *users: str) -> list[store.Change]:
        return store.plan(users or ("one",), wanted, self.remembered())

    def keep(self, wanted: store.Logins = WANTED, *users: str, runners: tuple[str, ...] = ()) -> bool:
        return store.apply(self.plan(wanted, *users), runners, self.remembered(), str(self.record))


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A host with two users who never logged in anywhere."""
    return World(tmp_path, monkeypatch)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_login_comes_stays_and_goes_without_a_trace(world: World) -> None:
    assert world.keep(WANTED, "one", "two")
    for name in ("one", "two"):
        assert world.document(name) == {"auths": {"r:5000": {"auth": AUTH}}}
        assert (mode(world.path(name)), mode(world.path(name).parent)) == (0o600, 0o700)
    assert world.remembered().users["one"].auths == ("r:5000",)
    assert AUTH not in world.record.read_text()
    assert not world.keep(WANTED, "one", "two")
    # One user fewer, then none.
    assert world.keep(WANTED, "one")
    assert not world.path("two").parent.exists()
    assert world.keep(NONE, "one")
    assert not world.path().parent.exists()
    assert not world.record.exists()
    assert not world.keep(NONE, "one")


def test_nothing_wanted_and_nothing_remembered_touches_nothing(world: World) -> None:
    world.holds("{broken")
    world.holds({"auths": {"x": {}}}, "two")
    assert not world.keep(NONE, "two")
    assert not world.record.exists()


def test_a_file_that_was_there_stays_with_all_of_its_own(world: World) -> None:
    own = {"auths": {"mine": {"auth": OTHER}}, "psFormat": "table"}
    world.holds(own)
    assert world.keep()
    assert world.document() == {"auths": {"mine": {"auth": OTHER}, "r:5000": {"auth": AUTH}}, "psFormat": "table"}
    assert world.keep(NONE)
    assert world.document() == own
    assert not world.record.exists()


def test_an_empty_file_that_was_there_stays(world: World) -> None:
    world.holds("{}")
    assert world.keep()
    assert world.keep(NONE)
    assert world.document() == {}


def test_a_file_of_ours_in_which_somebody_wrote_more_stays_with_that(world: World) -> None:
    assert world.keep()
    world.holds({**world.document(), "psFormat": "table"})
    assert world.keep(NONE)
    assert world.document() == {"psFormat": "table"}
    assert not world.record.exists()


def test_a_folder_of_ours_that_somebody_uses_stays(world: World) -> None:
    assert world.keep()
    (world.path().parent / "contexts").mkdir()
    assert world.keep(NONE)
    assert sorted(os.listdir(world.path().parent)) == ["contexts"]


def test_a_login_that_was_there_before_is_not_taken_out(world: World) -> None:
    world.holds({"auths": {"r:5000": {"auth": AUTH}}})
    assert not world.keep()
    assert not world.keep(NONE)
    assert world.document() == {"auths": {"r:5000": {"auth": AUTH}}}


def test_another_password_by_hand_is_put_right(world: World) -> None:
    assert world.keep()
    world.holds({"auths": {"r:5000": {"auth": OTHER}}})
    [change] = world.plan()
    assert (change.before, change.after) == ("r:5000: (a login)\n", "r:5000: (another login)\n")
    assert world.keep()
    assert world.document() == {"auths": {"r:5000": {"auth": AUTH}}}


def test_a_file_that_others_can_read_is_closed_once_a_password_of_ours_is_in_it(world: World) -> None:
    world.holds({"auths": {}})
    world.path().chmod(0o644)
    assert world.keep()
    world.path().chmod(0o644)
    assert world.keep()
    assert mode(world.path()) == 0o600
    assert not world.keep()


def test_runners_are_remembered_by_name(world: World) -> None:
    assert world.keep(NONE, runners=("b", "a"))
    assert world.remembered() == Record({}, ("a", "b"))
    assert not world.keep(NONE, runners=("a", "b"))
    assert world.keep(NONE)
    assert not world.record.exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "is not JSON"), ("[]", "is JSON, but no object"),
        ('{"auths": [1]}', "has 'auths', which is no object"),
    ],
)  # fmt: skip
def test_a_broken_file_is_refused_and_nothing_is_written(world: World, text: str, words: str) -> None:
    world.holds(text, "two")
    with pytest.raises(store.AuthError, match=r"; mend it by hand, nothing was written$") as raised:
        world.keep(WANTED, "one", "two")
    assert words in str(raised.value)
    assert not world.path("one").exists()
    assert not world.record.exists()
    assert world.path("two").read_text() == text


def test_what_is_no_file_is_refused_before_it_is_opened(world: World) -> None:
    world.path().parent.mkdir()
    os.mkfifo(str(world.path()))
    with pytest.raises(store.AuthError, match=r"config.json is no file; move it away$"):
        world.keep()


def test_a_user_who_is_not_there(world: World) -> None:
    with pytest.raises(store.AuthError, match=r"names 'three', and there is no such user on this host; correct"):
        world.keep(WANTED, "three")


def test_a_user_without_a_home(world: World) -> None:
    world.homes["one"].rmdir()
    with pytest.raises(store.AuthError, match=r"user one has no home directory \(.*\)"):
        world.keep()


@pytest.mark.parametrize("gone", ["the user", "the home"])
def test_whoever_left_is_forgotten(world: World, monkeypatch: pytest.MonkeyPatch, gone: str) -> None:
    assert world.keep(WANTED, "one", "two")
    if gone == "the user":
        del world.ids["two"]
    else:
        world.homes["two"] = world.homes["two"] / "nowhere"
    assert world.keep(WANTED, "one")
    assert set(world.remembered().users) == {"one"}


def test_a_credential_store_and_a_helper_that_is_missing_are_told(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.holds({"credsStore": "pass"})
    [change] = world.plan(store.Logins({"r": AUTH}, {"e": "nowhere-to-be-found"}))
    assert "has credsStore, so that the docker command of user one asks that" in change.warnings[0]
    assert store.missing_programs({"e": "nowhere-to-be-found", "f": "sh"}) == [
        f"there is no program docker-credential-{name} on this host, so that nobody logs in to {registry}; install it"
        for name, registry in (("nowhere-to-be-found", "e"), ("sh", "f"))
    ]


def test_somebody_who_writes_in_the_same_moment_is_not_overwritten(world: World) -> None:
    changes = world.plan()
    world.holds({"auths": {"mine": {}}})
    with pytest.raises(store.AuthError, match="was changed by somebody else in this moment; run this again"):
        store.apply(changes, (), world.remembered(), str(world.record))
    assert world.document() == {"auths": {"mine": {}}}
    assert os.listdir(world.path().parent) == ["config.json"]


@pytest.mark.parametrize("fails_at", range(4))
@pytest.mark.parametrize("begin", ["nothing", "a login"])
def test_wherever_a_run_is_killed_the_next_one_heals_it_and_a_later_one_takes_all_out(
    world: World, monkeypatch: pytest.MonkeyPatch, begin: str, fails_at: int
) -> None:
    own = {"auths": {"mine": {"auth": OTHER}}}
    world.holds(own)
    if begin == "a login":
        assert world.keep(store.Logins({"old": AUTH}, {}), "one", "two", runners=("x",))
    count = [0]
    real = files.write_atomically

    def dying(*given: Any) -> None:
        count[0] += 1
        if count[0] > fails_at:
            raise KeyboardInterrupt
        real(*given)

    wanted = store.Logins({"r:5000": AUTH}, {"e": "ecr"})
    for module in (store, records):
        monkeypatch.setattr(module, "write_atomically", dying)
    with contextlib.suppress(KeyboardInterrupt):
        world.keep(wanted, "one", "two", runners=("y",))
    for module in (store, records):
        monkeypatch.setattr(module, "write_atomically", real)
    # Also where nobody wants any of it any more.
    if fails_at % 2:
        world.keep(wanted, "one", "two", runners=("y",))
        assert world.document()["auths"] == {"mine": {"auth": OTHER}, "r:5000": {"auth": AUTH}}
    world.keep(NONE)
    assert world.document() == own
    assert not world.path("two").exists()
    assert not world.record.exists()


def test_a_full_disk_is_told_with_the_file(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*given: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store, "write_atomically", full)
    with pytest.raises(store.AuthError) as raised:
        world.keep()
    assert str(raised.value) == (
        f"cannot write {world.path()} as user one: No space left on device; the file stays as it was"
    )
    monkeypatch.setattr(records, "write_atomically", full)
    world.record.unlink()
    with pytest.raises(store.AuthError, match=r"registry-auth.json: No space left on device; see to that"):
        world.keep()


@pytest.fixture
def strangers(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """The same where everybody may pass through, as pytest's own folders are for their owner alone; `one` is nobody."""
    with tempfile.TemporaryDirectory(prefix="runnerkit-", dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        made = World(Path(folder), monkeypatch)
        made.ids["one"] = (NOBODY, NOBODY)
        os.chown(made.homes["one"], NOBODY, NOBODY)
        yield made


@root_only
def test_files_are_made_as_the_user_whose_they_are(strangers: World) -> None:
    world, groups = strangers, os.getgroups()
    assert world.keep(WANTED, "one", "two")
    about = world.path().stat()
    assert (about.st_uid, about.st_gid, mode(world.path())) == (NOBODY, NOBODY, 0o600)
    assert (os.geteuid(), os.getegid(), os.getgroups()) == (0, world.ids["two"][1], groups)
    assert os.listdir(world.path().parent) == ["config.json"]
    assert world.keep(NONE)
    assert not world.path().parent.exists()


@root_only
def test_a_file_of_somebody_else_in_a_home_is_told(strangers: World) -> None:
    strangers.holds({})
    with pytest.raises(store.AuthError, match=r"cannot read .* as user one: Permission denied; give it to that user$"):
        strangers.keep()


@root_only
def test_a_link_in_a_home_leads_nowhere_that_the_user_could_not_go(strangers: World) -> None:
    world, secret = strangers, strangers.record.parent.parent / "secret"
    secret.mkdir(mode=0o700)
    (secret / "config.json").write_text('{"auths": {"root": {"auth": "x"}}}')
    (world.homes["one"] / ".docker").symlink_to(secret)
    with pytest.raises(store.AuthError, match="as user one: "):
        world.keep()
    assert (secret / "config.json").read_text() == '{"auths": {"root": {"auth": "x"}}}'
    assert os.geteuid() == 0


def test_without_roots_rights_only_the_own_file_is_written(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 4711)
    with pytest.raises(store.AuthError, match=r"cannot be written by another user; act as root \(become\)"):
        world.plan()


def test_what_is_owed_to_nobody_is_not_written(world: World) -> None:
    """A record with a user of whom nothing is ours says nothing."""
    records.write(Record({"one": Owned()}, ("x",)), str(world.record))
    assert world.keep(NONE, runners=("x",)) is False


def test_a_pipe_that_takes_the_files_place_is_not_waited_for(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.holds({})
    regular = world.path().stat()
    world.path().unlink()
    os.mkfifo(world.path())
    real = os.stat
    monkeypatch.setattr(os, "stat", lambda path, **more: regular if path == str(world.path()) else real(path, **more))
    (change,) = store.plan(["one"], WANTED, records.NOTHING)
    assert change.found == b""
