"""Hosts: what is asked for, what is there, and how Ansible and SSH reach it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.lab import hosts, images, inventory, ssh
from tests.lab.home import FILES, Home
from tests.lab.hosts import Host
from tests.lab.shell import LabError

HOME = Home(Path("/lab"))
HOST = Host("demo", "demo", "debian12", "10.213.0.10")


def test_hosts_are_asked_for_as_name_and_image() -> None:
    assert hosts.parse_requests(["a=debian11", "b-2=debian13"]) == {
        "a": images.IMAGES["debian11"],
        "b-2": images.IMAGES["debian13"],
    }


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        pytest.param(["a"], r"'a' names no image; write it as a=debian12", id="no image"),
        pytest.param(
            ["a=debian9"], r"no image 'debian9'; choose one of debian11, debian12, debian13", id="no such image"
        ),
        pytest.param(["A_b=debian12"], r"'A_b' is no host name", id="not a host name"),
        pytest.param(["a=debian12", "a=debian13"], r"The host a is asked for twice", id="twice"),
    ],
)
def test_what_cannot_be_meant_is_refused(asked: list[str], message: str) -> None:
    with pytest.raises(LabError, match=message):
        hosts.parse_requests(asked)


@pytest.mark.parametrize("group", ["", "a/b", "-a", "A", "a" * 50])
def test_groups_that_cannot_be_file_names_are_refused(group: str) -> None:
    with pytest.raises(LabError, match="is no group name"):
        hosts.check_group(group)


def test_hosts_are_read_from_the_engines_listing() -> None:
    values = {"address": "10.213.0.10", "group": "demo", "host": "demo", "image": "debian12"}
    labels = ",".join(f"runnerkit.lab.{key}={value}" for key, value in values.items())
    rows = [
        {"Names": "rklab-demo-demo", "Labels": labels, "State": "exited"},
        {"Names": "rklab-mirror", "Labels": "runnerkit.lab.server=1", "State": "running"},
    ]
    assert hosts.parse_listing("\n".join(json.dumps(row) for row in rows)) == [
        Host("demo", "demo", "debian12", "10.213.0.10", "exited")
    ]


def test_a_host_is_not_exchanged_for_another() -> None:
    hosts.check_same_images({"demo": HOST}, {"demo": images.IMAGES["debian12"], "other": images.IMAGES["debian11"]})
    with pytest.raises(LabError, match="runs debian12, not debian13; remove it first: `down --group demo demo`"):
        hosts.check_same_images({"demo": HOST}, {"demo": images.IMAGES["debian13"]})


def test_the_inventory_says_how_to_reach_a_host_and_what_holds_for_all() -> None:
    found = inventory.static(HOME, [HOST], {"lab_mirror_url": "http://10.213.0.2"})
    assert found["all"]["vars"] == {"lab_mirror_url": "http://10.213.0.2"}
    variables = inventory.names(found)["demo"]
    assert variables["ansible_host"] == "10.213.0.10"
    assert variables["ansible_user"] == "root"
    assert variables["ansible_ssh_private_key_file"] == "/lab/run/keys/id_ed25519"
    assert "-o UserKnownHostsFile=/lab/run/known_hosts" in variables["ansible_ssh_common_args"]
    assert "-o StrictHostKeyChecking=yes" in variables["ansible_ssh_common_args"]


def test_the_script_form_says_the_same_as_the_file() -> None:
    found = inventory.static(HOME, [HOST], {"key": "value"})
    script = inventory.dynamic(found)
    assert script["runner_hosts"] == {"hosts": ["demo"]}
    assert script["_meta"]["hostvars"] == inventory.names(found)
    assert script["all"] == {"vars": {"key": "value"}, "children": ["runner_hosts"]}


def test_an_inventory_is_kept_while_there_are_hosts(tmp_path: Path) -> None:
    home = Home(tmp_path)
    inventory.save(home, "demo", [HOST], {})
    assert inventory.names(inventory.load(home, "demo"))["demo"]["ansible_host"] == HOST.address
    inventory.save(home, "demo", [], {})
    assert not home.inventory("demo").exists()
    assert inventory.names(inventory.load(home, "demo")) == {}


def test_an_address_is_known_by_its_newest_key_only() -> None:
    text = ssh.with_known("10.0.0.1 ssh-ed25519 OLD\n10.0.0.2 ssh-ed25519 KEPT\n", [("10.0.0.1", _key("NEW"))])
    assert text == "10.0.0.2 ssh-ed25519 KEPT\n10.0.0.1 ssh-ed25519 NEW\n"
    assert ssh.with_known("", [("10.0.0.1", _key("NEW"))]) == "10.0.0.1 ssh-ed25519 NEW\n"


def _key(public: str) -> ssh.HostKey:
    return ssh.HostKey(b"", f"ssh-ed25519 {public} comment\n")


def test_a_recipe_is_the_same_wherever_the_checkout_lies(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(images, "_settings", list)
    before = images.recipe_hash(images.IMAGES["debian12"])
    copy = tmp_path / "files"
    copy.mkdir()
    for hook in images.HOOKS:
        (copy / hook).write_bytes((FILES / hook).read_bytes())
    monkeypatch.setattr("tests.lab.images.FILES", copy)
    assert images.recipe_hash(images.IMAGES["debian12"]) == before
    (copy / "customize").write_text("changed")
    assert images.recipe_hash(images.IMAGES["debian12"]) != before
