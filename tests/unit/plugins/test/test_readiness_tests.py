# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""The Jinja tests: by themselves, and in a playbook that Ansible runs, with the examples of their documentation."""

from __future__ import annotations

import inspect
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleError

from ansible_collections.runnerkit.gitlab.plugins.test import readiness
from tests.unit.plugins.plugin_utils.readiness_world import answers, facts, layer, probe, unknown

CHECKOUT = Path(__file__).parents[4]
FOLDER = CHECKOUT / "plugins" / "test"
TESTS = readiness.TestModule().tests()
EXPECTATION = re.compile(r"^# => (?P<value>.+)\n(?P<name>\w+):", re.MULTILINE)
BLOCKED = probe(layer(calls=answers(faccessat2="EPERM")))


def sidecar(folder: str, name: str) -> dict[str, Any]:
    """The documentation of a plugin."""
    document: dict[str, Any] = yaml.safe_load((CHECKOUT / "plugins" / folder / f"{name}.yml").read_text())
    return document


def both(known: Any, measured: Any = None) -> dict[str, Any]:
    """ansible_facts after the modules have run."""
    found = {"runnerkit": known, "other": 1}
    return found if measured is None else found | {"runnerkit_probe": measured}


@pytest.mark.parametrize(
    ("subject", "image", "expected"),
    [
        pytest.param(both(facts()), "alpine:3.14", True, id="predicted to work"),
        pytest.param(facts(), "alpine:3.14", True, id="the facts alone"),
        pytest.param(both(facts("20.10.9")), "debian:12", False, id="predicted not to work"),
        pytest.param(both(facts("20.10.9")), "debian:11", True, id="an image that needs nothing"),
        pytest.param(both(facts(), probe(layer())), "alpine:3.14", True, id="measured to work"),
        pytest.param(both(facts(), BLOCKED), "alpine:3.14", False, id="measured not to work"),
        pytest.param(both(facts(), probe(unknown())), "alpine:3.14", False, id="not measured"),
        pytest.param(both(facts("dev")), "alpine:3.14", False, id="an engine that says no version"),
        pytest.param(both({"docker": None}), "alpine:3.13", False, id="no engine"),
        pytest.param(
            both(facts(), probe(layer(calls=answers(close_range="EPERM")))),
            "fedora:40",
            False,
            id="works for the most part",
        ),
    ],
)
def test_ready_for(subject: Any, image: str, expected: bool) -> None:
    assert readiness.ready_for(subject, image) is expected


def test_a_probe_can_be_given_beside_the_facts() -> None:
    assert readiness.ready_for(facts(), "alpine:3.14", probe=BLOCKED) is False
    assert readiness.faccessat2_safe(facts(), probe=BLOCKED) is False


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        pytest.param(both(facts()), True, id="predicted"),
        pytest.param(both(facts("20.10.24", runc="1.0.0-rc10", library="2.4.3")), False, id="an old library"),
        pytest.param(both(facts(), probe(layer(calls=answers(faccessat2="ENOSYS")))), True, id="programs fall back"),
        pytest.param(both(facts(), BLOCKED), False, id="measured to be blocked"),
        pytest.param(both(facts(), {}), False, id="a probe that says nothing"),
        pytest.param(both(facts(running=None)), False, id="an engine that one may not ask"),
    ],
)
def test_faccessat2_safe(subject: Any, expected: bool) -> None:
    assert readiness.faccessat2_safe(subject) is expected


@pytest.mark.parametrize(
    ("subject", "image", "options", "message"),
    [
        pytest.param(
            facts(), "acme/own:1", {}, "ready_for: what 'acme/own:1' is made from cannot be told", id="unknown image"
        ),
        pytest.param(facts(), "two words", {}, "ready_for: image reference 'two words'", id="no image"),
        pytest.param(facts(), "", {}, "ready_for wants the name of an image such as alpine:3.21, not ''", id="empty"),
        pytest.param(
            facts(), None, {}, "ready_for wants the name of an image such as alpine:3.21, not None", id="none"
        ),
        pytest.param(
            {}, "alpine:3.14", {}, "ready_for wants ansible_facts after runnerkit.gitlab.runtime_facts", id="no facts"
        ),
        pytest.param(
            None, "alpine:3.14", {}, "ready_for wants ansible_facts after .* was given NoneType", id="nothing"
        ),
        pytest.param(both(None), "alpine:3.14", {}, "ready_for wants ansible_facts after", id="facts that are null"),
        pytest.param(facts(), "alpine:3.14", {"probe": "yes"}, "ready_for: probe is what .* not str", id="no probe"),
    ],
)
def test_what_cannot_be_asked_is_an_error_in_a_sentence(subject: Any, image: Any, options: Any, message: str) -> None:
    with pytest.raises(AnsibleError, match=f"^{message}"):
        readiness.ready_for(subject, image, **options)


