# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""The controller's half of runnerkit.gitlab.dind_image: it checks, and reads certificates; the host builds and pushes.

The registry's password goes to the host, so the call is a quiet one.
"""

from __future__ import annotations

import datetime
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import DEFAULT_SOCKET
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import (
    controller_files,
    dind_image_options,
    registry_declared,
    registry_pem,
    runner_options,
)
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.action_base import Action
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.quiet_module import QuietModule

MODULE, KEY = "runnerkit.gitlab.dind_image_build", "dind_image"
# The module's documentation describes it. What may hold a secret is not left to Ansible, which quotes it.
SPEC: dict[str, dict[str, Any]] = {
    "name": {"type": "str", "required": True},
    "base": {"type": "str", "required": True},
    "registries": {"type": "raw"},
    "os_store": {"type": "bool", "default": True},
    "mirrors": {"type": "list", "elements": "str", "default": []},
    "minimum_version": {"type": "str", "default": "20.10.6"},
    "push": {"type": "bool", "default": True},
    "auth": {"type": "raw"},
    "pull": {"type": "str", "choices": ["missing", "always", "never"], "default": "missing"},
    "socket": {"type": "path", "default": DEFAULT_SOCKET},
    "timeout": {"type": "float", "default": 900.0},
}


class ActionModule(Action):
    """Check, read, build."""

    libraries = ("cryptography",)

    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        """All of it."""
        options = runner_options.checked(self._task.args, SPEC)
        options["auth"] = runner_options.plain(options["auth"]) or None
        given = runner_options.plain(options["registries"])
        kept, places = dind_image_options.declared(given, options["os_store"])
        now = datetime.datetime.now(datetime.UTC)
        checked = registry_declared.check(kept, {}, lambda path: controller_files.read(self, path), now)
        wrong = dind_image_options.problems(options)
        wrong += [dind_image_options.placed(sentence, places) for sentence in checked.problems]
        if wrong:
            raise runner_options.OptionError("; ".join(wrong))
        options["registries"] = [
            {"host": one.host, "ca": registry_pem.joined([one.authorities])} for one in checked.registries
        ]
        host = QuietModule(self, task_vars, MODULE, KEY)
        told = self.told(host, options, f"build {options['name']}")
        warnings = [
            *(dind_image_options.placed(sentence, places) for sentence in checked.notes),
            *dind_image_options.keys_left_out(given),
            *dind_image_options.notes(options),
        ]
        return {
            **told,
            **({"warnings": warnings} if warnings else {}),
            **({"ansible_facts": host.facts} if host.facts else {}),
        }
