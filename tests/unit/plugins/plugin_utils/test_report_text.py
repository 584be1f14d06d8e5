# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import textwrap
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.report_calls import calls_text
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.report_shape import clean, read
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.report_text import fleet_text
from tests.support import sample_hosts
from tests.support.any_text import any_text, with_text
from tests.support.sample_report import IMAGES, large_report, sample_report


def shown(report: dict[str, Any], width: int = 110) -> str:
    return fleet_text(read(report), width)


def test_a_host_that_is_ready_is_a_row_and_its_notes() -> None:
    report = sample_report(["alpine:3.22"], [sample_hosts.ready(), sample_hosts.predicted()])
    assert shown(report) == textwrap.dedent(
        """\
        All 2 hosts are ready.

        host          state     musl-time64  faccessat2  clone3  close_range  fchmodat2  alpine:3.22
        ------------  --------  -----------  ----------  ------  -----------  ---------  -----------
        ci-berlin-01  ready     ready        ready       ready   ready        ready      ready
        ci-munich-04  ready     ready*       ready*      ready*  ready*       ready*     ready*
        * predicted from versions, not measured

        risks and notes, which do not count against a host
          note      io_uring_blocked: ci-berlin-01"""
    )


def test_a_host_that_is_broken_without_a_broken_cell_is_explained() -> None:
    report = sample_report((), [sample_hosts.ready()])
    report["hosts"][0] |= {"state": "broken", "findings": [sample_hosts.floor("20.10.5")]}
    said = "broken without a broken cell: the engine is below the floor or does not run"
    assert said in shown(report)
    assert said not in shown(sample_report((), [sample_hosts.old()]))


def test_a_host_that_is_not_ready_says_why_and_what_to_do() -> None:
    report = sample_report((), [sample_hosts.old()])
    assert shown(report) == textwrap.dedent(
        """\
        The one host is broken.

        host          state     musl-time64  faccessat2  clone3  close_range  fchmodat2
        ------------  --------  -----------  ----------  ------  -----------  ---------
        ci-legacy-01  broken    ready        broken      broken  degraded     degraded

        ci-legacy-01: broken
          Debian GNU/Linux 10 (buster), x86_64, kernel 4.19.0-27-amd64, docker 19.03.15, runc 1.0.0-rc10, libseccomp
          2.3.3, containerd 1.3.9, gitlab-runner 15.11.1
          broken    call_blocked_clone3 (host)
                    clone3 answers EPERM at layer host, so images with glibc >= 2.34 break: pthread_create: Operation
                      not permitted
          broken    call_blocked_faccessat2 (host)
                    faccessat2 answers EPERM at layer host, so images with musl >= 1.2.2 (Alpine >= 3.14) or glibc >=
                      2.33 break: test -x answers no
          broken    floor (host)
                    Docker Engine 19.03.15 is older than 20.10.6, the least that GitLab advises
          degraded  call_blocked_close_range (host)
                    close_range answers EPERM at layer host, so GLib based tools report an error
          degraded  call_blocked_fchmodat2 (host)
                    fchmodat2 answers EPERM at layer host, so tar and chmod -h fail: Operation not permitted
                    fix: run playbooks/site.yml with docker_engine_source and docker_engine_version set to a newer one

        risks and notes, which do not count against a host
          note      image_pinned_workaround: ci-legacy-01

        what if docker:29.7.2 ran on ci-legacy-01
          assumed   runc stays 1.0.0-rc10 unless it is given
          assumed   libseccomp stays 2.3.3, the kernel 4.19.0
          solved    floor (host, broken), call_blocked_clone3 (host, broken)
          left      call_blocked_faccessat2 (host, broken), call_blocked_close_range (host, degraded),
                    call_blocked_fchmodat2 (host, degraded), image_pinned_workaround (pipeline, note)
          brought   2 findings
            broken    api_too_new (pipeline)
                      Engine 29.7.2 speaks API 1.44 and newer; docker:19.03.15-dind-alpine3.13 speaks 1.40
                      fix: upgrade the image to docker:25.0 or newer along with the engine
            note      io_uring_blocked (host)
                      io_uring is blocked by the default profile; programs fall back to epoll
                      fix: nothing, unless a job needs io_uring; then give that job a profile of its own

        upgrade first
           1. ci-legacy-01: clone3 answers EPERM at layer host, so images with glibc >= 2.34 break: pthread_create:
              Operation not permitted
              fix: run playbooks/site.yml with docker_engine_source and docker_engine_version set to a newer one"""
    )


def test_columns_that_do_not_fit_go_into_a_further_table() -> None:
    text = shown(sample_report(IMAGES))
    heads = [line for line in text.splitlines() if line.startswith("host  ")]
    assert [head.split() for head in heads] == [
        ["host", "state", "musl-time64", "faccessat2", "clone3", "close_range", "fchmodat2", "alpine:3.22"],
        ["host", "state", "registry.example.com:"],
    ]
    assert "                        5000/platform/ci/ruby:3" in text


