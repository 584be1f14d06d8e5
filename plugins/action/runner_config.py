# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""The controller's half of runnerkit.gitlab.runner_config: it decides, the host only reads and writes."""

from __future__ import annotations

from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import (
    runner_keep,
    runner_options,
    runner_schema,
    runner_toml,
)
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.action_base import Action
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.runner_file import RunnerFile, RunnerFileError

# The module's documentation describes it.
SPEC = runner_options.FILE


class ActionModule(Action):
    """Read, check, apply, write."""

    libraries = ("tomlkit",)
    sentences = (runner_options.OptionError, RunnerFileError)

    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        """All of it."""
        options = runner_options.checked(self._task.args, SPEC)
        settings = runner_options.settings(options["config"], "config")
        declared = runner_options.runners(options["runners"])
        absent = [each["name"] for each in declared if each.pop("state", "present") == "absent"]
        present = [each for each in declared if each["name"] not in absent]
        wrong = runner_schema.problems(settings, present, options["version"], options["allow_unknown_keys"])
        if wrong:
            raise runner_options.OptionError("; ".join(wrong))
        file = RunnerFile(self, task_vars, options["path"])
        found = file.read()
        warnings = self._unregistered(file.path, runner_keep.parse(file.path, found.text), present)
        kept = runner_keep.keep(
            file,
            found,
            lambda text: runner_toml.apply(text, settings, present, absent=absent, exclusive=options["exclusive"]),
            backup=options["backup"],
            check_mode=self._task.check_mode,
        )
        return {
            **kept.result(file.path),
            **({"warnings": warnings} if warnings else {}),
            **({"ansible_facts": file.facts} if file.facts else {}),
        }

    def _unregistered(self, path: str, parsed: dict[str, Any], present: list[dict[str, Any]]) -> list[str]:
        """In check mode the registration before this one wrote nothing either."""
        missing = runner_keep.unregistered(parsed, present)
        if not missing:
            return []
        sentence = (
            f"runners {', '.join(missing)} are not in {path} with a token; register them with "
            "runnerkit.gitlab.runner_registration"
        )
        if self._task.check_mode:
            return [sentence]
        raise runner_options.OptionError(sentence + ", nothing was written")
