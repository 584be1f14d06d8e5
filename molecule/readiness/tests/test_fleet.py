"""A fleet of two dozen, with a host that cannot be reached: one report, and it is right."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest
from testinfra.host import Host

from tests.support import fleet
from tests.support.audits import Audit, audit
from tests.support.plays import CHECKOUT

testinfra_hosts = ["ansible://readiness-debian12"]

# Each is really measured; how the report fares with hundreds is for unit tests and `make bench`.
SIZE = 24
ENGINES = ("20.10.5+dfsg1", "20.10.24+dfsg1", "26.1.5+dfsg1")
# An address in the lab's own network that nobody has.
GONE = {"gone": {"ansible_host": "10.213.0.254", "ansible_ssh_common_args": "-o ConnectTimeout=3"}}


@pytest.fixture(name="seen", scope="module")
def _seen(tmp_path_factory: pytest.TempPathFactory) -> Audit:
    hosts = fleet.lab_hosts("readiness")
    listing = Path(tmp_path_factory.mktemp("fleet")) / "inventory.json"
    listing.write_text(fleet.inventory(hosts, SIZE, GONE), encoding="utf-8")
    return audit("runner_hosts", {"docker_engine_minimum_version": "20.10.5"}, ["--forks", "10"], listing)


def test_every_host_is_in_the_report_with_its_own_engine(seen: Audit) -> None:
    assert len(seen.report["hosts"]) == SIZE + 1
    # In the order of the lab's inventory, Debian 11 to 13.
    for number in range(1, SIZE + 1):
        entry = seen.host(f"runner{number:03}")
        assert entry["state"] == "ready", entry["findings"]
        assert entry["facts"]["engine"] == ENGINES[number % 3]
        assert len(entry["calls"]) == 49


def test_the_one_that_is_gone_is_unknown_and_alone_fails(seen: Audit) -> None:
    assert seen.report["summary"]["unknown"] == 1
    assert "cannot be reached" in str(seen.findings("gone")["unknown", "host"])
    assert seen.played.code == 2
    assert len([message for message in seen.played.failures if "gone is not ready" in message]) == 1


def test_the_terminal_stays_readable(seen: Audit) -> None:
    shown = re.search(r"TASK \[[^\n]*Report \| Show it.*?\n\n(?:TASK|PLAY)", seen.played.output, re.DOTALL)
    assert shown
    lines = shown[0].splitlines()
    assert len(lines) < 60
    assert max(len(line) for line in lines) < 130
    assert f"{SIZE} are ready" in shown[0]


def test_the_files_are_what_they_promise(seen: Audit) -> None:
    schema = json.loads((CHECKOUT / "docs" / "report.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(seen.report, schema, cls=jsonschema.Draft202012Validator)
    assert seen.files["report.html"].count(f"runner{SIZE:03}") > 1
    assert 'name="gone"' in seen.files["junit.xml"]
    assert 'runnerkit_host_state{host="gone",state="unknown"} 1' in seen.files["runnerkit.prom"]


def test_nothing_is_left_on_hosts_that_were_audited_many_times_at_once(host: Host) -> None:
    left = "docker ps -aq --filter label=runnerkit.probe; docker images -aq --filter label=runnerkit.probe"
    assert host.check_output(left) == ""
