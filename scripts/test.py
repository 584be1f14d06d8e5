"""Runs the project's checks one after the other and says at the end which of them passed.

    test.py              every step
    test.py lint         the steps of one group
    test.py types unit   single steps, by name

Two steps run at a time on a machine with two cores or more, since most of them wait for hosts, and beside them, one
after the other, those that hardly do anything but wait; JOBS=1 in the environment runs one after the other. What a
step prints is shown when it is over. A step that fails does not keep the others from running. The last line is
`N passed, N failed`.
"""

from __future__ import annotations

import itertools
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO

CHECKOUT = Path(__file__).resolve().parent.parent
PYTHON = sys.executable
MINUTE = 60
# Those that take longest begin first: at the end no lane waits for another.
LONGEST = (
    "rolling", "rolling_faults", "registration", "registry_ca", "readiness", "dind", "shell", "socket", "interrupted",
)  # fmt: skip
# These wait for jobs most of their time.
PATIENT = ("rolling", "rolling_faults", "pull")
# Of a failed step's output, the summary repeats so many lines at most, so wide: those of pytest's and Ansible's errors,
# and of what pytest shows of a failed assertion (E) the first line.
_REASONS, _WIDTH = 12, 300
_TELLING = re.compile(r"(E +)?(FAILED|ERROR|fatal:|\[ERROR\])\s?\S|E +\S")
_DRESS = re.compile(r"\x1b\[[0-9;]*m|^(\x1b\[[0-9;]*m|[ │])+")


@dataclass(frozen=True)
class Step:
    """One command that passes or fails."""

    name: str
    group: str
    about: str
    command: tuple[str, ...]
    # A step that hangs must not take the others with it.
    limit: int = 5 * MINUTE
    # Whether it may run beside as many as there are cores for.
    patient: bool = False


@dataclass(frozen=True)
class Outcome:
    step: Step
    seconds: float
    problem: str
    # What the step itself said of its failure.
    reasons: tuple[str, ...] = ()


def tool(name: str, *arguments: str) -> tuple[str, ...]:
    """The command line of a program of the environment."""
    return (str(Path(PYTHON).parent / name), *arguments)


def scenarios() -> list[str]:
    """Molecule's scenarios in the order of their steps; `shared` holds what they have in common."""
    found = {path.parent.name for path in CHECKOUT.glob("molecule/*/molecule.yml")} - {"shared"}
    return [*(name for name in LONGEST if name in found), *sorted(found.difference(LONGEST))]


def steps() -> list[Step]:
    return [
        Step("ruff", "lint", "style and common errors in Python", tool("ruff", "check")),
        Step(
            "format", "lint", "layout of Python (make format repairs it)", tool("ruff", "format", "--check", "--diff")
        ),
        Step("types", "lint", "types, mypy strict", ("scripts/mypy.sh",)),
        Step(
            "python38",
            "lint",
            "what runs on hosts needs nothing newer than Python 3.8",
            tool("vermin", "--target=3.8-", "--violations", "--no-tips", "plugins/modules", "plugins/module_utils"),
        ),
        Step("yamllint", "lint", "YAML", tool("yamllint", "--strict", ".")),
        Step(
            "ansible-lint", "lint", "playbooks and roles, profile production", tool("ansible-lint", "-q", "--nocolor")
        ),
        Step("changelog", "lint", "changelog fragments", tool("antsibull-changelog", "lint")),
        Step("sanity", "lint", "ansible-test sanity", (PYTHON, "scripts/sanity.py"), 15 * MINUTE),
        Step("unit", "unit", "unit tests", (PYTHON, "-m", "pytest", "--quiet"), 10 * MINUTE),
        Step(
            "collection",
            "collection",
            "the collection, built, installed elsewhere and used from there",
            (PYTHON, "-m", "pytest", "--quiet", "tests/collection"),
        ),
        Step("browser", "browser", "the fleet's report in a browser", ("scripts/browser.sh", "--quiet")),
        *(
            Step(
                f"molecule {name}",
                "molecule",
                f"scenario {name} on throw-away hosts",
                (PYTHON, "scripts/molecule.py", name),
                (45 if name in PATIENT else 20) * MINUTE,
                name in PATIENT,
            )
            for name in scenarios()
        ),
    ]


def choose(wanted: list[str]) -> list[Step]:
    """The steps to run, in their order, or an error that names what there is."""
    every = steps()
    if not wanted:
        return every
    known = {step.name for step in every} | {step.group for step in every}
    unknown = [name for name in wanted if name not in known]
    if unknown:
        sys.exit(f"test: there is no step or group '{unknown[0]}'; choose from {', '.join(sorted(known))}.")
    return [step for step in every if step.name in wanted or step.group in wanted]


