"""Runs one molecule scenario, and fails where molecule would call it a success though nothing was tested.

    molecule.py NAME [ARGUMENT ...]     further arguments go to `molecule test`

With KEEP=1 in the environment the hosts stay when the scenario is over.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from xml.etree import ElementTree

CHECKOUT = Path(__file__).resolve().parent.parent
ESCAPES = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
# Molecule draws a frame around what Ansible prints, and breaks long lines.
RECAP = re.compile(r"^[\s\u2502]*(?P<host>[^\s\u2502]+)\s+: ok=(?P<ok>\d+)\b")

# Molecule looks for a scenario called default whichever one it was asked for, and calls it critical that there is none.
NOISE = "'molecule/default/molecule.yml' glob failed"

INSTALLED = ("~/.ansible/collections", "/usr/share/ansible/collections")


def say(text: str) -> None:
    print(f"molecule: {text}", flush=True)


def scenarios() -> list[str]:
    found = (path.parent.name for path in CHECKOUT.glob("molecule/*/molecule.yml"))
    return sorted(name for name in found if name != "shared")


def hosts_in(line: str) -> set[str]:
    """The host of a line of a play recap, if a task ran there. `localhost` only makes the others."""
    recap = RECAP.match(ESCAPES.sub("", line))
    if recap is None or recap["host"] == "localhost" or recap["ok"] == "0":
        return set()
    return {recap["host"]}


def tests_in(report: Path) -> int:
    """How many tests a JUnit report says were run; skipped ones were not."""
    if not report.is_file():
        return 0
    # Not from a stranger: our own pytest wrote it a moment ago.
    suites = ElementTree.parse(report).getroot().iter("testsuite")  # noqa: S314
    return sum(int(suite.get("tests", 0)) - int(suite.get("skipped", 0)) for suite in suites)


def run(command: list[str], env: dict[str, str]) -> tuple[int, set[str]]:
    """Run molecule, pass its output on, and collect the hosts on which something was done."""
    hosts: set[str] = set()
    with subprocess.Popen(
        command, cwd=CHECKOUT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as process:
        for line in process.stdout or ():
            if NOISE not in line:
                print(line, end="", flush=True)
            hosts |= hosts_in(line)
    return process.returncode, hosts


def verdict(status: int, hosts: set[str], tests: int) -> str:
    """What is wrong with a run, or nothing."""
    if status:
        return f"molecule ended with exit code {status}"
    if not hosts:
        return "no task ran on any host"
    if not tests:
        return "no test ran; a scenario needs testinfra tests in tests/test_*.py that are not all skipped"
    return ""


def main(arguments: list[str]) -> int:
    known = scenarios()
    if not arguments or arguments[0] not in known:
        wanted = f"SCENARIO is '{arguments[0] if arguments else ''}', and there is no such scenario"
        say(f"{wanted}; choose from: {', '.join(known) or 'none yet'}, as in 'make molecule SCENARIO=fresh'.")
        return 2
    name, *further = arguments
    keep = ["--destroy=never"] if os.environ.get("KEEP") else []
    with tempfile.TemporaryDirectory(prefix="runnerkit-molecule-") as directory:
        report = Path(directory) / "tests.xml"
        env = dict(os.environ)
        env["PYTEST_ADDOPTS"] = f"{env.get('PYTEST_ADDOPTS', '')} --junit-xml={report}".strip()
        env.setdefault("COLUMNS", "140")
        # Molecule's own ansible.cfg takes the place of ours, which says the same.
        env["ANSIBLE_COLLECTIONS_PATH"] = os.pathsep.join([str(CHECKOUT / ".venv/collections"), *INSTALLED])
        # Molecule calls the other programs of the virtual environment by name.
        programs = Path(sys.executable).parent
        env["PATH"] = f"{programs}{os.pathsep}{env.get('PATH', os.defpath)}"
        status, hosts = run([str(programs / "molecule"), "test", "--scenario-name", name, *keep, *further], env)
        tests = tests_in(report)
    problem = verdict(status, hosts, tests)
    say(f"scenario {name}: hosts: {', '.join(sorted(hosts)) or 'none'}; tests run: {tests}")
    if problem:
        say(f"scenario {name} FAILED: {problem}.")
    return 1 if problem else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
