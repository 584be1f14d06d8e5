# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""The controller's half of runnerkit.gitlab.runner_registration: it asks GitLab and decides, hosts only read and write.

One read of config.toml, all runners, one write. Failures are returned and not raised: Ansible would show an exception
with what led to it and with the lines of YAML, and either may hold a token.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import (
    gitlab_options,
    registration,
    registration_declared,
    registration_entries,
    runner_keep,
    runner_options,
    runner_schema,
    runner_toml,
)
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.action_base import Action
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.gitlab_api import GitLab
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.gitlab_words import GitLabError
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.registration import (
    Context,
    Declared,
    Present,
    Registered,
)
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.runner_file import (
    Found,
    RunnerFile,
    RunnerFileError,
)
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.runner_keep import Kept

# The module's documentation describes them.
SPEC: dict[str, Any] = {
    **runner_options.FILE,
    **gitlab_options.SPEC,
    "verify": {"type": "bool", "default": True},
    "rotate": {"type": "bool", "default": False},
    "unregister": {"type": "bool", "default": True},
}


@dataclass
class _Task:
    """One call: what is wanted, and what has been done of it."""

    options: Mapping[str, Any]
    given: Sequence[Mapping[str, Any]]
    settings: Mapping[str, Any]
    done: list[tuple[Mapping[str, Any], Registered]] = field(default_factory=list)
    # Entries that nobody declared, by name: with `exclusive` they go.
    others: list[Registered] = field(default_factory=list)
    error: str | None = None

    @property
    def registered(self) -> list[Registered]:
        """What became of the runners that were got to."""
        return [each for _, each in self.done] + self.others


class ActionModule(Action):
    """Read, check, ask GitLab, apply, write."""

    libraries = ("tomlkit", "gitlab")
    sentences = (runner_options.OptionError, RunnerFileError, GitLabError)

    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        """All of it. Nothing is touched before everything that can be checked is."""
        host = str(task_vars.get("inventory_hostname", ""))
        task = self._checked(host)
        file = RunnerFile(self, task_vars, task.options["path"])
        found = file.read()
        parsed = runner_keep.parse(file.path, found.text)
        entries = registration_entries.by_name(parsed)
        runner_keep.plan(file.path, found, lambda text: self._applied(text, task, task.given, entries))
        clients: dict[str, GitLab] = {}
        context = Context(
            host=host,
            system_id=found.system_id,
            client=lambda url: clients.setdefault(url, gitlab_options.client(task.options, url)),
            ids=registration_entries.ids(parsed),
            check=bool(self._task.check_mode),
            verify=task.options["verify"],
            unregister=task.options["unregister"],
        )
        self._settle(task, parsed, context)
        kept = self._write(task, file, found, entries)
        # Ansible shows a warning without its host, and one that many hosts have alike only once.
        warnings = [
            *gitlab_options.plain_http(clients),
            *(f"{host}: {each}" for one in task.registered for each in one.warnings),
        ]
        result = kept.result(file.path) if kept else {"changed": False, "diff": []}
        return {
            **result,
            **_told(task, result),
            **({"warnings": warnings} if warnings else {}),
            **({"ansible_facts": file.facts} if file.facts else {}),
        }

    def _checked(self, host: str) -> _Task:
        """The task's arguments, without anything wrong that can be seen from here."""
        options = gitlab_options.read(self, runner_options.checked(self._task.args, SPEC))
        task = _Task(
            options=options,
            given=runner_options.runners(options["runners"]),
            settings=runner_options.settings(options["config"], "config"),
        )
        wrong = gitlab_options.problems(options)
        wrong += registration_declared.errors(task.given, options["url"], bool(options["api_token"]), host)
        if all(isinstance(each.get("config") or {}, Mapping) for each in task.given):
            wrong += runner_schema.problems(
                task.settings,
                [registration_entries.config(each) for each in task.given if not _is_absent(each)],
                options["version"],
                options["allow_unknown_keys"],
            )
        if wrong:
            raise runner_options.OptionError("; ".join(wrong))
        return task

    def _settle(self, task: _Task, parsed: Mapping[str, Any], context: Context) -> None:
        """Runner by runner until one fails; what was done before that has to be written all the same."""
        present = {name: Present.read(entry) for name, entry in registration_entries.by_name(parsed).items()}
        declared = {each["name"]: Declared.read(each, task.options["url"]) for each in task.given}
        name = ""
        try:
            for given in task.given:
                name = given["name"]
                task.done.append((given, registration.settle(declared[name], present.get(name), context)))
            if task.options["exclusive"]:
                others = registration_entries.undeclared(parsed, declared)
                task.others = [registration_entries.removed(each, there, context) for each, there in others]
            if task.options["rotate"]:
                for given, registered in task.done:
                    name = given["name"]
                    registration.rotate(declared[name], present.get(name), context, registered)
        except GitLabError as error:
            whose = f"runner '{name}'"
            task.error = str(error) if whose in str(error) else f"{whose}: {error}"

    def _write(
        self, task: _Task, file: RunnerFile, found: Found, entries: Mapping[str, Mapping[str, Any]]
    ) -> Kept | None:
        """The one write. Where it fails, nothing stays in GitLab that was made for it."""
        got_to = [given for given, _ in task.done]
        try:
            return runner_keep.keep(
                file,
                found,
                lambda text: self._applied(text, task, got_to, entries),
                backup=task.options["backup"],
                check_mode=bool(self._task.check_mode),
            )
        except RunnerFileError as error:
            problem = str(error)
        sentences = [task.error, problem, *self._taken_back(task, file)]
        task.error = "; ".join(sentence for sentence in sentences if sentence)
        return None

    def _taken_back(self, task: _Task, file: RunnerFile) -> Iterator[str]:
        """Take back what is not in the file. Where that cannot be seen, the next run finds out."""
        made = [each for each in task.registered if each.take_back]
        if not made:
            return
        try:
            text = file.read().text
        except RunnerFileError:
            yield "the next run removes what was made in GitLab for it"
            return
        yield from registration.take_back(each for each in made if str((each.owned or {}).get("token")) not in text)

    def _applied(
        self,
        text: str,
        task: _Task,
        runners: Sequence[Mapping[str, Any]],
        entries: Mapping[str, Mapping[str, Any]],
    ) -> str:
        """TEXT with these runners. Others go only when all could be settled."""
        owned = {each.name: each.owned or {} for each in task.registered}
        return runner_toml.apply(
            text,
            task.settings,
            [
                {
                    **registration_entries.config(each, entries.get(each["name"]), task.options["url"]),
                    **owned.get(each["name"], {}),
                }
                for each in runners
                if not _is_absent(each)
            ],
            absent=[each["name"] for each in runners if _is_absent(each)],
            exclusive=task.options["exclusive"] and task.error is None,
        )


def _is_absent(given: Mapping[str, Any]) -> bool:
    return given.get("state") == "absent"


def _told(task: _Task, result: Mapping[str, Any]) -> dict[str, Any]:
    """What became of the runners, added to what became of the file; never a token."""
    changed = [each for each in task.registered if each.server_changes]
    lines = [f"GitLab, runner '{each.name}': {change}\n" for each in changed for change in each.server_changes]
    return {
        "changed": result["changed"] or bool(changed),
        "runners": [each.public() for each in task.registered],
        "diff": [*result["diff"], *([{"prepared": "".join(lines)}] if lines else [])],
        **({"failed": True, "msg": task.error} if task.error else {}),
    }
