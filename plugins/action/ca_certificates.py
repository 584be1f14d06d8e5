# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""The controller's half of runnerkit.gitlab.ca_certificates: it checks and plans, the host compares and writes."""

from __future__ import annotations

import base64
import datetime
import functools
import json
from collections.abc import Mapping
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import (
    controller_files,
    registry_declared,
    registry_plan,
    runner_options,
)
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.action_base import Action
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.quiet_module import QuietModule

# The module's documentation describes it. `raw` is checked by registry_declared, which quotes no key.
SPEC: dict[str, Any] = {
    "registries": {"type": "raw"},
    "gitlab": {"type": "raw"},
    "check_only": {"type": "bool", "default": False},
}
MODULE = "runnerkit.gitlab.ca_certificates_files"
_NOTHING: dict[str, Any] = {
    "changed": False,
    "files": {"written": [], "removed": [], "restored": [], "kept": []},
    "store_updated": False,
    "store_path": None,
    "distrusted": False,
}


class ActionModule(Action):
    """Read, check, plan, have it done."""

    libraries = ("cryptography",)

    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        """All of it. The host is not asked before everything that can be checked is."""
        options = runner_options.checked(self._task.args, SPEC)
        checked = registry_declared.check(
            runner_options.plain([] if options["registries"] is None else options["registries"]),
            runner_options.plain({} if options["gitlab"] is None else options["gitlab"]),
            functools.partial(controller_files.read, self),
            datetime.datetime.now(datetime.UTC),
        )
        if checked.problems:
            raise runner_options.OptionError("; ".join(checked.problems))
        if options["check_only"]:
            return _told(_NOTHING, checked.notes)
        plan = registry_plan.plan(checked)
        quiet = QuietModule(self, task_vars, MODULE, "ca_certificates")
        told = self.told(quiet, {"plan": _encoded(plan)}, "see to the certificates of registries")
        # Ansible shows a warning without its host, and one that many hosts have alike only once.
        host = str(task_vars.get("inventory_hostname", ""))
        warnings = [*checked.notes, *(f"{host}: {each}" for each in told["warnings"])]
        return {**_told(told, warnings), **({"ansible_facts": quiet.facts} if quiet.facts else {})}


def _encoded(plan: Mapping[str, Any]) -> str:
    """What the host has to know of the plan."""
    wanted = {
        "files": [{name: each[name] for name in ("path", "content", "mode")} for each in plan["files"]],
        "anchors": plan["anchors"],
    }
    return base64.b64encode(json.dumps(wanted).encode()).decode("ascii")


def _told(answer: Mapping[str, Any], warnings: list[str]) -> dict[str, Any]:
    """The result as it is shown."""
    return {
        **{name: answer[name] for name in _NOTHING},
        "diff": answer.get("diff", []),
        **({"warnings": warnings} if warnings else {}),
    }
