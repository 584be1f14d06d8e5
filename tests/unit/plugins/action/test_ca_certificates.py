# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import base64
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultLib, VaultSecret

from ansible_collections.runnerkit.gitlab.plugins.action.ca_certificates import SPEC, ActionModule
from ansible_collections.runnerkit.gitlab.plugins.module_utils import ca_host
from ansible_collections.runnerkit.gitlab.plugins.module_utils.ca_look import CaError
from ansible_collections.runnerkit.gitlab.plugins.modules import ca_certificates
from tests.support.pki import Authority, days
from tests.unit.plugins.module_utils.ca_world import World

HOST = "registry.example:5000"
LAB = Authority("Lab CA")
CLIENT = LAB.issue(["builder"], client=True)
SECRET = CLIENT.key_pem.splitlines()[1]
PASSWORD: Any = [("default", VaultSecret(b"open sesame"))]


class Play:
    """An action in a play on a host that is a folder. Files of the controller are in `files`."""

    def __init__(self, folder: Path) -> None:
        self.world = World(folder / "host")
        self.files = folder / "play/files"
        self.files.mkdir(parents=True)
        self.loader = DataLoader()
        self.loader.set_basedir(str(self.files.parent))
        self.answer: dict[str, Any] | None = None
        self.calls = 0

    def run(self, *registries: Any, check: bool = False, gitlab: Any = None, **options: Any) -> dict[str, Any]:
        """The result, in which no secret is."""
        task = SimpleNamespace(
            args={"registries": list(registries), **({"gitlab": gitlab} if gitlab else {}), **options},
            check_mode=check, async_val=0, action="ca_certificates", diff=True,
            get_search_path=lambda: [str(self.files.parent)],
        )  # fmt: skip
        context = SimpleNamespace(no_log=False)
        connection = SimpleNamespace(
            _play_context=context, _shell=SimpleNamespace(tmpdir=None), get_option={}.__getitem__
        )
        arguments: Any = (task, connection, context, self.loader, None, None)
        action: Any = ActionModule(*arguments)
        action._execute_module = lambda **call: self.execute(check, **call)
        result: dict[str, Any] = action.run(task_vars={"inventory_hostname": "h1"})
        assert SECRET not in str(result)
        return result

    def execute(self, check: bool, module_name: str, module_args: dict[str, str], task_vars: Any) -> dict[str, Any]:
        """The host's half, in this process."""
        assert module_name == "runnerkit.gitlab.ca_certificates_files"
        self.calls += 1
        if self.answer is not None:
            return self.answer
        plan = json.loads(base64.b64decode(module_args["plan"]))
        for each in plan["files"]:
            each["path"] = self.world.root + each["path"]
        try:
            view, said = ca_host.keep(ca_host.Declared.read(plan), self.world.run, check, self.world.root)
        except CaError as error:
            return {"failed": True, "msg": str(error), "ca_certificates": {}}
        return {"changed": view.changes, "ca_certificates": ca_host.told(view, said, diff=True)}

    def text(self, path: str) -> str:
        return self.world.at(path).read_text()


@pytest.fixture
def play(tmp_path: Path) -> Play:
    return Play(tmp_path)


def test_registries_and_gitlab_in_one_call(play: Play) -> None:
    registry = {"host": HOST, "ca": LAB.pem, "client_cert": CLIENT.cert_pem, "client_key": CLIENT.key_pem,
                "trust": ["engine", "os"]}  # fmt: skip
    server = {"url": "https://gitlab.example/", "ca": LAB.pem}
    was = play.world.tree()
    foretold = play.run(registry, gitlab=server, check=True)
    assert play.world.tree() == was
    result = play.run(registry, gitlab=server)
    assert (result["changed"], result["store_updated"], play.calls) == (True, True, 2)
    assert result == foretold
    for path in (f"/etc/docker/certs.d/{HOST}/ca.crt", "/etc/gitlab-runner/certs/gitlab.example.crt",
                 "/etc/runnerkit/helper-certs/ca.crt"):  # fmt: skip
        assert play.text(path) == LAB.pem
    assert play.text(f"/etc/docker/certs.d/{HOST}/client.key") == CLIENT.key_pem
    assert len(result["files"]["written"]) == 6
    assert result["store_path"] == play.world.root + "/etc/ssl/certs/ca-certificates.crt"
    again = play.run(registry, gitlab=server)
    assert (again["changed"], again["diff"]) == (False, [])
    gone = play.run()
    assert (gone["changed"], len(gone["files"]["removed"]), play.world.tree()) == (True, 6, was)


