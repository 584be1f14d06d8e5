"""The installed collection, used from a directory of somebody's own."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest

from .conftest import CHECKOUT, Elsewhere

MODULE = """
- name: Look at this machine
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Gather the runtime's facts
      runnerkit.gitlab.runtime_facts:
    - name: Show one
      ansible.builtin.debug:
        msg: "os={{ ansible_facts.runnerkit.os.id }}"
"""

FILTER = """
- name: Compute
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Read a version
      ansible.builtin.debug:
        msg: "version={{ '5:20.10.24~3-0~debian-bookworm' | runnerkit.gitlab.engine_version }}"
"""

ROLES = """
- name: Provision
  hosts: localhost
  gather_facts: false
  roles:
    - role: runnerkit.gitlab.NAME
"""


def roles() -> list[str]:
    return sorted(path.parent.parent.name for path in CHECKOUT.glob("roles/*/tasks/main.yml"))


def plugins(kind: str) -> list[str]:
    """The plugins of a kind; filters and tests have their documentation beside them, in a file for each."""
    pattern = f"plugins/{kind}/*.yml" if kind in ("filter", "test") else f"plugins/{kind}/*.py"
    return sorted(path.stem for path in CHECKOUT.glob(pattern))


def test_archive_holds_what_is_used_and_nothing_else(archive: Path) -> None:
    with tarfile.open(archive) as tar:
        names = tar.getnames()
    assert "plugins/callback/timing.py" in names
    assert "meta/runtime.yml" in names
    top = {name.partition("/")[0] for name in names}
    # Things for developing the collection, and things that tools leave in a checkout.
    unwanted = {"tests", "molecule", "scripts", "requirements", "pyproject.toml", "Makefile", "ansible.cfg"}
    assert not top & unwanted
    assert not [name for name in top if name.startswith(".")]
    assert not [name for name in names if "__pycache__" in name or name.endswith((".pyc", ".tar.gz"))]


def test_module_runs_in_check_mode(elsewhere: Elsewhere) -> None:
    done = elsewhere.play(MODULE, "--check")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "os=" in done.stdout


def test_filter_computes(elsewhere: Elsewhere) -> None:
    done = elsewhere.play(FILTER, "--check")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "version=20.10.24" in done.stdout


def test_without_installing_nothing_is_found(nowhere: Elsewhere) -> None:
    done = nowhere.play(MODULE, "--check")
    assert done.returncode != 0
    assert "runnerkit.gitlab.runtime_facts" in done.stdout + done.stderr


@pytest.mark.parametrize("name", roles())
def test_role_is_found_with_all_its_files(elsewhere: Elsewhere, name: str) -> None:
    done = elsewhere.play(ROLES.replace("NAME", name), "--syntax-check")
    assert done.returncode == 0, done.stdout + done.stderr
    done = elsewhere.run("ansible-doc", "--type", "role", "--json", f"runnerkit.gitlab.{name}")
    assert done.returncode == 0, done.stderr
    described = json.loads(done.stdout)[f"runnerkit.gitlab.{name}"]
    assert Path(described["path"]).is_relative_to(elsewhere.collections)
    assert described["entry_points"]["main"]["options"]


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        pytest.param(kind, name, id=f"{kind} {name}")
        for kind in ("modules", "filter", "test", "callback")
        for name in plugins(kind)
    ],
)
def test_plugin_has_documentation(elsewhere: Elsewhere, kind: str, name: str) -> None:
    full = f"runnerkit.gitlab.{name}"
    done = elsewhere.run("ansible-doc", "--type", kind.removesuffix("s"), "--json", full)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)[full]["doc"]
    assert document["short_description"]
    assert Path(document["filename"]).is_relative_to(elsewhere.collections)


@pytest.mark.parametrize("name", sorted(path.name for path in CHECKOUT.glob("playbooks/*.yml")))
def test_playbook_is_found(elsewhere: Elsewhere, name: str) -> None:
    playbook = f"runnerkit.gitlab.{name.removesuffix('.yml')}"
    done = elsewhere.run("ansible-playbook", "--syntax-check", playbook)
    assert done.returncode == 0, done.stdout + done.stderr
