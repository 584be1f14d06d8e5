# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader

from ansible_collections.runnerkit.gitlab.plugins.action.dind_image import SPEC, ActionModule
from ansible_collections.runnerkit.gitlab.plugins.modules import dind_image, dind_image_build
from tests.support.pki import Authority, days
from tests.unit.plugins.plugin_utils.runner_file_world import Connection

CA, OTHER = Authority("Lab CA"), Authority("Other CA")
CLIENT = CA.issue(["ci"], client=True)
HOST = "registry.example:5000"
NAME = f"{HOST}/ci/dind:28.5.2"
TOLD = {"changed": True, "name": NAME, "pushed": True, "diff": {"before": "", "after": "x"}}


class World:
    """A controller with files, and a host that answers what it is told to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.answer: dict[str, Any] = {"changed": True, "dind_image": TOLD}
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.connection = Connection(pipelining=False)

    def run(self, **arguments: Any) -> dict[str, Any]:
        task = SimpleNamespace(
            args={"name": NAME, "base": "docker:28.5.2-dind", **arguments}, check_mode=False, async_val=0, action="x",
            get_search_path=lambda: [str(self.folder)],
        )  # fmt: skip
        made: Any = ActionModule(task, self.connection, SimpleNamespace(no_log=False), DataLoader(), None, None)  # type: ignore[arg-type]
        made._execute_module = self._execute
        result: dict[str, Any] = made.run(task_vars={})
        return result

    def _execute(self, module_name: str, module_args: dict[str, Any], task_vars: Any) -> dict[str, Any]:
        # The password is in it.
        assert self.connection._play_context.no_log is True
        self.asked.append((module_name, module_args))
        return self.answer


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_the_host_gets_hosts_and_certificates_and_nothing_else(world: World) -> None:
    (world.folder / "files").mkdir()
    (world.folder / "files" / "ca.crt").write_text("text before\r\n" + OTHER.pem.replace("\n", "\r\n"))
    result = world.run(
        registries=[
            {"host": HOST, "ca": [CA.pem, "ca.crt"], "client_cert": CLIENT.cert_pem, "client_key": CLIENT.key_pem},
            {"host": "public.example", "client_cert": CLIENT.cert_pem, "client_key": "nowhere.pem"},
        ],
        auth={"username": "ci", "password": "word"},
    )
    ((module, given),) = world.asked
    assert module == "runnerkit.gitlab.dind_image_build"
    assert given["registries"] == [{"host": HOST, "ca": CA.pem + OTHER.pem}]
    assert given["auth"] == {"username": "ci", "password": "word"}
    assert set(given) == set(dind_image_build.ARGUMENTS)
    assert "PRIVATE KEY" not in str(given)
    assert {key: result[key] for key in TOLD} == TOLD
    (warning,) = result["warnings"]
    assert warning.startswith(f"{HOST}, public.example wants a client's certificate, whose key is not put into")


def test_without_registries_or_a_login(world: World) -> None:
    assert world.run()["changed"] is True
    ((_, given),) = world.asked
    assert (given["registries"], given["auth"]) == ([], None)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param({"name": "dind"}, ["name is 'dind', which has no tag", "no registry to push to"], id="a name"),
        pytest.param({"registries": "text"}, ["registries is a text, where a list of registries"], id="no list"),
        pytest.param(
            {"registries": [{"host": "https://a/b", "ca": CA.pem}, {"host": HOST, "ca": "nowhere.pem"}]},
            [
                "registries[0].host is 'https://a/b', an address with a scheme",
                f"registries[1].ca ({HOST}) names 'nowhere.pem', and the controller has no such file",
            ],
            id="registries",
        ),
        pytest.param(
            {"registries": [{"host": "p", "client_cert": "x", "client_key": "y"}, {"host": HOST, "ca": CA.key_pem}]},
            [f"registries[1].ca ({HOST}) has a private key in it; give the certificates alone"],
            id="a key in place of a certificate",
        ),
        pytest.param(
            {"registries": [{"host": HOST, "ca": Authority("Old", not_before=days(-9), not_after=days(-1)).pem}]},
            [f"registries[0].ca ({HOST}) has nothing that is in force", "expired on"],
            id="an expired authority",
        ),
        pytest.param({"registries": [{"host": HOST}]}, [f"registries[0].ca ({HOST}) is missing"], id="no certificate"),
        pytest.param({"auth": {"username": "ci", "pasword": "s3cret"}}, ["auth.password is missing"], id="a login"),
        pytest.param({"pull": "sometimes"}, ["pull"], id="a choice"),
        pytest.param({"nmae": "x"}, ["nmae"], id="an unknown option"),
    ],
)
def test_what_is_wrong_is_said_before_the_host_is_asked(
    world: World, arguments: dict[str, Any], words: list[str]
) -> None:
    result = world.run(**arguments)
    assert (result["failed"], result["changed"], world.asked) == (True, False, [])
    for each in words:
        assert each in result["msg"]
    assert "registry_ca_registries" not in result["msg"].replace("(registry_ca_registries", "")
    for secret in ("s3cret", CA.key_pem.splitlines()[1]):
        assert secret not in str(result)


def test_what_the_host_says_is_told(world: World) -> None:
    world.answer = {"failed": True, "msg": "the image cannot be made", "dind_image": {}}
    assert world.run()["msg"] == "the image cannot be made"
    world.answer = {"failed": True, "module_stderr": "Traceback\nMemoryError\n"}
    result = world.run()
    assert (result["failed"], result["msg"]) == (True, f"cannot build {NAME}: MemoryError")


@pytest.mark.parametrize("documentation", [dind_image.DOCUMENTATION, dind_image_build.DOCUMENTATION])
def test_the_documentation_has_the_options_that_there_are(documentation: str) -> None:
    documented = yaml.safe_load(documentation)["options"]
    assert set(documented) == set(SPEC) == set(dind_image_build.ARGUMENTS)
    for name, spec in SPEC.items():
        host: Any = dind_image_build.ARGUMENTS[name]
        assert host.get("default") == (spec.get("default") if spec["type"] != "raw" else host.get("default")), name
        assert documented[name].get("default") == host.get("default"), name
        assert documented[name].get("required", False) == spec.get("required", False), name
        assert documented[name].get("choices") == spec.get("choices"), name


def test_the_documentation_tells_what_is_returned() -> None:
    returned = set(yaml.safe_load(dind_image.RETURN))
    assert returned == {"name", "base", "id", "digest", "versions", "holds", "pulled", "built", "pushed"}
