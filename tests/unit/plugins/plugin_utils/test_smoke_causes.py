# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.runnerkit.gitlab.plugins.filter.smoke import smoke_report
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.finding import Finding
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.smoke_causes import cause
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.smoke_text import smoke_text


def failed(step: str, detail: str, mode: str = "socket") -> dict[str, Any]:
    """A smoke job in which this step failed."""
    steps = [
        {"step": "image", "ok": step != "image", "seconds": 0.12, "detail": detail if step == "image" else "there"},
        *([{"step": step, "ok": False, "seconds": 1.0, "detail": detail}] if step != "image" else []),
    ]
    return {"name": "one", "mode": mode, "ok": False, "steps": steps, "error": f"{step}: {detail}"}


def finding(ident: str, name: str | None = "one", severity: str = "broken", layer: str = "runner") -> Finding:
    return Finding(ident, layer, severity, f"summary of {ident}", {"kind": "measured", "name": name}, f"fix of {ident}")


# What real commands and daemons said when the thing was wrong.
SAID = [
    pytest.param(
        "bind_mount",
        "socket",
        "docker run -v $PWD/data:/app/data: the container sees an empty directory in place of /x",
        "builds_not_mounted",
        id="a checkout that is not on the host",
    ),
    pytest.param(
        "services",
        "dind",
        "the service docker:dind answers on port 2376 (TLS), and DOCKER_HOST of the runner's environment names port "
        "2375, where nothing listens",
        "dind_tls_mismatch",
        id="the plain port of a daemon with TLS",
    ),
    pytest.param(
        "services",
        "dind",
        "the service docker:dind ended with 1; what it said last: invalid TLS configuration: Could not "
        'load X509 key pair (cert: "", key: ""): open : no such file or directory',
        "dind_tls_mismatch",
        id="the TLS port of a daemon without",
    ),
    pytest.param(
        "docker_version",
        "dind",
        "Failed to initialize: unable to resolve docker endpoint: open /certs/client/ca.pem: no such file or directory",
        "dind_tls_mismatch",
        id="certificates that are not shared",
    ),
    pytest.param(
        "docker_version",
        "dind",
        "Error response from daemon: Client sent an HTTP request to an HTTPS server.",
        "dind_tls_mismatch",
        id="a command without TLS",
    ),
    pytest.param(
        "services",
        "dind",
        "the service docker:dind ended with 1; what it said last: mkdir: can't create directory "
        "'/sys/fs/cgroup/init': Read-only file system",
        "dind_not_privileged",
        id="no privileges",
    ),
    pytest.param(
        "services",
        "dind",
        "the service docker:dind ended with 1; what it said last: mount: permission denied (are you "
        "root?) | Could not mount /sys/kernel/security.",
        "dind_not_privileged",
        id="no privileges, the official image",
    ),
    pytest.param(
        "docker_version",
        "dind",
        'error during connect: Get "https://dockerdaemon:2376/v1.45/version": dial tcp: lookup '
        "dockerdaemon on 10.0.0.1:53: no such host",
        "dind_alias",
        id="a name that nobody has",
    ),
    pytest.param(
        "docker_build",
        "dind",
        "test -x /bin/sh says no in this container",
        "call_blocked_faccessat2",
        id="a blocked call",
    ),
    pytest.param(
        "docker_version",
        "dind",
        "Cannot connect to the Docker daemon at tcp://docker:2375. Is the docker daemon running?",
        "dind_tls_mismatch",
        id="no daemon",
    ),
    pytest.param(
        "docker_version",
        "dind",
        "Error response from daemon: client version 1.24 is too old. Minimum supported API version is 1.44",
        "dind_cli_differs",
        id="versions too far apart",
    ),
    pytest.param(
        "image",
        "socket",
        "/var/run/docker.sock does not exist; start the engine, or name its socket",
        "engine_down",
        id="no engine",
    ),
]


@pytest.mark.parametrize(("step", "mode", "detail", "ident"), SAID)
def test_the_cause_is_told_from_what_was_said(step: str, mode: str, detail: str, ident: str) -> None:
    found = cause(failed(step, detail, mode))
    assert found is not None
    assert (found.id, found.found) == (ident, False)
    # With the finding at hand, its own words are told.
    again = cause(failed(step, detail, mode), [finding(ident)])
    assert again is not None
    assert (again.id, again.found, again.summary, again.fix) == (
        ident, True, f"summary of {ident}", f"fix of {ident}",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("step", "mode", "detail", "words"),
    [
        pytest.param(
            "image", "socket", "the image x could not be pulled: dial tcp", "could not be had", id="a registry"
        ),
        pytest.param(
            "image", "socket", "the image x is not on this host and pull is false", "not on the host", id="no image"
        ),
        pytest.param("image", "socket", "x could not be pulled: no space left on device", "a disk", id="a full disk"),
        pytest.param("image", "shell", "this host has no user gitlab-runner, as whom", "the user", id="no user"),
        pytest.param(
            "docker_version",
            "shell",
            "permission denied while trying to connect to the Docker daemon socket",
            "may not open the engine's socket",
            id="a user without access",
        ),
        pytest.param(
            "docker_version", "socket", "there is no docker command on PATH (/bin)", "no docker command", id="no CLI"
        ),
        pytest.param(
            "job", "shell", "the login shell ended with 1; look at ~/.bash_logout", "bash_logout", id="a farewell"
        ),
        pytest.param(
            "services",
            "dind",
            "the service r/dind:1 ended with 1; what it said last: the following directives are specified both as a "
            "flag and in the configuration file: registry-mirrors: (from flag: [https://a/], from file: [https://a])",
            "by its command and by daemon.json",
            id="mirrors twice",
        ),
        pytest.param(
            "bind_mount", "socket", "not done when the time limit was over", "longer than it may", id="too slow"
        ),
    ],
)
def test_a_cause_that_is_no_finding_has_words_of_its_own(step: str, mode: str, detail: str, words: str) -> None:
    found = cause(failed(step, detail, mode), [finding("floor", severity="note")])
    assert found is not None
    assert found.id is None
    assert words in found.summary


