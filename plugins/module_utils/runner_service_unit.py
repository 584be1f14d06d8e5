# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""The texts of GitLab Runner's systemd unit: what it starts, and the drop-ins beside it.

`gitlab-runner install` writes the unit, and each upgrade of the package writes it anew, with the user gitlab-runner and
/etc/gitlab-runner/config.toml whatever was there before. So what a unit is to start otherwise stands in a drop-in.
"""

from __future__ import annotations

import re
import shlex

from ansible_collections.runnerkit.gitlab.plugins.module_utils.runner_hold import PATH

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Sequence

MANAGED = "# Ansible managed: role runnerkit.gitlab.gitlab_runner\n"
DEFAULT_CONFIG = "/etc/gitlab-runner/config.toml"
_SHORT = {"c": "config", "d": "working-directory", "n": "service", "u": "user"}
_DRAIN_TIMEOUT = re.compile(r"^TimeoutStopSec=(\d+)s$", re.MULTILINE)
_EXEC_START = re.compile(r"^ExecStart=(?P<value>(?:.*\\\n)*.*)$", re.MULTILINE)
# What systemd.service(5) allows before the program.
_PREFIXES = "-@:+!"


class Command:
    """A program and its arguments: `/usr/bin/gitlab-runner run --config ... --user ...`."""

    def __init__(self, words: Sequence[str]) -> None:
        self.words = list(words)

    @property
    def program(self) -> str:
        """The program."""
        return self.words[0]

    def options(self) -> dict[str, str]:
        """Long names of options to values; `yes` for one without a value."""
        found = {}
        words = list(self.words[1:])
        while words:
            word = words.pop(0)
            if not word.startswith("-"):
                continue
            name, equals, value = word.lstrip("-").partition("=")
            if not equals:
                value = words.pop(0) if words and not words[0].startswith("-") else "yes"
            found[_SHORT.get(name, name)] = value
        return found

    @property
    def config(self) -> str:
        """The configuration file that it reads."""
        return self.options().get("config", DEFAULT_CONFIG)

    @property
    def user(self) -> str:
        """The user of jobs of the shell executor; empty for the runner's own."""
        return self.options().get("user", "")

    @property
    def working_directory(self) -> str:
        """Where jobs of the shell executor have their folders; empty for the runner's own."""
        return self.options().get("working-directory", "")

    def meaning(self) -> tuple[str, dict[str, str]]:
        """What two commands have to have in common to do the same: neither order nor spelling counts.

        With systemd what the runner says goes to the journal anyway, so `--syslog` of old units does not count either.
        """
        options = {"config": DEFAULT_CONFIG, "service": "gitlab-runner", **self.options()}
        options.pop("syslog", None)
        return self.program, options

    def means(self, other: Command | None) -> bool:
        """Whether the other does the same."""
        return other is not None and self.meaning() == other.meaning()

    def changed(self, program: str | None, config: str | None) -> Command:
        """The same with another program, or another configuration file."""
        words = [program or self.words[0], *self.words[1:]]
        if config is None or self.config == config:
            return Command(words)
        kept = []
        rest = words[1:]
        while rest:
            word = rest.pop(0)
            if word.partition("=")[0] not in ("--config", "-c"):
                kept.append(word)
            elif "=" not in word and rest:
                rest.pop(0)
        return Command([words[0], *kept, "--config", config])


def standard(program: str, user: str, home: str, config: str = DEFAULT_CONFIG) -> Command:
    """What `gitlab-runner install` has a unit start."""
    options = ["--config", config, "--working-directory", home, "--service", "gitlab-runner", "--user", user]
    return Command([program, "run", *options])


def shown_command(properties: str) -> Command | None:
    """What `systemctl show --property ExecStart` says that the unit starts, drop-ins included; None for nothing."""
    match = re.search(r"argv\[\]=(.*?) ;", properties)
    return Command(match[1].split()) if match and match[1].split() else None


def written_command(text: str | None) -> Command | None:
    """What a unit file, or a drop-in, itself says; None when it says nothing that can be read."""
    found = None
    for match in _EXEC_START.finditer(text or ""):
        value = match["value"].replace("\\\n", " ").strip().lstrip(_PREFIXES)
        try:
            words = shlex.split(value)
        except ValueError:
            continue
        found = Command(words) if words else None
    return found


def quote(word: str) -> str:
    """A word for ExecStart= (systemd.service(5)), with what would be a variable or a specifier doubled."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return escaped if re.fullmatch(r"[\w./:@,=+-]+", word, re.ASCII) else f'"{escaped}"'


def drop_in(drain_timeout: int | None, command: Command | None) -> str:
    """The lasting drop-in: how the unit is stopped, and what it starts instead of what its file says."""
    unit, service = "", ""
    if command is not None:
        program = quote(command.program)
        # The empty one takes back every condition before it, of whatever kind.
        unit += f"ConditionFileIsExecutable=\nConditionFileIsExecutable={program}\n"
        service += "ExecStart=\nExecStart={}\n".format(" ".join(quote(word) for word in command.words))
    if drain_timeout is not None:
        # At shutdown a unit is stopped before those it comes after: jobs need their engine to the end.
        unit += "After=docker.service containerd.service\n" + _HELD
        service += _STOP.format(f"{drain_timeout}s")
    return f"{MANAGED}[Unit]\n{unit}[Service]\n{service}" if unit else ""


def drain_timeout(text: str) -> int | None:
    """Seconds that a lasting drop-in gives to everybody's stops; None for one that says nothing of stops."""
    found = _DRAIN_TIMEOUT.search(text)
    return int(found[1]) if found else None


_HELD = f"ConditionPathExists=!{PATH}\n"

# SIGQUIT has the runner take no new jobs and wait for those it has. It is for the runner alone: with the default
# KillMode the programs of a job of the shell executor would get it as well.
_STOP = "KillSignal=SIGQUIT\nKillMode=mixed\nTimeoutStopSec={0}\n"

# While we drain, systemd must not end the wait by killing: that is for whoever asked for the drain to decide. And a
# runner that is held stays down also where the lasting drop-in is not wanted, at least to the next boot.
DRAIN = f"{MANAGED}[Unit]\n{_HELD}[Service]\n" + _STOP.format("infinity")
