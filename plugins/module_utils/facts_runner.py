# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""Facts about GitLab Runner: what its config.toml says of the runners there, as far as it is no secret.

A white list: what is not named here does not leave the host, and no variable's value but those of DOCKER_VARIABLES.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from typing import Any, Callable, Iterable, Mapping

from ansible_collections.runnerkit.gitlab.plugins.module_utils import (
    registry_auth_record,
    runner_hold,
    runner_mode,
    toml_reader,
)
from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import printable
from ansible_collections.runnerkit.gitlab.plugins.module_utils.redact import redact_text

RUNNER_CONFIG = "/etc/gitlab-runner/config.toml"
RUNNER_PACKAGES = ("gitlab-runner",)

# One call, which succeeds for a unit that is not there as well.
SHOW_SERVICE = ("systemctl", "show", "gitlab-runner.service", "--property", "LoadState,ActiveState,UnitFileState")

# How a job reaches a daemon. Other variables are nobody's business.
DOCKER_VARIABLES = (
    "DOCKER_HOST", "DOCKER_TLS_CERTDIR", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "DOCKER_DRIVER",
    "DOCKER_TLS_SAN", "FF_NETWORK_PER_BUILD",
)  # fmt: skip
# Words of a daemon's command by which it listens elsewhere, or in another way.
_ADDRESS = re.compile(r"-H|--host|--tls")
_FLAG = re.compile(r"FF_[A-Z0-9_]+")

_TEXTS = ("runtime", "network_mode", "host")
_LISTS = ("volumes", "security_opt", "services_security_opt", "pull_policy")
_IMAGES = ("allowed_images", "allowed_services", "allowed_privileged_images", "allowed_privileged_services")
# A seccomp profile that is written out is of no use to anybody in facts, and long.
_WRITTEN_OUT = re.compile(r"\{.*", re.DOTALL)
_BOM = b"\xef\xbb\xbf"
_MAX_BYTES = 4 * 1024 * 1024
# Certificates are a few KiB; who puts something else there does not want it read.
_MAX_CERTIFICATE_BYTES = 1024 * 1024
_MAX_CERTIFICATES = 200


class _UnreadableError(Exception):
    """What is wrong with the file, in one sentence that quotes nothing of it."""


def runner_facts(
    path: str | None,
    version: str | None,
    package: dict[str, Any] | None,
    service: dict[str, Any],
    root: str = "/",
) -> dict[str, Any] | None:
    """The value of `gitlab_runner`; None without the program and its package."""
    if not path and not package:
        return None
    facts = {"version": version, "path": path, "package": package, "service": service, **configuration(root)}
    return {
        **facts,
        "certificates": _certificates(root),
        "builds_folders": _builds_folders(facts["runners"], root),
        "registry_auth": _registry_auth(root),
    }


def service_facts(properties: str | None) -> dict[str, Any]:
    """The value of `service` by what SHOW_SERVICE printed; None without systemd, or where it did not answer."""
    found = dict(line.split("=", 1) for line in (properties or "").splitlines() if "=" in line)
    there = found.get("LoadState", "not-found") != "not-found"
    return {
        "active": found.get("ActiveState") or None if there else None,
        "enabled": found.get("UnitFileState") or None if there else None,
        "held": runner_hold.read(),
    }


def configuration(root: str = "/", config_path: str = RUNNER_CONFIG) -> dict[str, Any]:
    """`{config_path, config_error, concurrent, runners}`; a file that is broken never raises."""
    facts: dict[str, Any] = {"config_path": config_path, "config_error": None, "concurrent": None, "runners": []}
    try:
        document = _read(os.path.join(root, config_path.lstrip("/")), config_path)
    except FileNotFoundError:
        return {**facts, "config_path": None}
    except OSError as error:
        return {**facts, "config_error": f"{config_path} cannot be read: {error.strerror or error}"}
    except _UnreadableError as error:
        return {**facts, "config_error": str(error)}
    runners = _get(document, "runners")
    if runners is not None and not _are_tables(runners):
        wrong = f"{config_path}: `runners` is no array of tables; begin each runner there with a line [[runners]]"
        return {**facts, "config_error": wrong}
    return {
        **facts,
        "concurrent": _number(_get(document, "concurrent")),
        "runners": [_runner(one) for one in runners or []],
    }


def _certificates(root: str, config_path: str = RUNNER_CONFIG) -> dict[str, str]:
    """Name and SHA-256 of the files that the runner trusts GitLab servers by (HOST.crt)."""
    folder = os.path.join(root, os.path.dirname(config_path).lstrip("/"), "certs")
    found = {}
    try:
        names = sorted(name for name in os.listdir(folder) if name.endswith(".crt"))
    except OSError:
        return {}
    for name in names[:_MAX_CERTIFICATES]:
        path = os.path.join(folder, name)
        try:
            if not stat.S_ISREG(os.stat(path).st_mode):
                continue
            with open(path, "rb") as stream:
                content = stream.read(_MAX_CERTIFICATE_BYTES)
        except OSError:
            continue
        found[printable(name)] = hashlib.sha256(content).hexdigest()
    return found


