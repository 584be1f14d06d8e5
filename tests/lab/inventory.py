"""What Ansible must know to reach the hosts, as a file and as the answer of an inventory script."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tests.lab import ssh
from tests.lab.home import Home
from tests.lab.hosts import Host
from tests.lab.shell import write

ANSIBLE_GROUP = "runner_hosts"


def host_vars(home: Home, host: Host) -> dict[str, str]:
    options = " ".join(f"-o {option}" for option in ssh.options(home))
    return {
        "ansible_host": host.address,
        "ansible_user": "root",
        "ansible_ssh_private_key_file": str(home.keys / "id_ed25519"),
        "ansible_ssh_common_args": options,
        "ansible_python_interpreter": "/usr/bin/python3",
        "lab_image": host.image,
    }


def static(home: Home, hosts: Sequence[Host], variables: Mapping[str, str]) -> dict[str, Any]:
    """An inventory file (JSON is YAML, so Ansible reads it as one)."""
    return {
        "all": {
            "vars": dict(variables),
            "children": {ANSIBLE_GROUP: {"hosts": {host.name: host_vars(home, host) for host in hosts}}},
        }
    }


def names(inventory: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Host name -> its variables."""
    hosts: dict[str, dict[str, str]] = inventory["all"]["children"][ANSIBLE_GROUP]["hosts"]
    return hosts


def dynamic(inventory: Mapping[str, Any]) -> dict[str, Any]:
    """The same in the form an inventory script answers `--list` with."""
    hosts = names(inventory)
    return {
        "_meta": {"hostvars": hosts},
        "all": {"vars": inventory["all"]["vars"], "children": [ANSIBLE_GROUP]},
        ANSIBLE_GROUP: {"hosts": list(hosts)},
    }


def save(home: Home, group: str, hosts: Sequence[Host], variables: Mapping[str, str]) -> None:
    """Write the group's file, or remove it with the last host."""
    path = home.inventory(group)
    if hosts:
        write(path, json.dumps(static(home, hosts, variables), indent=2) + "\n")
    else:
        path.unlink(missing_ok=True)


def load(home: Home, group: str) -> dict[str, Any]:
    """The group's inventory as last written; empty when there are no hosts."""
    path = home.inventory(group)
    if not path.exists():
        return static(home, [], {})
    inventory: dict[str, Any] = json.loads(path.read_text())
    return inventory