def test_files_of_the_controller_are_found_as_copy_finds_them(play: Play, tmp_path: Path) -> None:
    (play.files / "lab.pem").write_text(LAB.pem.replace("\n", "\r\n"))
    (tmp_path / "builder.pem").write_text(CLIENT.cert_pem)
    vault = VaultLib(PASSWORD)
    (play.files / "builder-key.pem").write_bytes(vault.encrypt(CLIENT.key_pem.encode()))
    registry = {"host": HOST, "ca": "lab.pem", "client_cert": str(tmp_path / "builder.pem"),
                "client_key": "builder-key.pem"}  # fmt: skip
    refused = play.run(registry)
    assert "cannot be read (ansible-vault encrypted it, and the password is not known); give" in refused["msg"]
    assert play.calls == 0
    play.loader.set_vault_secrets(PASSWORD)
    assert play.run(registry)["changed"]
    assert play.text(f"/etc/docker/certs.d/{HOST}/ca.crt") == LAB.pem
    assert play.text(f"/etc/docker/certs.d/{HOST}/client.key") == CLIENT.key_pem


@pytest.mark.parametrize(
    ("registries", "words"),
    [
        pytest.param([{"host": HOST, "ca": "missing.pem"}], ["'missing.pem'"], id="a file that is missing"),
        pytest.param([{"host": HOST, "ca": "folder"}], ["(it is a folder)"], id="a folder"),
        pytest.param(
            [{"host": f"https://{HOST}", "ca": LAB.pem}, {"host": HOST, "ca": CLIENT.key_pem}],
            ["registry_ca_registries[0]", "registry_ca_registries[1]"], id="all problems at once",
        ),
        pytest.param([{"host": HOST, "ca": LAB.pem, "client_key": CLIENT.key_pem}], ["client_cert"], id="half a pair"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_before_the_host_is_asked(play: Play, registries: list[Any], words: list[str]) -> None:
    (play.files / "folder").mkdir()
    for options in ({}, {"check_only": True}, {"check": True}):
        result = play.run(*registries, **options)
        assert (result["failed"], result["changed"], play.calls) == (True, False, 0)
        for word in words:
            assert word in result["msg"]


@pytest.mark.parametrize("value", ["text", {"a": 1}, 7, [7]], ids=str)
def test_what_is_no_list_of_registries(play: Play, value: Any) -> None:
    result = play.run(registries=value)
    assert (result["failed"], play.calls) == (True, 0)
    assert "registry_ca_registries" in result["msg"]


def test_checking_only_asks_no_host_and_tells_what_is_worth_knowing(play: Play) -> None:
    old = Authority("Old CA", not_before=days(-400), not_after=days(-30))
    result = play.run({"host": HOST, "ca": [old.pem, LAB.pem]}, check_only=True)
    assert (result["changed"], result["store_path"], play.calls) == (False, None, 0)
    assert set(result["files"]) == {"written", "removed", "restored", "kept"}
    assert any("expired" in each for each in result["warnings"])


def test_warnings_of_a_host_have_its_name(play: Play) -> None:
    play.run({"host": HOST, "ca": LAB.pem, "trust": ["engine"]})
    play.world.file(f"/etc/docker/certs.d/{HOST}/ca.crt", b"by hand")
    [warning] = play.run()["warnings"]
    assert warning.startswith("h1: /")
    assert "somebody changed it" in warning


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (
            {"failed": True, "module_stderr": "sudo: a password is required\n"},
            "cannot see to the certificates of registries: sudo: a password is required",
        ),
        ({"failed": True, "msg": "cannot write x", "ca_certificates": {}}, "cannot write x"),
    ],
    ids=["no answer", "a refusal"],
)
def test_a_host_that_does_not_do_it(play: Play, answer: dict[str, Any], message: str) -> None:
    play.answer = answer
    result = play.run({"host": HOST, "ca": LAB.pem})
    assert (result["failed"], result["changed"], result["msg"]) == (True, False, message)


def test_the_documentation_describes_the_options_and_results(play: Play) -> None:
    documented = yaml.safe_load(ca_certificates.DOCUMENTATION)["options"]
    assert set(documented) == set(SPEC)
    assert documented["check_only"]["default"] == SPEC["check_only"]["default"]
    returned = set(yaml.safe_load(ca_certificates.RETURN)) | {"changed", "diff"}
    assert set(play.run()) == returned
