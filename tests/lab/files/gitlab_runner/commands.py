"""What one does with runners by hand: register, verify, unregister, list, reset-token."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any

from . import config
from .config import NEVER, get
from .gitlab import GitLab
from .log import log, short
from .rotation import adopt, exchange, moment

SERVER_SIDE = ("tag_list", "maintenance_note", "access_level", "run_untagged", "maximum_timeout", "paused")


def _entry(options: argparse.Namespace) -> dict[str, Any]:
    """A new [[runners]] entry, its keys in the runner's order."""
    entry: dict[str, Any] = {"name": options.name or os.uname().nodename}
    if options.limit:
        entry["limit"] = options.limit
    entry["url"] = options.url
    entry.update({"id": 0, "token": "", "token_obtained_at": NEVER, "token_expires_at": NEVER})
    if options.tls_ca_file:
        entry["tls-ca-file"] = options.tls_ca_file
    entry["executor"] = options.executor
    for key in ("builds_dir", "environment"):
        if getattr(options, key):
            entry[key] = getattr(options, key)
    entry["cache"] = {"MaxUploadedArchiveSize": 0}
    if options.executor == "docker":
        volumes = options.docker_volumes or []
        entry["docker"] = {
            "tls_verify": False,
            "image": options.docker_image,
            "privileged": options.docker_privileged,
            "disable_entrypoint_overwrite": False,
            "oom_kill_disable": False,
            "disable_cache": False,
            "volumes": volumes if any(text.endswith("/cache") for text in volumes) else [*volumes, "/cache"],
            "shm_size": 0,
            "network_mtu": 0,
        }
    return entry


def _join(options: argparse.Namespace, entry: dict[str, Any]) -> None:
    """Make the entry known to GitLab, by whichever token there is."""
    if options.token:
        entry["token"] = options.token
        given = [name for name in SERVER_SIDE if getattr(options, name)]
        if options.token.startswith("glrt-") and given:
            flags = ", ".join(f"--{name.replace('_', '-')}" for name in given)
            sys.exit(f"FATAL: Runner configuration other than name and executor configuration is reserved ({flags})")
        answer = GitLab(entry, options.config).verify()
        if answer.status != 200:
            sys.exit(f"PANIC: Failed to verify the runner. (status {answer.status} {answer.error})")
        if options.token.startswith("glrt-"):
            if not (answer.data or {}).get("id"):
                sys.exit("PANIC: Failed to verify the runner.")
            entry["id"] = answer.data["id"]
            entry["token_obtained_at"] = config.now()
            entry["token_expires_at"] = moment(answer.data.get("token_expires_at"))
        return
    answer = GitLab(entry, options.config).register(
        options.registration_token,
        description=entry["name"],
        maintenance_note=options.maintenance_note,
        tag_list=options.tag_list,
        run_untagged=options.run_untagged or not options.tag_list,
        locked=options.locked,
        access_level=options.access_level,
        maximum_timeout=options.maximum_timeout,
        paused=options.paused,
    )
    if answer.status != 201:
        said = (answer.data or {}).get("message", answer.error) if isinstance(answer.data, dict) else answer.error
        sys.exit(f"PANIC: Failed to register the runner. (status {answer.status}: {said})")
    entry["id"] = answer.data["id"]
    adopt(entry, answer.data)


def register(options: argparse.Namespace) -> int:
    needed = (("url", options.url), ("token", options.token or options.registration_token))
    for name, value in (*needed, ("executor", options.executor)):
        if not value:
            sys.exit(f"PANIC: The {name} needs to be entered (the stand-in asks nobody)")
    data = config.load(options.config)
    entry = _entry(options)
    _join(options, entry)
    if not data:
        data = config.defaults()
    data.setdefault("runners", []).append(entry)
    config.save(options.config, data)
    log("Runner registered successfully.", runner=short(entry["token"]))
    return 0


def _chosen(options: argparse.Namespace, data: dict[str, Any]) -> list[dict[str, Any]]:
    wanted = {key: getattr(options, key, None) for key in ("name", "token", "url")}
    wanted = {key: value for key, value in wanted.items() if value}
    found = [runner for runner in config.runners(data) if all(get(runner, key) == wanted[key] for key in wanted)]
    if wanted and not found:
        sys.exit("FATAL: No runner matches the filtering parameters")
    return found


def _keep(path: str, data: dict[str, Any], gone: list[dict[str, Any]]) -> None:
    data["runners"] = [runner for runner in config.runners(data) if runner not in gone]
    config.save(path, data)
    log("Updated", path=path)


def verify(options: argparse.Namespace) -> int:
    """Only a runner that GitLab refuses counts as gone; whatever else goes wrong says nothing of it."""
    data = config.load(options.config)
    gone = []
    for runner in _chosen(options, data):
        answer = GitLab(runner, options.config).verify()
        alive = answer.status != 403
        log("Verifying runner... " + ("is alive" if alive else "is removed"), runner=short(str(get(runner, "token"))))
        if not alive:
            gone.append(runner)
    if gone and not options.delete:
        sys.exit("FATAL: Failed to verify runners")
    if gone:
        _keep(options.config, data, gone)
    return 0


def unregister(options: argparse.Namespace) -> int:
    data = config.load(options.config)
    if not (options.all_runners or options.name or options.token):
        sys.exit("FATAL: Name or token of the runner is needed")
    gone = []
    for runner in _chosen(options, data):
        answer = GitLab(runner, options.config).unregister()
        about: dict[str, Any] = {"runner": short(str(get(runner, "token"))), "status": answer.status}
        if answer.status == 204:
            log("Unregistering runner from GitLab succeeded", **about)
            gone.append(runner)
        elif options.all_runners:
            log("Failed to unregister runner", "ERROR", **about)
        else:
            sys.exit(f"FATAL: Failed to unregister runner {get(runner, 'name')} (status {answer.status})")
    if gone:
        _keep(options.config, data, gone)
    return 0


def list_runners(options: argparse.Namespace) -> int:
    """The real one prints whole tokens here, so this one does."""
    log("Listing configured runners", ConfigFile=options.config)
    for runner in config.runners(config.load(options.config)):
        log(
            str(get(runner, "name")),
            Executor=get(runner, "executor"),
            Token=get(runner, "token"),
            URL=get(runner, "url"),
        )
    return 0


def reset_token(options: argparse.Namespace) -> int:
    done = [exchange(options.config, runner) for runner in _chosen(options, config.load(options.config))]
    return 0 if all(done) else 1
