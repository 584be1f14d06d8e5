# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""What surrounds the runners of a host and goes into the keys of their modes: trust, mirrors, logins, the dind image.

A runner of mode `custom` gets nothing of it, one of `shell` neither: its jobs are the host's own processes.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.module_utils.registry_paths import DIND_VOLUME, HELPER_VOLUME
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import registry_login, registry_mirrors
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.untrusted import entries, mapping, text, texts

# By it the runner logs in where it pulls images of jobs, and so does the docker command of jobs.
LOGIN = "DOCKER_AUTH_CONFIG"
KEYS = ("layers", "mirrors", "dind_image", "logins", "logins_before")


@dataclasses.dataclass(frozen=True)
class Surroundings:
    """LAYERS have private registries that somebody declared trust for. LOGINS_BEFORE are the runners whose login an
    earlier run wrote.
    """

    layers: tuple[str, ...] = ()
    mirrors: tuple[str, ...] = ()
    dind_image: str | None = None
    login: str | None = dataclasses.field(default=None, repr=False)
    logins_before: tuple[str, ...] = ()

    def volumes(self, dind: bool) -> list[str]:
        """What carries certificates to containers of jobs. A volume is that of all of them: job, services, helper."""
        wanted = [DIND_VOLUME] if dind and "dind" in self.layers else []
        return [*wanted, HELPER_VOLUME] if "helper" in self.layers else wanted

    @property
    def service(self) -> dict[str, Any]:
        """Keys of the dind service beside its name; the image's entry point hands words with a dash to dockerd."""
        return {"command": registry_mirrors.arguments(self.mirrors)} if self.mirrors else {}

    @property
    def variables(self) -> dict[str, str]:
        """For the runner's environment."""
        return {LOGIN: self.login} if self.login else {}

    def leftovers(self, name: Any) -> dict[str, Any]:
        """What a runner has from earlier on, to be removed unless it gets it again."""
        return {"environment": {LOGIN: None}} if name in self.logins_before else {}


NONE = Surroundings()


def read(given: Any) -> Surroundings:
    """Of what a playbook gives; ValueError says what is wrong with it, without a password."""
    if given is None or given == {}:
        return NONE
    unknown = [str(key) for key in given if key not in KEYS] if isinstance(given, Mapping) else [type(given).__name__]
    if unknown:
        raise ValueError(f"surroundings is a dictionary of {', '.join(KEYS)}, and has {', '.join(unknown)}")
    logins = given.get("logins") or []
    wrong = registry_login.errors(logins, "surroundings.logins")
    if wrong:
        raise ValueError("; ".join(wrong))
    return Surroundings(
        layers=tuple(texts(given.get("layers"))),
        mirrors=tuple(registry_mirrors.plain(given.get("mirrors"))),
        dind_image=text(given.get("dind_image")),
        login=registry_login.variable(logins),
        logins_before=tuple(texts(given.get("logins_before"))),
    )


def registries_of(login: str | None) -> list[str]:
    """The registries that a login is for, never more of it."""
    try:
        found = mapping(json.loads(login or "{}"))
    except ValueError:
        return []
    return list(dict.fromkeys(str(name) for key in ("auths", "credHelpers") for name in mapping(found.get(key))))


def with_login(runners: Any, login: str | None) -> list[str]:
    """Names of the expanded runners that have exactly this login in their environment."""
    found = []
    for one in map(mapping, entries(runners)):
        environment = mapping(one.get("config")).get("environment")
        given = (
            environment.get(LOGIN)
            if isinstance(environment, Mapping)
            else next((each.partition("=")[2] for each in texts(environment) if each.startswith(f"{LOGIN}=")), None)
        )
        if login and given == login and one.get("state") != "absent":
            found.append(str(one.get("name")))
    return found
