# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""What is switched off meanwhile, and what happens without a terminal, is seen in test_runner_file.py."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.quiet_module import Answer, QuietModule

SECRET = "the secret"


def ask(answer: dict[str, Any]) -> tuple[Answer, list[dict[str, Any]], QuietModule]:
    """The module's answer, as it is understood, and how it was called."""
    calls: list[dict[str, Any]] = []

    def execute(**call: Any) -> dict[str, Any]:
        calls.append(call)
        return answer

    context = SimpleNamespace(no_log=False)
    shell = SimpleNamespace(tmpdir=None)
    connection = SimpleNamespace(_play_context=context, _shell=shell, get_option={}.__getitem__)
    action: Any = SimpleNamespace(_play_context=context, _connection=connection, _execute_module=execute)
    quiet = QuietModule(action, {"x": 1}, "runnerkit.gitlab.thing", "thing")
    return quiet.ask({"content": SECRET}), calls, quiet


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param({"thing": {"a": SECRET}}, Answer(told={"a": SECRET}), id="an answer"),
        pytest.param({"thing": {}}, Answer(told={}), id="an empty one"),
        pytest.param(
            {"thing": {}, "failed": True, "msg": "a sentence"}, Answer(told={}, problem="a sentence"), id="a refusal"
        ),
        pytest.param(
            {"failed": True, "msg": SECRET, "module_stdout": SECRET, "module_stderr": "a\nsudo: no\n\n"},
            Answer(silence="sudo: no"),
            id="Ansible's own excuse",
        ),
        pytest.param(
            {"other": {}, "rc": 137, "msg": SECRET},
            Answer(silence="the host's Python did not answer (return code 137); look at the host's journal"),
            id="another module's answer",
        ),
    ],
)
def test_how_an_answer_is_understood(answer: dict[str, Any], expected: Answer) -> None:
    got, calls, quiet = ask({**answer, "ansible_facts": {"discovered_interpreter_python": "/usr/bin/python3"}})
    assert got == expected
    assert SECRET not in repr(got)
    assert quiet.facts == {"discovered_interpreter_python": "/usr/bin/python3"}
    assert calls == [
        {"module_name": "runnerkit.gitlab.thing", "module_args": {"content": SECRET}, "task_vars": {"x": 1}}
    ]
