"""`gitlab-runner run`: watch the file, ask for jobs, run them, end as the signal says."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from . import config
from .config import get, seconds
from .docker import Docker
from .gitlab import GitLab
from .job import Executor, Job
from .log import log, short
from .rotation import rotate
from .shell import Shell

TICK = 0.2
WATCH = 3.0
CHECK_INTERVAL = 3.0
SHUTDOWN_TIMEOUT = 30.0
EXECUTORS: dict[str, Callable[[Job], Executor]] = {"docker": Docker, "shell": Shell}


class Poller:
    """What is known of one [[runners]] entry between two requests."""

    def __init__(self) -> None:
        self.due = 0.0
        self.asking = False
        self.last_update = ""
        self.failures = 0


class Daemon:
    """The running program."""

    def __init__(self, path: str, work: str, user: str) -> None:
        self.path, self.work, self.user = path, work, user
        self.data: dict[str, Any] = {}
        self.pollers: dict[tuple[str, str, str], Poller] = {}
        self.slots: dict[int, Job] = {}
        self.owners: dict[int, tuple[str, str, str]] = {}
        self.lock = threading.Lock()
        self.stamp = -1.0
        self.watched = 0.0
        self.signals: list[int] = []
        self.draining = False

    def load(self, first: bool = False) -> None:
        """Take the file as it is now; a broken one changes nothing."""
        try:
            self.stamp = Path(self.path).stat().st_mtime
        except OSError:
            self.stamp = 0.0
        try:
            data = config.load(self.path)
        except (config.ConfigError, OSError, UnicodeDecodeError) as error:
            if first:
                raise SystemExit(f"FATAL: Failed to load config {error}") from error
            log("Failed to load config", "ERROR", error=str(error).replace("\n", " "))
            return
        if int(get(data, "concurrent", 1)) < 1:
            raise SystemExit("FATAL: concurrent is below 1")
        self.data = data
        keys = [self.key(runner) for runner in config.runners(data)]
        # A reload forgives a runner that was refused.
        self.pollers = {key: self.pollers.get(key, Poller()) for key in keys}
        for poller in self.pollers.values():
            poller.failures, poller.due = 0, 0.0
        log("Configuration loaded", builds=len(self.slots), max_builds=get(data, "concurrent", 1))

    @staticmethod
    def key(runner: Mapping[str, Any]) -> tuple[str, str, str]:
        return str(get(runner, "name")), str(get(runner, "url")), str(get(runner, "token"))

    def _watch(self) -> None:
        if time.monotonic() - self.watched < WATCH:
            return
        self.watched = time.monotonic()
        try:
            stamp = Path(self.path).stat().st_mtime
        except OSError:
            return
        if stamp != self.stamp:
            self.load()
        if not self.draining and rotate(self.path, self.data):
            self.load()

    def _has_room(self, runner: Mapping[str, Any]) -> bool:
        key = self.key(runner)
        limit = int(get(runner, "limit") or 0)
        busy = [number for number, owner in self.owners.items() if owner == key]
        asking = sum(poller.asking for poller in self.pollers.values())
        total = len(self.owners) + asking < int(get(self.data, "concurrent", 1))
        return total and (limit == 0 or len(busy) < limit)

    def _ask(self) -> None:
        """A request for every runner that has room; each in a thread of its own, for a server may be slow."""
        interval = float(get(self.data, "check_interval") or 0)
        interval = interval if interval > 0 else CHECK_INTERVAL
        for runner in config.runners(self.data):
            poller = self.pollers[self.key(runner)]
            usable = bool(get(runner, "token")) and get(runner, "executor") in EXECUTORS
            with self.lock:
                ready = usable and not poller.asking and time.monotonic() >= poller.due and self._has_room(runner)
                if ready:
                    poller.asking, poller.due = True, time.monotonic() + interval
            if ready:
                threading.Thread(target=self._request, args=(dict(runner), poller), daemon=True).start()

    def _request(self, runner: dict[str, Any], poller: Poller) -> None:
        job, slot = None, 0
        try:
            answer = GitLab(runner, self.path).request_job(poller.last_update)
            poller.last_update = answer.headers.get("X-GitLab-Last-Update", poller.last_update)
            about: dict[str, Any] = {"runner": short(str(get(runner, "token"))), "status": answer.status}
            if answer.status == 201 and isinstance(answer.data, dict):
                poller.failures, poller.due = 0, 0.0
                with self.lock:
                    # Reserved before `asking` ends, so that nobody else takes the place in between.
                    slot = next(number for number in range(len(self.slots) + 1) if number not in self.slots)
                    job = Job(runner, answer.data, slot, self.path, self.user, self.work)
                    self.slots[slot], self.owners[slot] = job, self.key(runner)
                log("Checking for jobs... received", job=job.id, **about)
            elif answer.status == 204:
                poller.failures = 0
            elif answer.status == 403:
                self._refused(runner, poller)
            else:
                log("Checking for jobs... failed", "WARNING", error=answer.error, **about)
        finally:
            poller.asking = False
        if job:
            try:
                job.run(EXECUTORS[str(get(runner, "executor"))](job))
            finally:
                with self.lock:
                    del self.slots[slot], self.owners[slot]

    def _refused(self, runner: Mapping[str, Any], poller: Poller) -> None:
        poller.failures += 1
        about = {"runner": short(str(get(runner, "token")))}
        log("Checking for jobs... forbidden", "ERROR", **about)
        if poller.failures >= int(get(runner, "unhealthy_requests_limit") or 3):
            wait = seconds(get(runner, "unhealthy_interval"), 3600.0)
            poller.failures, poller.due = 0, time.monotonic() + wait
            log("Runner is unhealthy and will be disabled for a while", "ERROR", seconds=wait, **about)

    def _forceful(self, number: int) -> int:
        """Abort the jobs, and wait for them a while."""
        log("Starting forceful shutdown", "WARNING", StopSignal=signal.Signals(number).name)
        self.signals.clear()
        limit = float(get(self.data, "shutdown_timeout") or 0)
        end = time.monotonic() + (limit if limit > 0 else SHUTDOWN_TIMEOUT)
        for job in list(self.slots.values()):
            job.stop(signal.Signals(number).name)
        while self.slots and time.monotonic() < end:
            if self.signals:
                log("Forced exit with a second signal", "WARNING")
                return 1
            time.sleep(TICK / 2)
        log("Can exit now!" if not self.slots else "shutdown timed out")
        return 1 if self.slots else 0

    def _heed(self) -> int | None:
        """What the signals want; the exit code when it is time."""
        while self.signals:
            number = self.signals.pop(0)
            if number == signal.SIGHUP:
                self.load()
            elif number == signal.SIGQUIT:
                log("Starting graceful shutdown, waiting for builds to finish", "WARNING", builds=len(self.slots))
                self.draining = True
            else:
                return self._forceful(number)
        asking = any(poller.asking for poller in self.pollers.values())
        if self.draining and not self.slots and not asking:
            log("All workers stopped. Can exit now!")
            return 0
        return None

    def run(self) -> int:
        for number in (signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda got, frame: self.signals.append(got))
        log("Starting multi-runner", config=self.path, pid=os.getpid())
        self.load(first=True)
        config.system_id(self.path)
        while True:
            code = self._heed()
            if code is not None:
                return code
            self._watch()
            if not self.draining:
                self._ask()
            time.sleep(TICK)
