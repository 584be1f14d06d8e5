# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""What is said of declarations that the runner would not take as they are meant."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import pytest
from hypothesis import given

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import runner_fields
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.runner_rules import RULES
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.runner_schema import problems, restart_needed
from tests.support.runner_configs import runners, settings

FIELDS = pathlib.Path(runner_fields.__file__)
ALLOW = "correct it, or allow it with gitlab_runner_allow_unknown_keys: true"


def told(version: str | None = None, **runner: Any) -> list[str]:
    """What is said of one runner, called a."""
    return problems({}, [{"name": "a", **runner}], version)


@pytest.mark.parametrize(
    ("runner", "sentence"),
    [
        pytest.param(
            {"docker": {"volumes": "/cache"}},
            "runners[0].docker.volumes (runner 'a') has to be a list of texts, not '/cache'; write it as a list of one",
            id="text in the place of a list",
        ),
        pytest.param(
            {"docker": {"volumes": ["/cache", 1]}},
            "runners[0].docker.volumes[1] (runner 'a') has to be text, not 1; put it in quotes",
            id="a number in a list of texts",
        ),
        pytest.param(
            {"environment": ["A=b", None]},
            "runners[0].environment[1] (runner 'a') is null, which a list cannot hold; leave it out",
            id="null in a list",
        ),
        pytest.param(
            {"limit": "3"},
            "runners[0].limit (runner 'a') has to be a whole number, not '3'; write it without quotes",
            id="a number in quotes",
        ),
        pytest.param(
            {"limit": True}, "runners[0].limit (runner 'a') has to be a whole number, not True", id="true is no number"
        ),
        pytest.param(
            {"limit": 2**63},
            "runners[0].limit (runner 'a') has to be a whole number, not 9223372036854775808",
            id="a number that is too large",
        ),
        pytest.param(
            {"docker": {"privileged": "yes"}},
            "runners[0].docker.privileged (runner 'a') has to be true or false, not 'yes'; write it without quotes",
            id="a switch in quotes",
        ),
        pytest.param(
            {"docker": {"cpus": 1.5}},
            "runners[0].docker.cpus (runner 'a') has to be text, not 1.5; put it in quotes",
            id="cpus is text",
        ),
        pytest.param(
            {"docker": ["image"]},
            "runners[0].docker (runner 'a') has to be a mapping, not a list",
            id="a list in the place of a table",
        ),
        pytest.param(
            {"docker": {"services": {"name": "x"}}},
            "runners[0].docker.services (runner 'a') has to be a list of mappings, not a mapping;"
            " write it as a list of one",
            id="a mapping in the place of an array of tables",
        ),
        pytest.param(
            {"docker": {"services": ["docker:dind"]}},
            "runners[0].docker.services[0] (runner 'a') has to be a mapping, not 'docker:dind'",
            id="a service's name in the place of a service",
        ),
        pytest.param(
            {"unhealthy_interval": "1 hour"},
            "runners[0].unhealthy_interval (runner 'a') has to be a duration such as 1h30m, not '1 hour'",
            id="no duration",
        ),
        pytest.param(
            {"feature_flags": {"FF_TIMESTAMPS": "on"}},
            "runners[0].feature_flags.FF_TIMESTAMPS (runner 'a') has to be true or false, not 'on'",
            id="a value of a map",
        ),
        pytest.param(
            {"docker": {"services_devices": {"x": "/dev/kvm"}}},
            "runners[0].docker.services_devices.x (runner 'a') has to be a list of texts, not '/dev/kvm';"
            " write it as a list of one",
            id="a list in a map",
        ),
        pytest.param(
            {"docker": {"volume": []}},
            "runners[0].docker.volume (runner 'a') is no key of the runner's; did you mean 'volumes'?",
            id="a misspelt key",
        ),
        pytest.param(
            {"tls_ca_file": "x"},
            "runners[0].tls_ca_file (runner 'a') is no key of the runner's; did you mean 'tls-ca-file'?",
            id="the keys with hyphens",
        ),
        pytest.param(
            {"docker": {"services": [{"name": "x", "tls": 1}]}},
            f"runners[0].docker.services[0].tls (runner 'a') is no key of the runner's; {ALLOW}",
            id="an unknown key in an array of tables",
        ),
        pytest.param(
            {"feature_flags": {"FF_USE_FASTZP": True}},
            "runners[0].feature_flags.FF_USE_FASTZP (runner 'a') is no feature flag of the runner's;"
            " did you mean 'FF_USE_FASTZIP'?",
            id="a misspelt feature flag",
        ),
        pytest.param(
            {"executor": "dockr"},
            "runners[0].executor (runner 'a') has to be one of shell, custom, instance, docker, docker-windows,"
            " docker-autoscaler, docker+machine, kubernetes, ssh, parallels, virtualbox, not 'dockr';"
            " did you mean 'docker'?",
            id="a misspelt executor",
        ),
        pytest.param(
            {"executor": "docker-ssh"},
            "runners[0].executor (runner 'a') is 'docker-ssh', which the runner no longer has; use 'docker' or 'ssh'"
            " instead",
            id="an executor of old",
        ),
        pytest.param(
            {"docker": {"pull_policy": ["always", "sometimes"]}},
            "runners[0].docker.pull_policy[1] (runner 'a') has to be one of always, if-not-present, never, not"
            " 'sometimes'",
            id="an enum in a list",
        ),
        pytest.param(
            {"pre_clone_script": "x"},
            "runners[0].pre_clone_script (runner 'a') is no key of the runner's since 17.0; use"
            " pre_get_sources_script instead",
            id="a key that was removed",
        ),
        pytest.param(
            {"token": "glrt-secret"},
            "runners[0].token (runner 'a') is kept by the runner and cannot be declared here; leave it out",
            id="the token is the runner's",
        ),
        pytest.param(
            {"id": 3},
            "runners[0].id (runner 'a') is kept by the runner and cannot be declared here; leave it out",
            id="the id is the runner's",
        ),
        pytest.param(
            {"Limit": 1, "limit": 2},
            "runners[0].limit (runner 'a') is the same key as 'Limit'; declare it once",
            id="a key twice in different case",
        ),
        pytest.param(
            {"executor": "shell", "docker": {"image": "alpine"}},
            "runners[0].docker (runner 'a') is read by the executors docker, docker-windows, docker-autoscaler,"
            " docker+machine only, and runners[0].executor is 'shell'; leave it out, or set it to null to remove it",
            id="a table that the executor does not read",
        ),
        pytest.param(
            {"url": "gitlab.example.com"},
            "runners[0].url (runner 'a') has to begin with https:// or http://, not 'gitlab.example.com'",
            id="a URL without its scheme",
        ),
        pytest.param(
            {"environment": ["A"]},
            "runners[0].environment[0] (runner 'a') has no `=`, so that the runner drops it; write it as NAME=value",
            id="a variable without a value",
        ),
        pytest.param(
            {"docker": {"memory": "2 gigs"}},
            "runners[0].docker.memory (runner 'a') has to be a size such as 512m or 2g, not '2 gigs'",
            id="no size",
        ),
        pytest.param(
            {"docker": {"service_cpus": "two"}},
            "runners[0].docker.service_cpus (runner 'a') has to be a number in quotes such as '1.5', not 'two'",
            id="no number of CPUs",
        ),
        pytest.param(
            {"docker": {"log_options": {"max-size": "1m"}}},
            "runners[0].docker.log_options.max-size (runner 'a') is an option that the runner refuses; it takes env and"
            " labels only",
            id="a log option",
        ),
        pytest.param(
            {"labels": {"x": "1"}},
            "runners[0].labels (runner 'a') has the label 'x'; a name has to be 3 to 65 letters, digits, dots, hyphens"
            " or underscores, the first no dot and no hyphen",
            id="a label's name",
        ),
        pytest.param(
            {"labels": {"zone": "a b"}},
            "runners[0].labels.zone (runner 'a') has to be 1 to 256 letters, digits, dots, hyphens or underscores, not"
            " 'a b'",
            id="a label's value",
        ),
        pytest.param(
            {"labels": {f"label{number}": "x" for number in range(33)}},
            "runners[0].labels (runner 'a') has 33 labels; the runner takes 32 at most",
            id="too many labels",
        ),
        pytest.param(
            {"machine": {"MachineName": "auto"}},
            "runners[0].machine.MachineName (runner 'a') has to contain %s, where the runner puts a name of its own,"
            " not 'auto'",
            id="a machine's name",
        ),
        pytest.param(
            {"machine": {"MachineOptionsWithName": ["x=%s", "y"]}},
            "runners[0].machine.MachineOptionsWithName[1] (runner 'a') has to contain %s, where the runner puts the"
            " machine's name",
            id="a machine's options",
        ),
    ],
)  # fmt: skip
def test_a_wrong_key_gets_its_sentence(runner: dict[str, Any], sentence: str) -> None:
    assert told(**runner) == [sentence]


