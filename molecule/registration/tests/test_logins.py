"""Logins to registries: in a runner's environment, in files of users, and gone without a trace later on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from testinfra.host import Host

from tests.support.hosts import note_time, touched
from tests.support.plays import Played
from tests.support.registering import another, register, with_runners
from tests.support.runners import config_text, runner

RECORD = "/var/lib/runnerkit/registry-auth.json"
FILES = ("/root/.docker/config.json", "/home/gitlab-runner/.docker/config.json")
LOGIN = {"registry": "registry.example:5000", "username": "runner", "password": "pa55-word-of-a-registry"}
SECRET = LOGIN["password"]
WANTED = {
    "gitlab_runner_registry_auth": [LOGIN, {"registry": "ecr.example", "helper": "ecr-login"}],
    "gitlab_runner_registry_auth_in": ["environment", "host"],
    "gitlab_runner_registry_auth_users": ["root", "gitlab-runner"],
}


def play_with(host: Host, *arguments: str, **more: Any) -> Played:
    """The scenario's play with a runner whose jobs are containers; `hand` has a login that somebody made by hand."""
    own = {"environment": {"DOCKER_AUTH_CONFIG": "{}"}}
    runners = with_runners(another("boxed", mode="dind"), another("hand", mode="dind", config=own))
    return register(host, {**runners, **more}, arguments)


def logins_of(host: Host, name: str) -> list[str]:
    return [each for each in runner(host, name).get("environment", []) if each.startswith("DOCKER_AUTH_CONFIG=")]


def there(host: Host) -> list[str]:
    return [path for path in (*FILES, RECORD) if host.run("test -e %s", path).rc == 0]


@pytest.fixture(name="_boxed", scope="module")
def _fixture_boxed(host: Host) -> Iterator[None]:
    """Its runners are there, without any login, and gone afterwards."""
    first = play_with(host)
    assert first.code == 0, first.output
    yield
    assert register(host, {"gitlab_runner_exclusive": True}).code == 0
    assert there(host) == []


@pytest.mark.usefixtures("_boxed")
def test_logins_come_stay_and_go(host: Host) -> None:
    before = config_text(host)
    note_time(host)
    checked = play_with(host, "--check", "--diff", **WANTED)
    assert checked.code == 0, checked.output
    assert "registry.example:5000: (a login)" in checked.output
    assert SECRET not in checked.output
    assert [path for path in touched(host) if "/.docker" in path or path.startswith(("/etc/gitlab", RECORD))] == []

    applied = play_with(host, **WANTED)
    assert applied.code == 0, applied.output
    assert "there is no program docker-credential-ecr-login on this host" in " ".join(applied.output.split())
    (login,) = logins_of(host, "boxed")
    assert set(json.loads(login.partition("=")[2])["auths"]) == {"registry.example:5000"}
    assert logins_of(host, "hand") == ["DOCKER_AUTH_CONFIG={}"]
    assert logins_of(host, "created") == []
    for path, user in zip(FILES, ("root", "gitlab-runner"), strict=True):
        assert host.check_output("stat -c '%%U %%a' %s", path) == f"{user} 600"
        assert json.loads(host.check_output("cat %s", path))["credHelpers"] == {"ecr.example": "ecr-login"}
    assert SECRET not in host.check_output("cat %s", RECORD)
    assert play_with(host, **WANTED).changed == []

    gone = play_with(host)
    assert gone.code == 0, gone.output
    assert there(host) == []
    assert config_text(host) == before


@pytest.mark.usefixtures("_boxed")
def test_logins_of_others_in_the_same_file_stay(host: Host) -> None:
    foreign = '{"auths": {"other.example": {"auth": "Zm9vOmJhcg=="}}, "psFormat": "table"}'
    host.check_output("install -d -m 0700 /root/.docker && printf '%%s' %s > %s", foreign, FILES[0])
    try:
        assert play_with(host, **WANTED).code == 0
        kept = json.loads(host.check_output("cat %s", FILES[0]))
        assert set(kept["auths"]) == {"other.example", "registry.example:5000"}
        # The environment alone: the file goes back to what it was.
        assert play_with(host, **{**WANTED, "gitlab_runner_registry_auth_in": ["environment"]}).code == 0
        assert json.loads(host.check_output("cat %s", FILES[0])) == json.loads(foreign)
        assert logins_of(host, "boxed") != []
        host.check_output("printf '{broken' > %s", FILES[0])
        refused = play_with(host, **WANTED)
        assert refused.code != 0
        assert f"{FILES[0]} is not JSON" in refused.failures[-1]
        assert host.check_output("cat %s", FILES[0]) == "{broken"
    finally:
        host.check_output("rm -r /root/.docker")


@pytest.mark.parametrize(
    ("wrong", "messages"),
    [
        pytest.param(
            {
                "gitlab_runner_registry_auth": [
                    {**LOGIN, "password": None},
                    {**LOGIN, "registry": "https://registry.example/v2"},
                ],
                "gitlab_runner_registry_mirrors": ["https://mirror.example/v2"],
                "gitlab_runner_dind_image": "two words",
            },
            [
                ("gitlab_runner_registry_auth[0]: password is missing; give username and password, or the name of a "
                "credential helper as helper"),
                ("gitlab_runner_registry_auth[1]: registry is 'https://registry.example/v2', an address with a scheme; "
                "write registry.example"),
                ("gitlab_runner_registry_mirrors[0] is 'https://mirror.example/v2', and a mirror is the root of an "
                "address; write https://mirror.example"),
                "gitlab_runner_dind_image is 'two words', which is no image; write REGISTRY/NAME:TAG without blanks",
            ],
            id="all of them at once",
        ),
        pytest.param(
            {
                "gitlab_runner_registry_mirrors": ["https://mirror.example"],
                "gitlab_runner_dind_image": "r.example/dind:1", "dind_image_name": "r.example/dind:1",
                "dind_image_mirrors": ["https://mirror.example"],
            },
            [
                ("gitlab_runner_registry_mirrors is 'https://mirror.example', and gitlab_runner_dind_image has mirrors "
                "inside (dind_image_mirrors); a daemon that is told of them twice does not start: set "
                "gitlab_runner_registry_mirrors to [], or build the image without mirrors"),
            ],
            id="mirrors twice",
        ),
    ],
)  # fmt: skip
def test_mistakes_are_told_before_anything_is_touched(host: Host, wrong: dict[str, Any], messages: list[str]) -> None:
    before = config_text(host)
    refused = play_with(host, **wrong)
    assert refused.code != 0
    assert refused.failures == ["; ".join(messages)]
    assert SECRET not in refused.output
    assert config_text(host) == before
