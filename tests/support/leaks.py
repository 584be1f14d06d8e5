# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Runs a playbook, as loudly as it can be, and tells every place on both sides in which a secret turned up.

    hunt = hunt_play(playbook, "host", {"my_token": token}, {"token": token})
    assert hunt.places == []

A secret is found as it is, and in base64, also twice and in the middle of something. What is hashed, encrypted or
compressed is not. Processes are looked at about a hundred times a second on hosts.
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import fnmatch
import json
import os
import shlex
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.support import plays

AGENT = Path(__file__).with_name("leak_agent.py")
# Where tokens live, and copies that were asked for.
ALLOWED = ("/etc/gitlab-runner/config.toml", "/etc/gitlab-runner/config.toml.*~")
# Everything that programs write to; not what packages bring.
ROOTS = (
    "/builds", "/dev/shm", "/etc", "/home", "/opt", "/root", "/run", "/srv", "/tmp", "/usr/local", "/var/cache",
    "/var/lib", "/var/log", "/var/spool", "/var/tmp",
)  # fmt: skip
# Containers' file systems, and the lab itself, whose stand-in for GitLab has to know the tokens.
SKIPPED = ("/var/lib/docker", "/var/lib/containerd", "/var/lib/runnerkit-lab", "/run/containerd", "/run/docker")
# What Ansible calls its temporary folders.
WATCHED = ("/root/.ansible/tmp", "/home/*/.ansible/tmp")


@dataclasses.dataclass(frozen=True)
class Hunt:
    """What a command did and where secrets were seen: `HOST: PLACE: NAME OF THE SECRET`."""

    code: int
    output: str = dataclasses.field(repr=False)
    places: list[str]


@dataclasses.dataclass(frozen=True)
class Place:
    """A machine to look at. SHELL takes a command line as its last word and runs it there."""

    shell: Sequence[str]
    roots: Sequence[str] = ROOTS
    skipped: Sequence[str] = SKIPPED
    watched: Sequence[str] = WATCHED
    # On a controller that others use too, what was there before is none of ours.
    newer: float | None = None


def forms(secret: str) -> list[str]:
    """How a secret may be written, alone or in the middle of something."""
    once = _base64(secret.encode())
    return [secret, *once, *(form for each in once for form in _base64(each.encode()))]


def _base64(data: bytes) -> list[str]:
    """What is sure to be in the base64 of something that holds DATA, whatever stands before and after it."""
    return [
        base64.b64encode(bytes(before) + data).decode()[-(-before * 8 // 6) : (before + len(data)) * 8 // 6]
        for before in range(3)
    ]


def hunt(
    command: Sequence[str],
    secrets: Mapping[str, str],
    places: Mapping[str, Place],
    *,
    environment: Mapping[str, str] | None = None,
    allowed: Sequence[str] = ALLOWED,
    timeout: int = 900,
) -> Hunt:
    """Run a command and look everywhere meanwhile and afterwards. SECRETS are by a name that may be shown."""
    needles = {name: forms(secret) for name, secret in secrets.items()}
    with contextlib.ExitStack() as stack:
        agents = {name: stack.enter_context(_agent(place, needles)) for name, place in places.items()}
        done = subprocess.run(
            command,
            cwd=plays.CHECKOUT,
            env=None if environment is None else dict(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
        )
        found = [f"{where}: {place}: {name}" for where, agent in agents.items() for place, name in _ask(agent, allowed)]
    for stream, text in (("stdout", done.stdout), ("stderr", done.stderr)):
        found += [f"{stream}: {name}" for name, shapes in needles.items() if any(shape in text for shape in shapes)]
    return Hunt(done.returncode, done.stdout + done.stderr, sorted(found))


@contextlib.contextmanager
def _agent(place: Place, needles: Mapping[str, list[str]]) -> Iterator[subprocess.Popen[str]]:
    """An agent that watches."""
    program = shlex.join(["python3", "-c", AGENT.read_text(encoding="utf-8")])
    order = {**dataclasses.asdict(place), "needles": needles}
    with subprocess.Popen([*place.shell, program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as agent:
        assert agent.stdin is not None
        assert agent.stdout is not None
        agent.stdin.write(json.dumps(order) + "\n")
        agent.stdin.flush()
        assert agent.stdout.readline() == "ready\n"
        yield agent


def _ask(agent: subprocess.Popen[str], allowed: Sequence[str]) -> list[tuple[str, str]]:
    """What an agent found, but for where it may be."""
    answer, _ = agent.communicate()
    assert agent.returncode == 0, answer
    return [
        (place, name) for place, name in json.loads(answer) if not any(fnmatch.fnmatch(place, each) for each in allowed)
    ]


def controller(started: float, *more: Path) -> Place:
    """This machine: what is new in the places where programs write."""
    home = Path.home()
    roots = {*ROOTS, str(home), tempfile.gettempdir(), str(plays.CHECKOUT), *map(str, more)}
    # Caches and interpreters fill a home; Ansible has a folder of its own there, and what is made now is looked at.
    full = [str(each) for each in home.iterdir() if each.is_dir() and each.name != ".ansible"]
    skipped = (*SKIPPED, *full, str(plays.CHECKOUT / ".git"), str(plays.CHECKOUT / ".venv"))
    return Place(["sh", "-c"], sorted(roots), skipped, [str(home / ".ansible/tmp")], started)


def remote(name: str, listing: Path | None = None) -> Place:
    """A host of the inventory, as root whoever Ansible logs in as."""
    program = plays.ANSIBLE_PLAYBOOK.with_name("ansible-inventory")
    asked = subprocess.run(
        [str(program), "-i", str(listing or plays.inventory()), "--host", name],
        cwd=plays.CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    )
    known: dict[str, Any] = json.loads(asked.stdout)
    ssh = [
        "ssh", *shlex.split(known.get("ansible_ssh_common_args", "")), "-i", known["ansible_ssh_private_key_file"],
        f"root@{known['ansible_host']}",
    ]  # fmt: skip
    return Place(ssh)


def hunt_play(
    playbook: Path,
    limit: str,
    variables: Mapping[str, Any],
    secrets: Mapping[str, str],
    *,
    arguments: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    allowed: Sequence[str] = ALLOWED,
    listing: Path | None = None,
    loudness: str = "-vvv",
) -> Hunt:
    """Run a playbook with everything on that shows or keeps something: -vvv, --diff, a log and a cache of facts.

    LIMIT names hosts, with commas between them. VARIABLES go through a file, as ansible-playbook would show them in the
    process list.
    """
    started = time.time()
    with tempfile.TemporaryDirectory(prefix="runnerkit-leaks-") as folder:
        given, kept = Path(folder, "given.json"), Path(folder, "kept")
        kept.mkdir()
        given.touch(mode=0o600)
        given.write_text(json.dumps(dict(variables)), encoding="utf-8")
        return hunt(
            [
                str(plays.ANSIBLE_PLAYBOOK), str(playbook), "-i", str(listing or plays.inventory()), "-l", limit,
                loudness, "--diff", "-e", f"@{given}", *arguments,
            ],
            secrets,
            {"controller": controller(started, kept), **{name: remote(name, listing) for name in limit.split(",")}},
            environment={
                **os.environ,
                "ANSIBLE_CONFIG": str(plays.CHECKOUT / "ansible.cfg"),
                "ANSIBLE_NOCOLOR": "1",
                "ANSIBLE_CACHE_PLUGIN": "jsonfile",
                "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(kept / "facts"),
                "ANSIBLE_LOG_PATH": str(kept / "log"),
                **(environment or {}),
            },
            allowed=[*allowed, str(given)],
        )  # fmt: skip