def test_no_host_is_a_sentence() -> None:
    report = sample_report()
    report["hosts"], report["summary"]["hosts"] = [], 0
    assert shown(report) == "No host was looked at."
    assert calls_text(read(report)) == "No host was looked at."


def test_a_state_that_comes_from_a_cell_alone_is_told_by_the_cell() -> None:
    host = sample_hosts.nested()
    report = sample_report((), [sample_hosts.Host(host.name, host.facts, host.layers, (), host.cells)])
    text = shown(report)
    assert "  broken    faccessat2\n            host: faccessat2 allowed\n" in text
    assert "            fix: use docker:26.1.5-dind or newer as the service; the host itself is fine" in text


def test_fifty_hosts_share_rows_and_paragraphs() -> None:
    text = shown(large_report(50))
    lines = text.splitlines()
    assert len(lines) < 125
    assert "runner001 and 40 more  ready     ready        ready       ready" in text
    assert "runner010 and runner045 (2 hosts): broken" in lines
    assert (
        "   1. runner005 and runner040 (2 hosts): Docker Engine 20.10.5+dfsg1 is older than 20.10.6, the least that"
        in lines
    )
    assert "  note      io_uring_blocked: 42 hosts, such as runner001 to runner004" in text


def test_hosts_whose_findings_differ_in_what_is_not_printed_share_a_paragraph() -> None:
    report = large_report(50)
    of_one_kind = [host for host in report["hosts"] if host["name"] in ("runner010", "runner045")]
    for number, host in enumerate(of_one_kind):
        address = f"10.0.0.{number}:5000"
        host["findings"] = [{**each, "evidence": {**each["evidence"], "address": address}} for each in host["findings"]]
    assert "runner010 and runner045 (2 hosts): broken" in shown(report).splitlines()


def test_every_host_that_is_not_ready_is_named() -> None:
    report = large_report(50)
    text = shown(report)
    assert all(host["name"] in text for host in report["hosts"] if host["state"] != "ready")


@given(st.integers(0, 200))
def test_lines_are_as_wide_as_asked(width: int) -> None:
    for report in (sample_report(), large_report(20)):
        for text in (shown(report, width), calls_text(read(report), width)):
            assert max(map(len, text.splitlines())) <= max(width, 60)


@given(any_text)
def test_any_text_is_shown_without_what_a_terminal_obeys(text: str) -> None:
    report = with_text(text)
    for told in (shown(report), calls_text(read(report))):
        assert clean(told) == told


def test_calls_are_told_with_number_answer_and_model() -> None:
    text = calls_text(read(sample_report((), [sample_hosts.stock()])))
    assert text.startswith(
        textwrap.dedent(
            """\
            ci-berlin-02: host, docker 20.10.5+dfsg1: 49 calls, 4 differ from the model, all explained
              measured               model    calls and their numbers
              ENOSYS by the profile  EPERM    clone3 435
                                              the default profile of this engine's package differs from upstream's
                                                20.10.5: clone3 answers ENOSYS
              allowed                EPERM    close_range 436
                                              this host's libseccomp 2.5.1 knows close_range, upstream's learned it in
                                                2.5.2
            """
        )
    )
    assert text.endswith(
        "\n\nci-berlin-02: podman (alice): not measured: podman cannot be run as alice: no subordinate user ids; "
        "add a line\n  for alice to /etc/subuid"
    )


def test_a_difference_that_nobody_can_explain_is_told_first() -> None:
    text = calls_text(read(sample_report((), [sample_hosts.degraded()])))
    lines = text.splitlines()
    start = next(
        number for number, line in enumerate(lines) if line.endswith("1 differs from the model, 1 not explained")
    )
    assert lines[start + 2].split() == ["ENOSYS", "by", "the", "profile", "allowed", "fchmodat2", "452"]
    assert lines[start + 3].strip() == "no reason is known for this: please report it, with this table"


def test_every_call_of_every_layer_is_told_once() -> None:
    report = sample_report((), [sample_hosts.nested()])
    text = calls_text(read(report))
    for call in report["hosts"][0]["calls"]:
        assert text.replace("\n", " ").count(f" {call['call']} {call['number']}") == 2


def test_hosts_with_the_same_answers_share_a_table() -> None:
    text = calls_text(read(large_report(50)))
    assert text.count("host, docker 26.1.5+dfsg1") == 2  # those of Berlin, and that which has a dind layer beside
    assert "(2 hosts): host, docker 19.03.15: 49 calls, as the model says" in text
    assert "runner025 and runner030 (2 hosts): nothing was measured" in text


def test_profiles_of_a_layer_have_their_own_calls() -> None:
    report = sample_report((), [sample_hosts.ready()])
    host = report["hosts"][0]
    own = {**host["layers"][0], "profile": "/etc/own.json"}
    host["layers"].append(own)
    calls = [{**call, "profile": "default"} for call in host["calls"]]
    host["calls"] = [*calls, {**calls[0], "profile": "/etc/own.json"}]
    text = calls_text(read(report))
    assert "host, docker 26.1.5+dfsg1: 49 calls" in text
    assert "host, docker 26.1.5+dfsg1, profile /etc/own.json: 1 call, as the model says" in text