@pytest.mark.parametrize(
    ("declared", "sentence"),
    [
        pytest.param(
            {"concurrent": 0}, "concurrent is 0, with which the runner ends; it has to be 1 or more", id="concurrent"
        ),
        pytest.param(
            {"log_level": "inf"},
            "log_level has to be one of panic, fatal, error, warn, warning, info, debug, trace, not 'inf';"
            " did you mean 'info'?",
            id="a level",
        ),
        pytest.param(
            {"session_server": {"listen_adress": ":1"}},
            "session_server.listen_adress is no key of the runner's; did you mean 'listen_address'?",
            id="a misspelt key in a table",
        ),
        pytest.param(
            {"runners": []},
            "runners cannot be declared among the global settings; declare them in gitlab_runner_runners",
            id="runners among the settings",
        ),
    ],
)
def test_a_wrong_global_key_gets_its_sentence(declared: dict[str, Any], sentence: str) -> None:
    assert problems(declared, [], None) == [sentence]


@pytest.mark.parametrize(
    ("entries", "sentence"),
    [
        pytest.param(
            [{}], "runners[0].name has to be text that is not empty; runners are found by their names", id="no name"
        ),
        pytest.param(
            [{"name": 7}],
            "runners[0].name has to be text that is not empty; runners are found by their names",
            id="a number as a name",
        ),
        pytest.param(
            [{"name": "a"}, {"name": "b"}, {"name": "a"}],
            "runners[2].name is 'a', which runners[0] has, too; give each runner a name of its own",
            id="the same name",
        ),
    ],
)
def test_runners_need_names_of_their_own(entries: list[dict[str, Any]], sentence: str) -> None:
    assert problems({}, entries, None) == [sentence]