EMPTY = "the container sees an empty directory in place of /x"


@pytest.mark.parametrize(
    ("findings", "ident", "found"),
    [
        pytest.param(
            [finding("builds_not_mounted", "two")], "builds_not_mounted", False, id="not that of another runner"
        ),
        pytest.param([finding("builds_not_mounted", severity="note")], "builds_not_mounted", False, id="not a note"),
        pytest.param(
            [finding("builds_not_mounted", None, "degraded", "host")], "builds_not_mounted", True, id="the host's"
        ),
    ],
)
def test_findings_of_this_runner_and_of_the_host_count(findings: list[Finding], ident: str, found: bool) -> None:
    told = cause(failed("bind_mount", EMPTY), findings)
    assert told is not None
    assert (told.id, told.found) == (ident, found)


def test_a_blocked_call_is_told_by_the_one_that_is_measured() -> None:
    told = cause(failed("docker_build", "Operation not permitted"), [finding("call_blocked_musl_time64", layer="dind")])
    assert told is not None
    assert told.id == "call_blocked_musl_time64"


def test_where_nothing_is_known_a_broken_host_is_told_and_else_nothing() -> None:
    told = cause(failed("docker_build", "gibberish"), [finding("floor", layer="host")])
    assert told is not None
    assert told.id == "floor"
    assert cause(failed("docker_build", "gibberish")) is None
    assert cause({"ok": True, "steps": []}) is None


REPORT = """\
runner                mode    image     services  job       docker_version  docker_build  bind_mount
--------------------  ------  --------  --------  --------  --------------  ------------  ----------
a-runner-with-a-v...  socket  ok 0.0 s  -         ok 0.0 s  -               -             -
one                   socket  ok 0.1 s  -         -         -               -             FAILS
far                   custom  -         -         -         -               -             -

one (socket): bind_mount fails
  it said: the container sees an empty directory in place of /x
  likely cause: builds_not_mounted (no finding of this host): the engine looks for the job's checkout on its
    own host, where the builds folder is another one
  fix: have "/builds:/builds" in docker.volumes (mode: socket does)

far (custom): not tried: jobs run elsewhere"""


def test_the_report_has_a_row_for_each_runner_and_words_for_each_failure() -> None:
    well = {
        "name": "a-runner-with-a-very-long-name",
        "mode": "socket",
        "ok": True,
        "error": None,
        "steps": [
            {"step": "image", "ok": True, "seconds": 0.04, "detail": ""},
            {"step": "job", "ok": True, "seconds": 0, "detail": ""},
        ],
    }
    elsewhere: dict[str, Any] = {
        "name": "far",
        "mode": "custom",
        "ok": None,
        "steps": [],
        "error": "jobs run elsewhere",
    }
    assert smoke_text([well, failed("bind_mount", EMPTY), elsewhere], []) == REPORT


def test_a_failure_without_a_known_cause_names_the_way_on() -> None:
    text = smoke_text([failed("docker_build", "gibberish")], [])
    assert text.endswith("no cause is known; run playbooks/audit.yml for the findings of this host")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        pytest.param(
            ({},), "wants the list that runnerkit.gitlab.runner_smoke returns as smoke, not dict", id="no list"
        ),
        pytest.param(
            ([1],), "wants the list that runnerkit.gitlab.runner_smoke returns as smoke, not list", id="no jobs"
        ),
        pytest.param(([], "x"), "facts is a dictionary of facts, not str", id="no facts"),
        pytest.param(([], {}, [1]), "probe is a dictionary of facts, not list", id="no measurement"),
    ],
)
def test_bad_input_gets_its_message(args: tuple[Any, ...], message: str) -> None:
    with pytest.raises(AnsibleFilterError) as caught:
        smoke_report(*args)
    assert message in str(caught.value)


ANYTHING = st.none() | st.text() | st.booleans()
STEPS = st.lists(st.dictionaries(st.sampled_from(["step", "ok", "seconds", "detail"]), ANYTHING))


@given(st.lists(st.dictionaries(st.sampled_from(["name", "mode", "ok", "steps", "error"]), ANYTHING | STEPS)))
def test_whatever_a_host_returns_the_report_is_text(smoke: list[dict[str, Any]]) -> None:
    assert smoke_report(smoke)
