# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import json
import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.runnerkit.gitlab.plugins.module_utils import (
    podman_account,
    podman_command,
    podman_folder,
    podman_process,
    probe_podman,
)
from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import EngineError
from ansible_collections.runnerkit.gitlab.plugins.module_utils.podman_account import Account, account_of
from ansible_collections.runnerkit.gitlab.plugins.module_utils.podman_process import last_words
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_layout import Layout
from tests.unit.plugins.module_utils.probe_world import FakeJanitor, FakeKernel

PLACE = Layout({"bin": "usr/bin"}, ("/usr",), {}, "/usr/bin/python3", ())
REPORT = {"machine": "x86_64", "calls": {"faccessat2": ["EPERM", "profile"]}, "access": {"result": "fails"}}
INFO = {
    "host": {
        "ociRuntime": {"name": "runc", "version": "runc version 1.1.5+ds1\ncommit: 1.1.5"},
        "security": {
            "rootless": True,
            "seccompEnabled": True,
            "seccompProfilePath": "/usr/share/containers/seccomp.json",
        },
    },
    "version": {"Version": "4.3.1"},
}
BUNDLE = {"linux": {"seccomp": {"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38}}}
# Tells how it was called, and does with one folder what podman does.
SCRIPT = r"""#!/bin/sh
printf '%s\n' "$*" >>@LOG@
@SPITE@
for word in "$@"; do
    case $word in
    --root=*) root=${word#--root=} ;;
    --version) echo 'podman version @VERSION@'; exit 0 ;;
    info) @INFO@ ;;
    rm) rm -rf "$root"/vfs-containers; [ ! -e @LOG@.run ] || kill "$(cat @LOG@.run)"; exit 0 ;;
    run)
        mkdir -p "$root/vfs-containers/c0ffee/userdata"
        cat >"$root/vfs-containers/c0ffee/userdata/config.json" <@LOG@.bundle
        echo $$ >@LOG@.run
        @RUN@ ;;
    esac
done
"""
WELL = f"printf '%s\\n' 'RUNNERKIT-PROBE {json.dumps(REPORT)}'; exec sleep 30"
TOLD = f"printf '%s\\n' '{json.dumps(INFO)}'; exit 0"
World = Callable[..., tuple[dict[str, Any], list[str]]]


class Remembering(FakeJanitor):
    """Does nothing but remember."""

    def __init__(self) -> None:
        super().__init__()
        self.commands: list[Sequence[str]] = []

    def command(self, argv: Sequence[str], environment: Any = None) -> None:
        self.commands.append(argv)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> World:
    """Measure with a podman that is a script: (the layer, how podman was called)."""
    log = tmp_path / "log"
    run = tmp_path / "run"
    run.mkdir()
    log.touch()
    log.with_suffix(".bundle").write_text(json.dumps(BUNDLE))
    account = Account("alice", os.geteuid(), os.getegid(), str(tmp_path), ())
    monkeypatch.setattr(probe_podman, "account_of", lambda _user: account)
    monkeypatch.setattr(podman_folder, "RUN", str(run))
    monkeypatch.setattr(probe_podman, "is_filtered", lambda: False)
    monkeypatch.setattr(probe_podman, "layout", lambda: PLACE)
    # No rights are needed for these; whoever calls them looks for them where the account's programs are.
    programs = tmp_path / "programs"
    for name, text in {"unshare": 'shift 2; exec "$@"', "mount": "exit 0"}.items():
        programs.mkdir(exist_ok=True)
        (programs / name).write_text(f"#!/bin/sh\n{text}\n")
        (programs / name).chmod(0o755)
    monkeypatch.setattr(podman_account, "SEARCH_PATH", f"{programs}:{podman_account.SEARCH_PATH}")
    monkeypatch.setattr(podman_command, "RUNTIME_FOLDERS", ())

    def measure(
        run_: str = WELL,
        info: str = TOLD,
        version: str = "4.3.1",
        profile: str = "default",
        seconds: float = 10.0,
        images: tuple[str, ...] = (),
        spite: str = "",
    ) -> tuple[dict[str, Any], list[str]]:
        script = tmp_path / "podman"
        text = SCRIPT.replace("@RUN@", run_).replace("@INFO@", info).replace("@VERSION@", version)
        text = text.replace("@SPITE@", spite)
        script.write_text(text.replace("@LOG@", str(log)))
        script.chmod(0o755)
        monkeypatch.setattr("shutil.which", lambda name, path: str(script))
        janitor = Remembering()
        layer = probe_podman.measure_podman(
            janitor=janitor,
            user="alice",
            profile=profile,
            images=images,
            deadline=time.monotonic() + seconds,
            kernel=FakeKernel({"faccessat2": "present"}),
        )
        assert not list(run.iterdir())
        assert not janitor.keeps
        # Whatever comes in between, the folder is known before it is there.
        assert all("rm -rf" in argv[2] for argv in janitor.commands[:1])
        return layer, log.read_text().splitlines()

    return measure


def test_a_measurement(world: World) -> None:
    layer, calls = world(images=("lab/musl:1",))
    assert (layer["layer"], layer["name"], layer["user"]) == ("podman", "podman (alice)", "alice")
    assert layer["state"] == "measured"
    assert layer["engine"] == {
        "name": "podman",
        "version": "4.3.1",
        "runc": "1.1.5+ds1",
        "runtime": "runc",
        "seccomp_profile": "default",
        "rootless": True,
    }
    assert layer["calls"] == {"faccessat2": {"answer": "EPERM", "by": "profile", "errno": None}}
    assert layer["filter"] == {"default": "SCMP_ACT_ERRNO", "default_errno": 38, "rules": {}}
    assert [entry["image"] for entry in layer["behaviour"]] == [None, "lab/musl:1"]
    assert layer["behaviour"][1]["access"]["result"] == "untested"
    assert [words for words in ("--version", " info ", " run ", " rm ") if any(words in f"{call} " for call in calls)]


def test_everything_is_in_the_folder_and_nothing_asks_for_more_than_calls(world: World) -> None:
    _, calls = world()
    run = next(call for call in calls if " run " in call)
    for option in ("--root=", "--runroot=", "--tmpdir=", "--network-config-dir="):
        assert f"{option}/" in run
    for option in (
        "--rm",
        "--network=none",
        "--pids-limit=0",
        "--log-driver=none",
        "--volume=/usr:/usr:ro",
        "--rootfs",
    ):
        assert option in run
    assert "seccomp=" not in run


def test_an_old_podman_knows_another_name_of_the_network_option(world: World) -> None:
    _, calls = world(version="3.0.1")
    run = next(call for call in calls if " run " in call)
    assert "--cni-config-dir=/" in run
    assert "--network-config-dir" not in run


def test_a_given_profile_is_one_that_the_user_can_read(world: World, tmp_path: Path) -> None:
    given = tmp_path / "profile.json"
    given.write_text('{"defaultAction": "SCMP_ACT_ALLOW"}')
    layer, calls = world(profile=str(given))
    run = next(call for call in calls if " run " in call)
    assert layer["profile"] == str(given)
    assert "--security-opt=seccomp=" in run
    assert str(given) not in run


def test_unconfined(world: World) -> None:
    _, calls = world(profile="unconfined")
    assert any("--security-opt=seccomp=unconfined" in call for call in calls)


@pytest.mark.parametrize(
    ("settings", "error", "reason"),
    [
        pytest.param(
            {"run_": "echo 'time=\"x\" level=warning msg=y' >&2; echo 'Error: runc: no cgroup' >&2; exit 127"},
            "program",
            "podman of alice cannot run a container here: runc: no cgroup",
            id="the runtime fails",
        ),
        pytest.param(
            {"run_": "exit 1"},
            "program",
            "podman of alice cannot run a container here: it said nothing",
            id="it fails without a word",
        ),
        pytest.param(
            {"run_": "exec sleep 30", "seconds": 1.0},
            "timeout",
            "podman's container gave no answer within the time limit",
            id="it hangs",
        ),
        pytest.param(
            {"info": "echo 'Error: cannot find UID/GID for user alice' >&2; exit 125"},
            "program",
            "podman of alice does not work: cannot find UID/GID for user alice",
            id="podman itself does not work",
        ),
        pytest.param(
            {"info": "exec sleep 30", "seconds": 0.5},
            "timeout",
            "podman gave no answer within 0.5 s",
            id="podman hangs",
        ),
        pytest.param(
            {"info": "echo what; exit 0"},
            "protocol",
            "podman info printed something that is not JSON: Expecting value: line 1 column 1 (char 0)",
            id="garbage",
        ),
        pytest.param(
            {"run_": "echo RUNNERKIT-PROBE nonsense; exec sleep 30"},
            "program",
            "the probe's program printed a result that is not JSON: Expecting value: line 1 column 2 (char 1)",
            id="garbage from the container",
        ),
        pytest.param(
            {"profile": "/nonexistent.json"},
            "missing",
            "the seccomp profile /nonexistent.json does not exist on this host; correct its path",
            id="no such profile",
        ),
    ],
)
def test_what_cannot_be_measured_says_why(world: World, settings: dict[str, Any], error: str, reason: str) -> None:
    layer, _ = world(**settings)
    assert (layer["state"], layer["error"]) == ("unknown", error)
    assert layer["reason"].split(" s;")[0].startswith(reason[:30])
    assert layer["reason"] == reason or error == "timeout"
    assert layer["calls"] == {}


# What a user's podman does who may write to the folder while root works there: $victim is somebody else's.
SPITE = r"""
victim=@VICTIM@
user=@RUN@/*/user
for folder in $user; do
    for name in containers.conf seccomp.json fs session net a/b; do
        mkdir -p "$folder/a"
        ln -sfn "$victim" "$folder/$name"
        ln -sfn "$victim/file" "$folder/a/$name.file"
    done
    mkdir -p "$folder/root/aaa-containers/x/userdata"
    mkfifo "$folder/root/aaa-containers/x/userdata/config.json" 2>/dev/null
done
"""


def test_a_spiteful_user_leads_root_nowhere(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    victim = tmp_path / "victim"
    victim.mkdir(mode=0o751)
    (victim / "file").write_text("keep")
    given: list[Any] = []
    monkeypatch.setattr("os.chown", lambda *args, **settings: given.append((args, settings)))
    before = [
        (path.lstat().st_mode, path.lstat().st_uid, path.lstat().st_mtime_ns) for path in (victim, victim / "file")
    ]
    begin = time.monotonic()
    layer, _ = world(spite=SPITE.replace("@VICTIM@", str(victim)).replace("@RUN@", str(tmp_path / "run")))
    assert time.monotonic() - begin < 8
    assert layer["state"] == "measured"
    # The pipe that nobody writes to is passed over.
    assert layer["filter"] == {"default": "SCMP_ACT_ERRNO", "default_errno": 38, "rules": {}}
    assert (victim / "file").read_text() == "keep"
    assert [
        (path.lstat().st_mode, path.lstat().st_uid, path.lstat().st_mtime_ns) for path in (victim, victim / "file")
    ] == before
    assert given == []


def test_a_configuration_that_does_not_end_costs_its_limit(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(podman_command, "READING_TIMEOUT", 0.5)
    # It is a file when it is looked at, and a pipe when it is opened.
    monkeypatch.setattr(podman_command, "_READ", 'mkfifo "$1/pipe"; exec head -c "$2" "$1/pipe"')
    begin = time.monotonic()
    layer, _ = world()
    assert (layer["state"], layer["filter"]) == ("measured", None)
    assert time.monotonic() - begin < 8


@pytest.mark.parametrize(
    "bundle",
    [
        pytest.param("[" * 200_000, id="deeper than a reader can go"),
        pytest.param("[]", id="not an object"),
        pytest.param("{" + " " * (podman_process.MOST + 10) + "}", id="without end"),
    ],
)
def test_a_configuration_of_another_shape_is_none(world: World, tmp_path: Path, bundle: str) -> None:
    (tmp_path / "log.bundle").write_text(bundle)
    layer, _ = world()
    assert (layer["state"], layer["filter"]) == ("measured", None)


def test_a_container_that_never_stops_printing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(podman_command, "MOST", 100_000)
    layer, _ = world(run_="exec yes")
    assert (layer["error"], layer["reason"]) == (
        "program",
        "podman's container printed more than 100000 bytes and no result",
    )


def test_the_user_gets_one_empty_folder_and_only_its_name_is_touched(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    given: list[Any] = []

    def chown(path: str, uid: int, gid: int, **settings: Any) -> None:
        inside = os.listdir(os.path.join(os.readlink(f"/proc/self/fd/{settings['dir_fd']}"), path))
        given.append((path, uid, gid, settings["follow_symlinks"], inside))

    monkeypatch.setattr(podman_folder, "RUN", str(tmp_path))
    monkeypatch.setattr("os.chown", chown)
    usual = os.umask(0o077)
    try:
        account = Account("alice", os.geteuid() + 1, 7, "/", ())
        with podman_folder.shared_folder(
            Remembering(), account, lambda path: probe_podman._make_root(PLACE, f"{path}/fs")
        ) as folder:
            modes = {
                name: os.lstat(os.path.join(folder, name)).st_mode & 0o777 for name in ("", "fs", "fs/etc", "user")
            }
    finally:
        os.umask(usual)
    assert given == [("user", os.geteuid() + 1, 7, False, [])]
    assert modes == {"": 0o711, "fs": 0o755, "fs/etc": 0o755, "user": 0o700}
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("text", "killed"),
    [
        pytest.param("{}", True, id="the number of a process"),
        pytest.param("{}\n", True, id="and a line feed"),
        pytest.param("-{}", False, id="a group, as minus 1 is everybody"),
        pytest.param("0", False, id="one's own group"),
        pytest.param("1", False, id="init"),
        pytest.param("{} {}", False, id="more than one"),
        pytest.param("{}x", False, id="not a number"),
        pytest.param("", False, id="nothing"),
        pytest.param("99999999999999999999999", False, id="too large a number"),
        pytest.param(None, False, id="a pipe that nobody writes to"),
    ],
)
def test_what_is_killed_is_a_process_of_the_user(tmp_path: Path, text: str | None, killed: bool) -> None:
    account = Account("alice", os.geteuid(), os.getegid(), str(tmp_path), ())
    pause = tmp_path / "user" / "tmp" / "pause.pid"
    pause.parent.mkdir(parents=True)
    with subprocess.Popen(["sleep", "30"], start_new_session=True) as sleeping:
        try:
            if text is None:
                os.mkfifo(pause)
            else:
                pause.write_text(text.format(sleeping.pid, sleeping.pid))
            begin = time.monotonic()
            assert podman_folder._take_down(str(tmp_path), account)
            assert time.monotonic() - begin < 4
            if killed:
                assert sleeping.wait(5) == -signal.SIGKILL
            else:
                assert sleeping.poll() is None
        finally:
            sleeping.kill()
    assert not tmp_path.exists()


def test_processes_of_others_that_name_the_folder_cost_a_bounded_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(podman_folder, "_EMPTY", podman_folder._EMPTY.replace("100", "4"))
    (tmp_path / "user").mkdir()
    account = Account("alice", os.geteuid(), os.getegid(), "/", ())
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(30)", f"{tmp_path}/user"]) as naming:
        begin = time.monotonic()
        # What names it may still write to it: somebody has another look when this run has ended.
        assert not podman_folder._take_down(str(tmp_path), account)
        assert time.monotonic() - begin < 4
        assert naming.poll() is None
        assert not tmp_path.exists()
        naming.kill()


def test_everything_below_the_users_folder_is_done_as_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    account = Account("alice", 1000, 1000, "/home/alice", ("/sbin/runuser", "-u", "alice", "--"))
    monkeypatch.setattr(podman_command.Podman, "_ask_version", lambda self: (4, 9))
    podman = podman_command.Podman("/usr/bin/podman", account, "/run/x")
    commands = [*podman.tidying(), podman.command("info"), podman_folder._empty("/run/x", account, 0)]
    assert [tuple(argv[:4]) for argv in commands] == [account.prefix] * 3


def test_an_older_podman_has_shared_memory_of_its_own(world: World) -> None:
    assert world(version="3.0.1")[0]["state"] == "measured"
    assert world(version="4.4.0")[0]["state"] == "measured"


def test_a_filter_over_this_process_is_not_taken_for_podmans(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name, path: "/usr/bin/podman")
    monkeypatch.setattr(probe_podman, "is_filtered", lambda: True)
    monkeypatch.setattr(probe_podman, "account_of", lambda user: Account("alice", 1, 1, "/", ()))
    monkeypatch.setattr(FakeKernel, "result", lambda self: {"calls": None, "reason": "under a filter; run elsewhere"})
    layer = probe_podman.measure_podman(
        janitor=Remembering(), user="alice", profile="default", images=(), deadline=0.0, kernel=FakeKernel(None)
    )
    assert (layer["state"], layer["reason"]) == ("unknown", "under a filter; run elsewhere")


def test_no_podman(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name, path: None)
    monkeypatch.setattr(probe_podman, "account_of", lambda user: Account("root", 0, 0, "/root", ()))
    layer = probe_podman.measure_podman(
        janitor=Remembering(), user=None, profile="default", images=(), deadline=0.0, kernel=FakeKernel({})
    )
    assert (layer["name"], layer["error"]) == ("podman (root)", "absent")
    assert layer["reason"] == "podman is not installed on this host; install it, or leave its layers out"


def _entry(name: str, uid: int, home: str) -> pwd.struct_passwd:
    return pwd.struct_passwd((name, "x", uid, uid, "", home, "/bin/sh"))


@pytest.mark.parametrize(
    ("mine", "uid", "home", "prefix"),
    [
        pytest.param(0, 1000, "/", ("/usr/sbin/runuser", "-u", "alice", "--"), id="root becomes the user"),
        pytest.param(0, 0, "/", (), id="root stays root"),
    ],
)
def test_how_to_become_the_user(
    monkeypatch: pytest.MonkeyPatch, mine: int, uid: int, home: str, prefix: tuple[str, ...]
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: mine)
    monkeypatch.setattr("pwd.getpwnam", lambda name: _entry(name, uid, home))
    monkeypatch.setattr("shutil.which", lambda name, path: f"/usr/sbin/{name}")
    assert account_of("alice").prefix == prefix


@pytest.mark.parametrize(
    ("mine", "home", "runuser", "kind", "message"),
    [
        pytest.param(1001, "/", "/sbin/runuser", "permission", "by root only; become root", id="somebody else"),
        pytest.param(1000, "/", "/sbin/runuser", "permission", "by root only; become root", id="the user"),
        pytest.param(
            0, "/nonexistent", "/sbin/runuser", "missing", "the home /nonexistent of the user alice", id="no home"
        ),
        pytest.param(0, "/", None, "missing", "this host has no runuser", id="no runuser"),
    ],
)
def test_users_that_cannot_be_asked(
    monkeypatch: pytest.MonkeyPatch, mine: int, home: str, runuser: str | None, kind: str, message: str
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: mine)
    monkeypatch.setattr("pwd.getpwnam", lambda name: _entry(name, 1000, home))
    monkeypatch.setattr("shutil.which", lambda name, path: runuser)
    with pytest.raises(EngineError, match=message) as caught:
        account_of("alice")
    assert caught.value.kind == kind


def test_a_user_that_does_not_exist() -> None:
    with pytest.raises(EngineError, match="there is no user nobody-of-that-name on this host; correct podman_users"):
        account_of("nobody-of-that-name")


@pytest.mark.parametrize(
    ("security", "expected"),
    [
        pytest.param({}, "default", id="not told"),
        pytest.param({"seccompProfilePath": "/usr/share/containers/seccomp.json"}, "default", id="the package's"),
        pytest.param(
            {"seccompProfilePath": "/etc/containers/seccomp.json"}, "/etc/containers/seccomp.json", id="another"
        ),
        pytest.param({"seccompEnabled": False}, "unconfined", id="built without seccomp"),
    ],
)
def test_the_profile_in_force(security: dict[str, Any], expected: str) -> None:
    info = {"host": {"security": security, "ociRuntime": {"name": "crun", "version": "crun version 1.8.1\ncommit: f"}}}
    engine = probe_podman.engine_of(info)
    assert engine["seccomp_profile"] == expected
    assert (engine["runtime"], engine["runc"]) == ("crun", None)


@pytest.mark.parametrize("info", [{}, {"host": None, "version": []}, {"host": {"ociRuntime": "runc"}}])
def test_an_info_of_another_shape_is_no_trouble(info: dict[str, Any]) -> None:
    assert probe_podman.engine_of(info)["name"] == "podman"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param('Error: a\ntime="t" level=warning msg="b"\n', "a", id="the line with Error"),
        pytest.param('x\ntime="t" level=warning msg="b"\n', "x", id="no warning where there is more"),
        pytest.param("", "nothing", id="nothing"),
    ],
)
def test_last_words(text: str, expected: str) -> None:
    assert last_words(text) == expected