@pytest.mark.parametrize(
    ("version", "key", "allowed"),
    [
        ("17.11.0", "pid_mode", False),
        ("19.1.0", "pid_mode", True),
        ("19.1.0~pre.7", "pid_mode", True),
        ("v20.0.1", "pid_mode", True),
        ("19.1.2-1", "pid_mode", True),
        (None, "pid_mode", True),
        ("nightly", "pid_mode", True),
        ("10.0.0", "image", True),
    ],
)
def test_keys_that_are_newer_than_the_runner_are_refused(version: str | None, key: str, allowed: bool) -> None:
    found = told(version, docker={key: "x"})
    sentence = (
        f"runners[0].docker.{key} (runner 'a') is known to gitlab-runner 19.1 and newer, and the host's is 17.11.0;"
        " raise gitlab_runner_version or leave the key out"
    )
    assert found == ([] if allowed else [sentence])


@pytest.mark.parametrize(
    ("version", "key", "count"),
    [
        ("16.11.0", "pre_clone_script", 0), ("17.0.0", "pre_clone_script", 1), (None, "pre_clone_script", 1),
        ("14.8.0", "post_clone_script", 1), ("14.9.0", "post_clone_script", 0),
    ],
)  # fmt: skip
def test_removed_keys_are_those_of_older_runners(version: str | None, key: str, count: int) -> None:
    assert len(told(version, **{key: "echo"})) == count


