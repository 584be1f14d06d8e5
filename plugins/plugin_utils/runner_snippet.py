# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""What the users of a runner put into .gitlab-ci.yml, with what they need not put there."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.module_utils import registry_paths, runner_mode
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import (
    registry_mirrors,
    runner_modes,
    runner_surroundings,
    runner_variables,
)
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.report_shape import listed
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.untrusted import entries, mapping, printable, text, texts

# Without marks YAML reads these as what they look like.
_PLAIN = re.compile(
    r"(?!(?:true|false|yes|no|on|off|null|y|n)$)[A-Za-z][\w./:+-]*[\w/]|[A-Za-z]", re.ASCII | re.IGNORECASE
)
_ROOT = "such a job is root on the host"
# The same steps as the smoke job's.
_SCRIPT = """\
  script:
    - docker version
    - mkdir -p data
    - echo "hello" > data/greeting
    - |
      docker build --tag "example:$CI_JOB_ID" - <<'END'
      FROM busybox:1.37
      CMD ["cat", "/app/data/greeting"]
      END
    - docker run --rm -v "$PWD/data:/app/data" "example:$CI_JOB_ID"
  after_script:
    - docker image rm --force "example:$CI_JOB_ID"
"""


def snippet(declared: Mapping[str, Any], engine_version: str | None = None, dind_image: str | None = None) -> str:
    """A job for a declared runner, whether its mode has been applied to its config yet or not. DIND_IMAGE is the one
    that jobs name which bring their daemon themselves.
    """
    flat = runner_modes.expand(declared, engine_version)
    docker = mapping(flat.get("docker"))
    variables = runner_variables.table(flat.get("environment"))
    runner = {"executor": flat.get("executor"), "docker": docker, "environment": variables}
    mode = text(declared.get("mode")) or "custom"
    if mode == "custom":
        mode = runner_mode.mode_of(runner)
    tags = texts(declared.get("tags"))
    notes = [f"For .gitlab-ci.yml: a job for the runner {_one_line(declared.get('name'))}, mode {mode}."]
    if not tags and declared.get("run_untagged") is not True:
        notes.append("Add the tags that the runner has in GitLab, unless it takes jobs without tags.")
    body = [f"  tags: [{', '.join(map(_yaml, tags))}]"] if tags else []
    if mode == "shell":
        notes += _shell()
    elif mode == "custom":
        return _written([*notes, "How its jobs reach a Docker daemon is not known from its settings."], body, _NOTHING)
    else:
        body.append(f"  image: {_yaml(_image(docker, engine_version))}")
        daemon = dind_image or _service(docker, engine_version)
        notes += _socket(flat, docker) if mode == "socket" else _dind(mode, docker, variables, daemon, body)
        notes += _login(variables)
    return _written(notes, body, _SCRIPT)


_NOTHING = """\
  script:
    - echo "this job runs on $CI_RUNNER_DESCRIPTION"
"""


def _written(notes: list[str], body: list[str], script: str) -> str:
    lines = [*(f"# {note}" for note in notes), "docker-example:", *body]
    return "\n".join(lines) + "\n" + script


def _one_line(value: Any) -> str:
    return printable(str(value))


def _yaml(value: str) -> str:
    """A text as YAML: as it is where that is safe, else as JSON, which YAML includes."""
    # JSON escapes an emoji as two halves, which YAML does not put together.
    return value if _PLAIN.fullmatch(value) else json.dumps(value, ensure_ascii=False)


def _image(docker: Mapping[str, Any], engine_version: str | None) -> str:
    return text(docker.get("image")) or runner_modes.cli_image(engine_version)


def _shell() -> list[str]:
    return [
        "The job runs on the host itself as user gitlab-runner: it has no image, and no services.",
        f"That user has to be in the group docker (gitlab_runner_docker_group: true); {_ROOT}.",
    ]


def _socket(flat: Mapping[str, Any], docker: Mapping[str, Any]) -> list[str]:
    notes = [
        f"The job talks to the host's own engine, by its socket, which needs no variable and no service; {_ROOT}.",
        "Its containers and images are those of all jobs on that host: name them by $CI_JOB_ID, and clear up.",
    ]
    if runner_mode.shares_builds(texts(docker.get("volumes")), text(flat.get("builds_dir"))):
        return [*notes, "The checkout has the same path on the host, so that bind mounts of it work."]
    return [*notes, "The checkout is not on the host under this path: a bind mount of it is an EMPTY folder there."]


def _dind(mode: str, docker: Mapping[str, Any], given: Mapping[str, str], daemon: str, body: list[str]) -> list[str]:
    """Adds to BODY what the runner leaves to the job, and tells the rest."""
    notes = []
    services = runner_mode.dind_services(map(mapping, entries(docker.get("services"))))
    if services:
        named = listed([f"{text(one.get('name'))} as {text(one.get('alias')) or 'docker'}" for one in services])
        notes.append(f"The runner starts {_one_line(named)} for each job: do not list it under services again.")
    else:
        body += ["  services:", f"    - name: {_yaml(daemon)}", "      alias: docker"]
    wanted = runner_modes.VARIABLES[mode]
    set_already = [name for name in wanted if name in given]
    missing = {name: value for name, value in wanted.items() if name not in given}
    if set_already:
        notes.append(f"The runner sets {listed(set_already)}: a job need not set them, and what it sets wins.")
    if missing:
        body += ["  variables:", *(f"    {name}: {json.dumps(value)}" for name, value in missing.items())]
    if mode == "dind_insecure":
        notes.append("Job and daemon talk without TLS.")
    notes.append("The daemon is the job's own and goes with it: images are built and pulled anew by each job.")
    return [*notes, *_pulls(docker, services)]


def _pulls(docker: Mapping[str, Any], services: list[Mapping[str, Any]]) -> list[str]:
    """Where that daemon may pull from."""
    notes = []
    if any(runner_mode.inside(volume) == registry_paths.ENGINE for volume in texts(docker.get("volumes"))):
        notes.append(f"It trusts the private registries that its host has for it, by {registry_paths.ENGINE}.")
    mirrors = registry_mirrors.in_arguments([word for one in services for word in texts(one.get("command"))])
    if mirrors:
        notes.append(f"Images of Docker Hub come to it through {_one_line(listed(mirrors))}.")
    return notes


def _login(variables: Mapping[str, str]) -> list[str]:
    """For which registries, and no more of it."""
    registries = runner_surroundings.registries_of(variables.get(runner_surroundings.LOGIN))
    if not registries:
        return []
    named = _one_line(listed(registries))
    return [
        f"The runner is logged in to {named} ({runner_surroundings.LOGIN}): images of jobs may come from there.",
        "The docker command does the same from 28.3 on, before what `docker login` says; a job that logs in there by",
        f"itself begins with `unset {runner_surroundings.LOGIN}`.",
    ]


def _service(docker: Mapping[str, Any], engine_version: str | None) -> str:
    """The daemon of the same version as the command of the job's image."""
    found = re.fullmatch(r"docker:([\d.]+)(?:-cli)?", _image(docker, engine_version))
    return runner_modes.dind_image(found[1] if found else engine_version)
