# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.testing import patch_module_args

from ansible_collections.runnerkit.gitlab.plugins.module_utils import registry_probe
from ansible_collections.runnerkit.gitlab.plugins.modules import registry_check
from tests.support.pki import Authority
from tests.unit.plugins.module_utils.registry_world import ADDRESS, serving, tls

CA = Authority("Lab CA")
GOOD = CA.issue([ADDRESS])


def run(capsys: pytest.CaptureFixture[str], **args: Any) -> dict[str, Any]:
    """The module's answer on standard output."""
    with patch_module_args(args), pytest.raises(SystemExit):
        registry_check.main()
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer


@pytest.mark.parametrize("check_mode", [False, True], ids=["in a normal run", "in check mode"])
def test_registries_are_found_by_their_folders_and_asked(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, check_mode: bool
) -> None:
    with serving(tls(GOOD.chain_pem, GOOD.key_pem)) as server:
        for name in (server.host, f"{ADDRESS}:2", "no registry", ".git"):
            (tmp_path / name).mkdir()
        (tmp_path / "a file").write_text("")
        (tmp_path / server.host / "ca.crt").write_text(CA.pem)
        result = run(capsys, source=f"{tmp_path}/", _ansible_check_mode=check_mode)
    assert result["changed"] is False
    assert list(result["ansible_facts"]) == ["runnerkit_registries"]
    found = result["ansible_facts"]["runnerkit_registries"]
    assert {each["host"]: each["kind"] for each in found} == {server.host: "ok", f"{ADDRESS}:2": "refused"}
    assert result["msg"] == f"1 of 2 registries can be used; not {ADDRESS}:2 (refused)"


def test_a_host_without_registries_is_asked_nothing(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    result = run(capsys, source=str(tmp_path / "nowhere"))
    assert result["ansible_facts"]["runnerkit_registries"] == []
    assert result["msg"] == "0 of 0 registries can be used"


def test_those_that_are_named_are_asked_and_no_other(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "other.example").mkdir()
    result = run(capsys, registries=[{"host": f"{ADDRESS}:2"}], source=str(tmp_path))
    assert [each["host"] for each in result["ansible_facts"]["runnerkit_registries"]] == [f"{ADDRESS}:2"]
    assert run(capsys, registries=[], source=str(tmp_path))["ansible_facts"]["runnerkit_registries"] == []


@pytest.mark.parametrize(
    ("args", "message"),
    [
        pytest.param({"timeout": 0}, "timeout is 0; give seconds above 0 and up to 60", id="no time"),
        pytest.param({"timeout": "nan"}, "timeout is nan; give seconds above 0 and up to 60", id="no number"),
        pytest.param({"timeout": 61}, "timeout is 61; give seconds above 0 and up to 60", id="too much time"),
        pytest.param(
            {"registries": [{"host": "a.example"}, {"host": "https://registry.example"}]},
            "registries[1].host: 'https://registry.example' is no registry; give HOST or HOST:PORT, an IPv6 address in "
            "brackets", id="an address of a browser",
        ),
        pytest.param(
            {"registries": [{"host": "[::g]"}]}, "registries[0].host: '[::g]' is no registry", id="a bad address"
        ),
    ],
)  # fmt: skip
def test_bad_parameters_get_their_message(
    capsys: pytest.CaptureFixture[str], args: dict[str, Any], message: str
) -> None:
    result = run(capsys, **args)
    assert result["failed"] is True
    assert result["msg"].startswith(message)


def test_every_key_of_a_result_is_documented(tmp_path: Path) -> None:
    returned = yaml.safe_load(registry_check.RETURN)["ansible_facts"]["contains"]["runnerkit_registries"]["contains"]
    assert set(returned) == set(registry_probe.check(f"{ADDRESS}:2", str(tmp_path), 1.0))


def test_the_options_are_those_of_the_documentation(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}

    class StopHere(Exception):  # noqa: N818 - it is no error
        pass

    def stop(**options: Any) -> None:
        seen.update(options)
        raise StopHere

    monkeypatch.setattr(registry_check, "AnsibleModule", stop)
    with pytest.raises(StopHere):
        registry_check.main()
    documented = yaml.safe_load(registry_check.DOCUMENTATION)["options"]
    assert set(seen["argument_spec"]) == set(documented)
    for name, option in seen["argument_spec"].items():
        assert option.get("default") == documented[name].get("default"), name