def test_unknown_keys_can_be_allowed_and_known_ones_are_checked_all_the_same() -> None:
    entries = [{"name": "a", "brand_new": 1, "docker": {"newer": [{}], "volumes": 1}}]
    assert problems({"newest": {}}, entries, None, allow_unknown=True) == [
        "runners[0].docker.volumes (runner 'a') has to be a list of texts, not 1; write it as a list of one"
    ]


def test_null_removes_any_key_so_that_nothing_is_said_of_it() -> None:
    assert told(executor="shell", docker=None, of_my_own=None, environment=None, limit=None) == []


def test_keys_are_known_whatever_the_case_of_their_letters() -> None:
    assert told(cache={"type": "s3", "S3": {"accesskey": "x"}}) == []


def test_no_secret_is_told() -> None:
    found = told(
        cache={"s3": {"SecretKey": 12345, "AccessKey": ["hush"]}},
        url="user:hush@host",
        environment=["hush"],
        docker={"memory": "token=hush"},
        ssh={"password": 12345},
    )
    assert len(found) == 6
    assert not [sentence for sentence in found if "hush" in sentence or "12345" in sentence]


@given(settings, runners())
def test_whatever_is_of_the_schemas_types_is_never_called_unknown_or_of_a_wrong_type(
    declared: dict[str, Any], entries: list[dict[str, Any]]
) -> None:
    owned = ("id", "token", "token_obtained_at", "token_expires_at")
    entries = [{name: value for name, value in entry.items() if name not in owned} for entry in entries]
    entries = [{**entry, "executor": None} for entry in entries]
    for sentence in problems(declared, entries, None):
        assert "no key of" not in sentence or "since" in sentence
        assert "has to be a list" not in sentence
        assert "write it" not in sentence or "has no `=`" in sentence


BEFORE: dict[str, Any] = {
    "concurrent": 1,
    "listen_address": ":9252",
    "session_server": {"session_timeout": 1800},
    "runners": [
        {"name": "a", "autoscaler": {"max_instances": 1, "update_interval": "1m", "policy": [{"idle_count": 1}]}},
        {"name": "b", "docker": {"image": "x"}},
    ],
}


@pytest.mark.parametrize(
    ("change", "needed"),
    [
        pytest.param({}, [], id="nothing"),
        pytest.param({"concurrent": 9, "check_interval": 3, "log_level": "debug"}, [], id="what the runner reloads"),
        pytest.param({"listen_address": ":1"}, ["listen_address"], id="the address of the metrics"),
        pytest.param({"listen_address": ""}, ["listen_address"], id="no address of the metrics"),
        pytest.param(
            {"session_server": {"listen_address": ":1"}},
            ["session_server.listen_address", "session_server.session_timeout"],
            id="the session server",
        ),
        pytest.param({"runners": []}, [
            "runners['a'].autoscaler.max_instances", "runners['a'].autoscaler.update_interval",
        ], id="a runner with an autoscaler goes"),
        pytest.param({"runners": [*reversed(BEFORE["runners"]), {"name": "c", "limit": 1}]}, [], id="order, one more"),
        pytest.param({"runners": [
            {"name": "a", "autoscaler": {"max_instances": 1, "update_interval": "60s", "policy": [{"idle_count": 7}]}},
        ]}, [], id="policy, and a duration that means the same"),
        pytest.param({"runners": [
            *BEFORE["runners"], {"name": "c", "experimental": {"boot_verify": {"enabled": True}}},
        ]}, ["runners['c'].experimental.boot_verify.enabled"], id="a trial job at the start"),
    ],
)  # fmt: skip
def test_a_restart_is_needed_for_what_is_read_at_the_start(change: dict[str, Any], needed: list[str]) -> None:
    assert restart_needed(BEFORE, {**BEFORE, **change}) == needed


def test_every_table_that_is_named_is_there_and_every_rule_has_its_key() -> None:
    tables = json.loads((FIELDS.parent / "data" / "runner_schema.json").read_text(encoding="utf-8"))["tables"]
    named = {entry["table"] for table in tables.values() for entry in table.values() if "table" in entry}
    assert named == tables.keys() - {"global"}
    assert all(key in tables[table] for table, key in RULES)
    for table in tables:
        assert runner_fields.fields(table).by_name.keys() == tables[table].keys()
