# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Jobs that keep arriving while hosts are worked on, and what became of each of them."""

from __future__ import annotations

import itertools
import math
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any

from tests.support.gitlab import LabGitLab

Span = tuple[float, float]
SECONDS = (5, 20, 10, 40)
IMAGE = "lab/busybox:1"
_LAST_WORDS = "ran to its end"
# GitLab cuts times to the millisecond.
_MOMENT = 0.001


@dataclass(frozen=True)
class Ran:
    """A job, by its end or so far. Times are seconds since 1970, infinite where they have not come."""

    id: int
    status: str
    reason: str
    runner: str
    system_id: str
    queued: float
    began: float
    ended: float
    whole: bool  # whether its last line is in its log

    def __str__(self) -> str:
        where = f" on {self.runner} ({self.system_id}) from {clock(self.began)} to {clock(self.ended)}"
        return f"job {self.id}{where if self.runner else ', which no runner took'}"


def epoch(stamp: str | None) -> float:
    """A time as GitLab, a report or a host's file has it: ISO 8601."""
    return math.inf if stamp is None else datetime.fromisoformat(stamp).timestamp()


def clock(moment: float) -> str:
    return "…" if math.isinf(moment) else datetime.fromtimestamp(moment).astimezone().strftime("%H:%M:%S.%f")[:-3]


def ran(state: Mapping[str, Any], numbers: Iterable[int] | None = None) -> list[Ran]:
    """The jobs of a stand-in's state, or those with these numbers."""
    names = {row["id"]: row["description"] or str(row["id"]) for row in state["runners"]}
    wanted = None if numbers is None else set(numbers)
    return [
        Ran(
            id=row["id"],
            status=row["status"],
            reason=row["failure_reason"] or "",
            runner=names.get(row["runner_id"], str(row["runner_id"] or "")),
            system_id=row["system_id"] or "",
            queued=epoch(row["created_at"]),
            began=epoch(row["started_at"]),
            ended=epoch(row["finished_at"]),
            whole=any(line.strip() == _LAST_WORDS for line in row["trace"].splitlines()),
        )
        for row in state["jobs"]
        if wanted is None or row["id"] in wanted
    ]


def pauses(state: Mapping[str, Any]) -> dict[str, list[Span]]:
    """From when to when each runner was paused in GitLab, by its description."""
    found: dict[str, list[Span]] = {}
    for row in state["runners"]:
        spans = found.setdefault(row["description"] or str(row["id"]), [])
        for change in row["pauses"]:
            if change["paused"]:
                spans.append((change["at"], math.inf))
            else:
                spans[-1] = (spans[-1][0], change["at"])
    return found


def not_well(jobs: Iterable[Ran]) -> list[str]:
    """A sentence for each job that was aborted, failed, never taken or never ended."""
    return [
        f"{job}: {job.status}{f' ({job.reason})' if job.reason else ''}{'' if job.whole else ', its log is not whole'}"
        for job in jobs
        if job.status != "success" or not job.whole
    ]


def begun_within(jobs: Iterable[Ran], spans: Mapping[str, Sequence[Span]]) -> list[str]:
    """A sentence for each job that began while its runner was paused, or whatever else the spans mean."""
    return [
        f"{job}: begun between {clock(since)} and {clock(until)}"
        for job in jobs
        for since, until in spans.get(job.runner, ())
        if since + _MOMENT < job.began < until - _MOMENT
    ]


def running_within(jobs: Iterable[Ran], spans: Mapping[str, Sequence[Span]]) -> list[str]:
    """A sentence for each job that ran, if only for a moment, while its host was being changed."""
    return [
        f"{job}: ran between {clock(since)} and {clock(until)}"
        for job in jobs
        for since, until in spans.get(job.runner, ())
        if job.began < until - _MOMENT and since + _MOMENT < job.ended
    ]


class Feed(threading.Thread):
    """Keeps some jobs waiting in GitLab's queue, so that a host that may take one always finds one.

    Each sleeps as many seconds as its turn in SECONDS says. `with Feed(gitlab) as feed:` stops when the block ends;
    `wait()` waits for the jobs that were queued by then.
    """

    def __init__(
        self,
        gitlab: LabGitLab,
        seconds: Sequence[float] = SECONDS,
        *,
        waiting: int = 4,
        image: str | None = IMAGE,
        tags: Sequence[str] = (),
    ) -> None:
        super().__init__(name="feed", daemon=True)
        self._gitlab = gitlab
        self._turns = itertools.cycle(seconds)
        self._waiting = waiting
        self._job: dict[str, Any] = {"image": image, "tags": tags}
        self._enough = threading.Event()
        self._numbers: list[int] = []
        self._trouble: Exception | None = None

    def run(self) -> None:
        queued: list[int] = []
        try:
            while not self._enough.wait(0.5):
                queued = [number for number in queued if self._gitlab.job(number)["status"] == "pending"]
                while len(queued) < self._waiting:
                    queued.append(self._queue())
        except Exception as error:  # noqa: BLE001 - whoever waits gets it
            self._trouble = error

    def _queue(self) -> int:
        script = [f"sleep {next(self._turns)}", f"echo {_LAST_WORDS}"]
        self._numbers.append(self._gitlab.queue(script, **self._job))
        return self._numbers[-1]

    def stop(self) -> None:
        """No more jobs from here on."""
        self._enough.set()
        self.join()
        if self._trouble:
            raise self._trouble

    def __enter__(self) -> Feed:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def jobs(self) -> list[Ran]:
        """Those of this feed, as they are now."""
        return ran(self._gitlab.state(), tuple(self._numbers))

    def until_busy(self, runners: Iterable[str], timeout: float = 60) -> None:
        """Wait until each of these runners (their descriptions in GitLab) has a job running."""
        wanted, deadline = set(runners), time.monotonic() + timeout
        while missing := wanted - {job.runner for job in self.jobs if job.status == "running"}:
            assert time.monotonic() < deadline, f"no job runs on {', '.join(sorted(missing))} after {timeout} s"
            time.sleep(0.5)

    def wait(self, timeout: float = 300) -> list[Ran]:
        """Stop, wait until the queue is empty and every job has ended, and give all of them, well or not."""
        self.stop()
        deadline = time.monotonic() + timeout
        while any(math.isinf(job.ended) for job in self.jobs) and time.monotonic() < deadline:
            time.sleep(1)
        return self.jobs

    def complaints(self, jobs: Iterable[Ran], changing: Mapping[str, Sequence[Span]] | None = None) -> list[str]:
        """What was promised and not kept: every job to its end, none begun on a paused runner.

        CHANGING says when nothing at all may have run, by the runner's description: from the end of its host's drain
        to the moment that GitLab Runner was started again.
        """
        jobs = list(jobs)
        return [
            *not_well(jobs),
            *begun_within(jobs, pauses(self._gitlab.state())),
            *running_within(jobs, changing or {}),
        ]