def _registry_auth(root: str) -> dict[str, Any] | None:
    """Who has logins to registries by the role, by name; None without any, and where that cannot be read."""
    try:
        record = registry_auth_record.read(os.path.join(root, registry_auth_record.PATH.lstrip("/")))
    except registry_auth_record.RecordError:
        return None
    if record.empty:
        return None
    return {"users": sorted(map(printable, record.users)), "runners": sorted(map(printable, record.runners))}


def _builds_folders(runners: Iterable[Mapping[str, Any]], root: str) -> list[str]:
    """Folders of checkouts that runners share with their host (`/builds:/builds`), as far as they are there."""
    shared = {
        runner_mode.parts_of(volume)[0]
        for runner in runners
        for volume in (runner["docker"] or {}).get("volumes", [])
        if runner_mode.shares_builds([volume], runner["builds_dir"])
    }
    return sorted(path for path in shared if os.path.isdir(os.path.join(root, path.lstrip("/"))))


def _read(path: str, name: str) -> dict[str, Any]:
    # Opening a pipe or a device could block.
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise _UnreadableError(f"{name} is no regular file; put the runner's configuration there")
    with open(path, "rb") as stream:
        content = stream.read(_MAX_BYTES + 1)
    if len(content) > _MAX_BYTES:
        raise _UnreadableError(f"{name} is larger than {_MAX_BYTES >> 20} MiB, which is no configuration; look at it")
    try:
        text = content[len(_BOM) if content.startswith(_BOM) else 0 :].decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _UnreadableError(f"{name} is not in UTF-8 (line {line}); correct it by hand") from None
    try:
        return toml_reader.loads(text)
    except toml_reader.TomlError as error:
        raise _UnreadableError(f"{name} is not TOML from {error} on; correct it by hand") from None


def _are_tables(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, dict) for one in value)


def _get(table: Mapping[str, Any], key: str) -> Any:
    """As the runner finds a key: as it is written, else in whatever case."""
    if key in table:
        return table[key]
    return next((value for name, value in table.items() if name.lower() == key), None)


def _text(value: Any) -> str | None:
    """Text without passwords in addresses and without what would move a terminal's cursor."""
    return printable(redact_text(value)) if isinstance(value, str) and value else None


def _image(value: Any) -> str | None:
    """An image's name: ruby:3.3@sha256:... looks like a user's name and a password, and is none."""
    return printable(value) if isinstance(value, str) and value and "://" not in value else _text(value)


def _texts(value: Any, read: Callable[[Any], str | None] = _text) -> list[str]:
    """A list of texts; the runner takes one text for a list of one in some places."""
    given = value if isinstance(value, list) else [value]
    return [found for found in map(read, given) if found is not None]


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _yes(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _runner(table: Mapping[str, Any]) -> dict[str, Any]:
    docker = _get(table, "docker")
    facts = {
        "name": _text(_get(table, "name")),
        "id": _number(_get(table, "id")),
        "url": _text(_get(table, "url")),
        "tls_ca_file": _text(_get(table, "tls-ca-file")),
        "executor": _text(_get(table, "executor")),
        "builds_dir": _text(_get(table, "builds_dir")),
        "docker": _docker(docker) if isinstance(docker, dict) else None,
        "environment": _environment(_get(table, "environment")),
        "feature_flags": _flags(_get(table, "feature_flags")),
    }
    return {**facts, "mode": runner_mode.mode_of(facts)}


def _docker(table: Mapping[str, Any]) -> dict[str, Any]:
    services = _get(table, "services")
    facts: dict[str, Any] = {key: _text(_get(table, key)) for key in _TEXTS}
    facts.update({key: _image(_get(table, key)) for key in ("image", "helper_image")})
    facts.update({key: _texts(_get(table, key)) for key in _LISTS})
    facts.update({key: _texts(_get(table, key), _image) for key in _IMAGES})
    for key in ("security_opt", "services_security_opt"):
        facts[key] = [_WRITTEN_OUT.sub("{...}", option) for option in facts[key]]
    facts["privileged"] = _yes(_get(table, "privileged")) or False
    facts["disable_cache"] = _yes(_get(table, "disable_cache")) or False
    # Unset means: as `privileged`.
    facts["services_privileged"] = _yes(_get(table, "services_privileged"))
    facts["services"] = [
        {
            "name": _image(_get(one, "name")),
            "alias": _text(_get(one, "alias")),
            "own_command": bool(_get(one, "entrypoint")) or _listens_elsewhere(_get(one, "command")),
        }
        for one in (services if _are_tables(services) else [])
    ]
    return facts


def _listens_elsewhere(command: Any) -> bool:
    """Whether a command may change where a daemon listens; what it says may be a secret."""
    words = [str(word) for word in (command if isinstance(command, list) else [command]) if word]
    return any(not word.startswith("-") for word in words[:1]) or any(map(_ADDRESS.match, words))


def _flags(value: Any) -> dict[str, bool]:
    """Switches of the runner, which are no secrets, and nothing else that may stand there."""
    given = value if isinstance(value, dict) else {}
    return {name: on for name, on in given.items() if _FLAG.fullmatch(name) and isinstance(on, bool)}


def _environment(value: Any) -> dict[str, str]:
    """Of several assignments to one variable the last one counts."""
    found = {}
    for each in value if isinstance(value, list) else []:
        name, equals, given = each.partition("=") if isinstance(each, str) else ("", "", "")
        if equals and name in DOCKER_VARIABLES:
            found[name] = _text(given) or ""
    return found
