# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""What is told of jobs that arrive while hosts are worked on."""

from __future__ import annotations

import dataclasses
import itertools
import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.support.gitlab import GitLabStandIn, LabGitLab
from tests.support.rolling import Feed, Ran, begun_within, not_well, pauses, ran, running_within

_numbers = itertools.count()
WELL = Ran(7, "success", "", "one", "s_1", queued=50.0, began=100.0, ended=120.0, whole=True)
SPANS = {"one": [(10.0, 20.0), (100.5, 119.0)], "other": [(0.0, math.inf)]}


@pytest.fixture(scope="module")
def server() -> Iterator[GitLabStandIn]:
    with GitLabStandIn() as standin:
        yield standin


@pytest.fixture
def lab(server: GitLabStandIn) -> LabGitLab:
    """An instance that no other test knows."""
    return server.elsewhere(f"test{next(_numbers)}")


class Worker(threading.Thread):
    """A runner whose jobs take no time; its log ends as WORDS say."""

    def __init__(self, lab: LabGitLab, name: str, words: str = "ran to its end", state: str = "success") -> None:
        super().__init__(daemon=True)
        made = lab.api("POST", "/user/runners", {"runner_type": "instance_type", "description": name})
        self.id, self.lab, self.words, self.state = made["id"], lab, words, state
        self._token, self.enough = made["token"], threading.Event()

    def take(self) -> dict[str, Any]:
        """The next job, or nothing."""
        asked = {"token": self._token, "system_id": f"s_{self.name}"}
        status, _headers, job = self.lab.call("POST", "/api/v4/jobs/request", asked)
        return job if status == 201 else {}

    def end(self, job: dict[str, Any]) -> None:
        content = f"$ sleep\n{self.words}\n".encode()
        span = {"JOB-TOKEN": job["token"], "Content-Range": f"0-{len(content) - 1}", "Content-Type": "text/plain"}
        self.lab.call("PATCH", f"/api/v4/jobs/{job['id']}/trace", content, span)
        self.lab.call("PUT", f"/api/v4/jobs/{job['id']}", {"token": job["token"], "state": self.state})

    def run(self) -> None:
        while not self.enough.wait(0.01):
            job = self.take()
            if job:
                self.end(job)

    def pause(self, paused: bool) -> None:
        self.lab.api("PUT", f"/runners/{self.id}", {"paused": paused})


@contextmanager
def working(*workers: Worker) -> Iterator[None]:
    """They take jobs meanwhile."""
    for worker in workers:
        worker.start()
    try:
        yield
    finally:
        for worker in workers:
            worker.enough.set()
            worker.join()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param({}, "", id="one that is well is not told of"),
        pytest.param({"status": "failed", "reason": "script_failure"}, "failed (script_failure)", id="one that failed"),
        pytest.param({"status": "canceled"}, "canceled", id="one that was aborted"),
        pytest.param({"status": "pending", "runner": "", "whole": False}, "which no runner took: pending", id="lost"),
        pytest.param({"status": "running", "ended": math.inf}, "to …: running", id="one that never ends"),
        pytest.param({"whole": False}, "success, its log is not whole", id="one that did not get to its last line"),
    ],
)
def test_a_job_that_is_not_well_is_told_of(change: dict[str, Any], said: str) -> None:
    found = not_well([WELL, dataclasses.replace(WELL, **change)])
    assert len(found) == (1 if said else 0)
    assert said in "".join(found)


@pytest.mark.parametrize(
    ("began", "ended", "begun", "running"),
    [
        pytest.param(90.0, 100.0, False, False, id="over before"),
        pytest.param(90.0, 101.0, False, True, id="begun before, still at it"),
        pytest.param(100.5, 100.5, False, False, id="in the moment of the pause"),
        pytest.param(101.0, 102.0, True, True, id="all of it within"),
        pytest.param(118.0, 200.0, True, True, id="longer than the pause"),
        pytest.param(90.0, math.inf, False, True, id="no end in sight"),
        pytest.param(119.0, 130.0, False, False, id="begun when it was over"),
        pytest.param(math.inf, math.inf, False, False, id="never begun"),
    ],
)
def test_a_job_and_a_pause(began: float, ended: float, begun: bool, running: bool) -> None:
    job = dataclasses.replace(WELL, began=began, ended=ended)
    assert bool(begun_within([job], SPANS)) == begun
    assert bool(running_within([job], SPANS)) == running
    assert running_within([dataclasses.replace(job, runner="unknown")], SPANS) == []


def test_a_pause_lasts_until_it_ends_or_for_good(lab: LabGitLab) -> None:
    one, two = Worker(lab, "one"), Worker(lab, "two")
    for worker, paused in ((one, True), (one, False), (one, True), (two, False)):
        worker.pause(paused)
    found = pauses(lab.state())
    (first, second) = found["one"]
    assert first[0] < first[1] < second[0] < second[1] == math.inf
    assert found["two"] == []


def test_a_feed_keeps_every_runner_busy_and_knows_what_became_of_its_jobs(lab: LabGitLab) -> None:
    other = lab.queue(["true"], tags=["nobody"])
    with working(Worker(lab, "one"), Worker(lab, "two")):
        with Feed(lab, (3, 4), waiting=2) as feed:
            lab.wait_for(lab.state, lambda state: len(state["jobs"]) > 6)
        jobs = feed.wait(20)
    assert other not in {job.id for job in jobs}
    assert len(jobs) >= 6
    assert {job.runner for job in jobs} <= {"one", "two"}
    assert feed.complaints(jobs) == []
    assert [lab.job(job.id)["script"][0] for job in jobs[:3]] == ["sleep 3", "sleep 4", "sleep 3"]


def test_a_feed_waits_until_all_are_busy_and_names_those_that_are_not(lab: LabGitLab) -> None:
    one = Worker(lab, "one")
    with Feed(lab, waiting=1) as feed:
        while not one.take():
            pass
        feed.until_busy(["one"], timeout=5)
        with pytest.raises(AssertionError, match=r"no job runs on three, two after 0\.1 s"):
            feed.until_busy(["one", "two", "three"], timeout=0.1)


def test_a_job_given_to_a_paused_runner_is_a_complaint(lab: LabGitLab) -> None:
    one = Worker(lab, "one", words="cut off")
    with Feed(lab, waiting=1) as feed:
        job: dict[str, Any] = {}
        while not job:
            job = one.take()
        one.end(job)
    (row, *_rest) = feed.jobs
    state = lab.state()
    state["runners"][0]["pauses"] = [{"at": row.began - 1, "paused": True}]
    assert begun_within([row], pauses(state)) != []
    said = feed.complaints(feed.jobs)[0]
    assert said.startswith(f"job {row.id} on one (s_")
    assert said.endswith("success, its log is not whole")
    assert len(feed.complaints([row], {"one": [(row.began - 1, row.ended + 1)]})) == 2


def test_a_feed_whose_gitlab_is_gone_says_so(lab: LabGitLab) -> None:
    feed = Feed(LabGitLab("https://127.0.0.1:1", lab.ca, "gone"))
    feed.start()
    feed.join(10)
    with pytest.raises(OSError, match="refused"):
        feed.stop()


def test_all_jobs_of_a_state_or_some(lab: LabGitLab) -> None:
    numbers = [lab.queue(["true"]) for _ in range(3)]
    assert [job.id for job in ran(lab.state())] == numbers
    assert [job.id for job in ran(lab.state(), numbers[1:])] == numbers[1:]
