"""The command line."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from . import config
from .version import VERSION

ABOUT = """\
Version:      {version}
Git revision: lab
Git branch:   lab
GO version:   Python {python}
Built:        never
OS/Arch:      linux/amd64
runnerkit lab stand-in, not GitLab Runner"""
SERVICE = ("install", "uninstall", "start", "stop", "restart", "status")
ONE = ("verify", "unregister", "reset-token")


def _register_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("-n", "--non-interactive", action="store_true")
    command.add_argument("-u", "--url", default=os.environ.get("CI_SERVER_URL", ""))
    command.add_argument("-t", "--token", default=os.environ.get("CI_SERVER_TOKEN", ""))
    command.add_argument("-r", "--registration-token", default=os.environ.get("REGISTRATION_TOKEN", ""))
    command.add_argument("--name", "--description", default=os.environ.get("RUNNER_NAME", ""))
    command.add_argument("--env", dest="environment", action="append")
    command.add_argument("--docker-volumes", action="append")
    for name in ("limit", "maximum-timeout"):
        command.add_argument(f"--{name}", type=int, default=0)
    for name in (
        "tag-list",
        "maintenance-note",
        "access-level",
        "executor",
        "docker-image",
        "builds-dir",
        "tls-ca-file",
    ):
        command.add_argument(f"--{name}", default="")
    for name in ("run-untagged", "paused", "docker-privileged", "leave-runner"):
        command.add_argument(f"--{name}", nargs="?", const=True, default=False, type=_truth)
    command.add_argument("--locked", nargs="?", const=True, default=True, type=_truth)


def _truth(text: str) -> bool:
    return text.lower() in ("1", "t", "true")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="gitlab-runner", allow_abbrev=False)
    parser.add_argument("-v", "--version", action="store_true")
    parser.add_argument("--log-level", "-l", default="")
    parser.add_argument("--log-format", default="")
    parser.add_argument("--debug", action="store_true")
    commands = parser.add_subparsers(dest="command")
    path = os.environ.get("CONFIG_FILE", config.DEFAULT_PATH)
    for name in ("run", "register", "list", *ONE, *SERVICE):
        command = commands.add_parser(name, allow_abbrev=False)
        command.add_argument("-c", "--config", default=path)
        if name in ("run", *SERVICE):
            command.add_argument("-d", "--working-directory", default=os.getcwd())
            command.add_argument("-u", "--user", default="")
            command.add_argument("--service", default="gitlab-runner")
            command.add_argument("--syslog", action="store_true")
        if name in ONE:
            for option in ("name", "token", "url"):
                command.add_argument(f"--{option}", default="")
            command.add_argument("--all-runners", action="store_true")
            command.add_argument("--delete", action="store_true")
        if name == "register":
            _register_options(command)
    return parser


def main(arguments: Sequence[str]) -> int:
    options = _parser().parse_args(arguments)
    if options.version or not options.command:
        print(ABOUT.format(version=VERSION, python=sys.version.split()[0]))
        return 0 if options.version else 1
    try:
        return _dispatch(options)
    except (config.ConfigError, OSError) as error:
        sys.exit(f"FATAL: {error}")


def _dispatch(options: argparse.Namespace) -> int:
    if options.command == "run":
        from .daemon import Daemon

        return Daemon(options.config, options.working_directory, options.user).run()
    if options.command in SERVICE:
        from . import service

        if options.command == "install":
            return service.install(options.service, options.config, options.working_directory, options.user)
        if options.command == "uninstall":
            return service.uninstall(options.service)
        if options.command == "status":
            return service.status(options.service)
        return service.control(options.command, options.service)
    from . import commands

    chosen = {
        "register": commands.register,
        "verify": commands.verify,
        "unregister": commands.unregister,
        "list": commands.list_runners,
        "reset-token": commands.reset_token,
    }
    return chosen[options.command](options)