class Runner:
    """Runs steps, several at a time where it may."""

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs
        self.printing = threading.Lock()
        self.running: set[subprocess.Popen[bytes]] = set()
        self.stopped = False

    def run(self, chosen: Iterable[Step]) -> list[Outcome]:
        with ThreadPoolExecutor(self.jobs) as pool, ThreadPoolExecutor(1) as patient:
            beside = patient if self.jobs > 1 else pool
            futures = [(beside if step.patient else pool).submit(self.step, step) for step in chosen]
            try:
                return [future.result() for future in futures]
            except KeyboardInterrupt:
                self.stopped = True
                for process in list(self.running):
                    end(process)
                raise

    def step(self, step: Step) -> Outcome:
        """Run one step in a process group of its own, so that its time limit ends all that it started."""
        if self.stopped:
            return Outcome(step, 0, "not run")
        title = f"\n=== {step.name}: {step.about}\n    {shlex.join(shorten(step.command))}"
        began = time.monotonic()
        with tempfile.TemporaryFile() as output:
            # What two steps print at a time nobody could read: it waits in a file.
            target = output if self.jobs > 1 else None
            self.say(f"... {step.name} begins" if target else title)
            problem = self.problem(step, target)
            seconds = time.monotonic() - began
            output.seek(0)
            printed = output.read().decode(errors="replace")
        verdict = f"FAILED, {problem}" if problem else "passed"
        said = f"{title}\n{printed}" if target else ""
        self.say(f"{said}--- {step.name}: {verdict} in {seconds:.1f} s")
        return Outcome(step, seconds, problem, reasons(printed) if problem else ())

    def problem(self, step: Step, output: IO[bytes] | None) -> str:
        """What went wrong with a step, or nothing."""
        try:
            process = subprocess.Popen(
                step.command, cwd=CHECKOUT, env=environment(), start_new_session=True,
                stdout=output, stderr=subprocess.STDOUT if output else None,
            )  # fmt: skip
        except OSError as error:
            return f"could not be started: {error}"
        self.running.add(process)
        try:
            status = process.wait(timeout=step.limit)
        except subprocess.TimeoutExpired:
            end(process)
            return f"still running after {step.limit // MINUTE} minutes"
        finally:
            self.running.discard(process)
        return f"exit code {status}" if status else ""

    def say(self, text: str) -> None:
        with self.printing:
            print(text, flush=True)


def environment() -> dict[str, str]:
    """That of the steps: the programs of the virtual environment call one another by name."""
    own = str(Path(PYTHON).parent)
    path = os.environ.get("PATH", os.defpath)
    return {**os.environ, "PATH": path if own in path.split(os.pathsep) else f"{own}{os.pathsep}{path}"}


def end(process: subprocess.Popen[bytes]) -> None:
    """Ask a step's processes to stop, which lets molecule remove its hosts, then insist."""
    for sign, patience in ((signal.SIGINT, 60), (signal.SIGKILL, 10)):
        try:
            os.killpg(process.pid, sign)
            process.wait(timeout=patience)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


def shorten(command: tuple[str, ...]) -> list[str]:
    """A command as one would type it in the checkout."""
    return [part.removeprefix(f"{CHECKOUT}/") for part in command]


def jobs() -> int:
    """How many steps run at a time."""
    wanted = os.environ.get("JOBS", "")
    if wanted and not (wanted.isdigit() and int(wanted)):
        sys.exit(f"test: JOBS is '{wanted}'; give a number of steps to run at a time, such as 1.")
    return int(wanted) if wanted else min(2, os.cpu_count() or 1)


def reasons(printed: str) -> tuple[str, ...]:
    """The lines that say why a step failed, without colours and molecule's frame: its errors, or its last words."""
    lines = [_DRESS.sub("", line).rstrip() for line in printed.splitlines()]
    telling = [
        line
        for before, line in itertools.pairwise(["", *lines])
        if (told := _TELLING.match(line)) and (told[2] or not before.startswith("E "))
    ] or [line for line in lines if line]
    return tuple(line[:_WIDTH] for line in telling[-_REASONS:])


def summary(outcomes: list[Outcome]) -> str:
    width = max(len(outcome.step.name) for outcome in outcomes)
    lines = [
        f"  {'FAILED' if outcome.problem else 'passed'}  {outcome.step.name:<{width}}  {outcome.seconds:7.1f} s"
        + (f"  {outcome.problem}" if outcome.problem else "")
        for outcome in outcomes
    ]
    failed = sum(1 for outcome in outcomes if outcome.problem)
    why = [
        line
        for outcome in outcomes
        if outcome.reasons
        for line in ("", f"{outcome.step.name}:", *(f"  {reason}" for reason in outcome.reasons))
    ]
    return "\n".join(["", "=== summary", *lines, *why, "", f"{len(outcomes) - failed} passed, {failed} failed"])


def main(arguments: list[str]) -> int:
    chosen = choose(arguments)
    outcomes = Runner(jobs()).run(chosen)
    print(summary(outcomes), flush=True)
    return 1 if any(outcome.problem for outcome in outcomes) else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit("test: stopped.")