def test_every_test_has_its_documentation_and_nothing_else_has() -> None:
    assert {path.stem for path in FOLDER.glob("*.yml")} == set(TESTS)


@pytest.mark.parametrize("name", sorted(TESTS))
def test_the_documentation_names_every_argument(name: str) -> None:
    document = sidecar("test", name)
    options = dict(document["DOCUMENTATION"]["options"])
    assert document["DOCUMENTATION"]["name"] == name
    assert options.pop("_input")["required"] is True
    arguments = list(inspect.signature(TESTS[name]).parameters.values())[1:]
    assert list(options) == [argument.name for argument in arguments]
    assert document["RETURN"]["_value"]["type"] == "bool"


PLAY = """
- hosts: localhost
  gather_facts: false
  tasks:
    - name: Let facts and a measurement be there as the modules leave them
      ansible.builtin.set_fact:
        runnerkit: "{{ known['runnerkit'] }}"
        runnerkit_probe: "{{ known['runnerkit_probe'] }}"
        cacheable: true

    - name: Ask as a condition, which has to be true or false
      ansible.builtin.assert:
        that:
          - ansible_facts is runnerkit.gitlab.ready_for('alpine:3.14')
          - ansible_facts is runnerkit.gitlab.faccessat2_safe
          - ansible_facts is not runnerkit.gitlab.ready_for('alpine:3.14', probe=blocked)
          - ansible_facts['runnerkit'] is not runnerkit.gitlab.faccessat2_safe(probe=blocked)

    - name: Keep what the examples give
      ansible.builtin.copy:
        content: "{{ shown | to_json }}"
        dest: "{{ folder }}/shown.json"
        mode: "0600"

    - name: Ask about an image that nobody knows
      ansible.builtin.debug:
        msg: "{{ ansible_facts is runnerkit.gitlab.ready_for('acme/own:1') }}"
      register: refused
      ignore_errors: true

    - name: See that it was refused in a sentence
      ansible.builtin.assert:
        that:
          - refused is failed
          - "'cannot be told from its name' in refused.msg"
"""


def examples() -> tuple[dict[str, str], dict[str, Any]]:
    """Templates in the documentation of what judges readiness, and the values that their comments promise."""
    templates: dict[str, str] = {}
    promised: dict[str, Any] = {}
    for folder, names in (("test", sorted(TESTS)), ("filter", ["readiness", "readiness_report"])):
        for name in names:
            text = sidecar(folder, name)["EXAMPLES"]
            templates |= {f"{name}_{key}": template for key, template in yaml.safe_load(text).items()}
            for match in EXPECTATION.finditer(text):
                promised[f"{name}_{match['name']}"] = yaml.safe_load(match["value"])
    return templates, promised


def test_the_examples_do_what_they_say_in_a_playbook(tmp_path: Path) -> None:
    """Through Ansible itself: its values are tagged and templated lazily, and its conditions want booleans."""
    templates, promised = examples()
    variables = {
        "known": both(facts(), probe(layer())), "blocked": BLOCKED, "folder": str(tmp_path), **templates,
        "shown": {name: "{{ " + name + " }}" for name in templates}, "ansible_python_interpreter": sys.executable,
    }  # fmt: skip
    (tmp_path / "inventory.yml").write_text(
        yaml.safe_dump({"all": {"hosts": {"localhost": {"ansible_connection": "local", **variables}}}})
    )
    (tmp_path / "play.yml").write_text(PLAY)
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("ansible-playbook")),
            "-i",
            tmp_path / "inventory.yml",
            tmp_path / "play.yml",
        ],
        cwd=CHECKOUT,
        env={**os.environ, "ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((tmp_path / "shown.json").read_text())
    assert found["readiness_report_report"]["hosts"][0]["state"] == "ready"
    assert {key: found[key] for key in promised} == promised
