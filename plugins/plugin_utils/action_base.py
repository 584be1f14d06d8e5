# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""What the actions of this collection have in common: they check on the controller, and fail with a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ansible.plugins.action import ActionBase

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import runner_options
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.quiet_module import QuietModule


class Action(ActionBase):
    """An action that is checked before a host is touched. Its module's documentation describes it."""

    _supports_check_mode = True
    _requires_connection = True

    # What the controller needs for it.
    libraries: ClassVar[tuple[str, ...]] = ()
    # Errors whose texts are for people.
    sentences: ClassVar[tuple[type[Exception], ...]] = (runner_options.OptionError,)

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Entry point. Failures are returned: an exception would be shown with what led to it and with the lines of
        YAML, and either may hold a secret.
        """
        result: dict[str, Any] = super().run(tmp, task_vars)
        del tmp
        try:
            for library in self.libraries:
                runner_options.need(library)
            result.update(self.act(task_vars or {}))
        except self.sentences as error:
            result.update(failed=True, changed=False, msg=str(error))
        return result

    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        """All of it; the result of the action."""
        raise NotImplementedError

    @staticmethod
    def told(host: QuietModule, arguments: Mapping[str, Any], doing: str) -> Mapping[str, Any]:
        """What the host's half says; an OptionError where it failed, or did not answer while DOING something."""
        answer = host.ask(arguments)
        if answer.told is None:
            raise runner_options.OptionError(f"cannot {doing}: {answer.silence}")
        if answer.problem is not None:
            raise runner_options.OptionError(answer.problem)
        return answer.told
