# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""The controller's half of runnerkit.gitlab.registry_auth: it checks, the host writes, nobody logs."""

from __future__ import annotations

from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import registry_login, runner_options
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.action_base import Action
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.quiet_module import QuietModule

MODULE, KEY = "runnerkit.gitlab.registry_auth_file", "registry_auth"
# The module's documentation describes it. Values that may hold passwords are not left to Ansible, which quotes them.
SPEC: dict[str, dict[str, Any]] = {
    "logins": {"type": "raw", "default": []},
    "users": {"type": "list", "elements": "str", "default": ["root"]},
    "runners": {"type": "list", "elements": "str", "default": []},
}


class ActionModule(Action):
    """Check, write."""

    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        """All of it."""
        options = runner_options.checked(self._task.args, SPEC)
        logins = runner_options.plain(options["logins"] or [])
        wrong = registry_login.errors(logins, "logins")
        if wrong:
            raise runner_options.OptionError("; ".join(wrong))
        users = options["users"] if logins else []
        host = QuietModule(self, task_vars, MODULE, KEY)
        wanted = {
            "users": users,
            # Nobody's password travels for nothing.
            "auths": registry_login.auths(logins) if users else {},
            "helpers": registry_login.helpers(logins),
            "runners": options["runners"],
        }
        told = self.told(host, wanted, "write logins to registries")
        files = told["files"]
        return {
            "changed": told["changed"],
            "files": [each["path"] for each in files],
            "diff": [
                {
                    "before_header": each["path"], "after_header": each["path"],
                    "before": each["before"], "after": each["after"],
                }
                for each in files
            ],
            **({"warnings": told["warnings"]} if told["warnings"] else {}),
            **({"ansible_facts": host.facts} if host.facts else {}),
        }  # fmt: skip
