"""The scripts behind `make test` and `make molecule`: when they say passed, and when failed."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest

from scripts import molecule
from scripts import test as runner

CHECKOUT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param("fresh-debian12  : ok=3  changed=1  unreachable=0 failed=0", {"fresh-debian12"}, id="a host"),
        pytest.param("\x1b[0;33mweb1\x1b[0m : ok=3  changed=1  unreachable=0", {"web1"}, id="a host in colour"),
        pytest.param("  \x1b[2m\u2502\x1b[0m web1   : ok=3    changed=1   ", {"web1"}, id="a host in molecule's frame"),
        pytest.param("web1 : ok=0  changed=0  unreachable=1", set(), id="a host on which nothing ran"),
        pytest.param("localhost : ok=7  changed=2  unreachable=0", set(), id="the controller itself"),
        pytest.param("TASK [Say ok=3]", set(), id="another line"),
    ],
)
def test_hosts_in(line: str, expected: set[str]) -> None:
    assert molecule.hosts_in(line) == expected


@pytest.mark.parametrize(
    ("report", "expected"),
    [
        pytest.param('<testsuites><testsuite tests="5" skipped="2"/></testsuites>', 3, id="skipped tests were not run"),
        pytest.param('<testsuites><testsuite tests="0" skipped="0"/></testsuites>', 0, id="no test was collected"),
        pytest.param(None, 0, id="pytest was never started"),
    ],
)
def test_tests_in(tmp_path: Path, report: str | None, expected: int) -> None:
    path = tmp_path / "tests.xml"
    if report is not None:
        path.write_text(report)
    assert molecule.tests_in(path) == expected


@pytest.mark.parametrize(
    ("status", "hosts", "tests", "problem"),
    [
        pytest.param(0, {"web1"}, 4, "", id="a good run"),
        pytest.param(2, {"web1"}, 4, "molecule ended with exit code 2", id="molecule failed"),
        pytest.param(0, set(), 4, "no task ran on any host", id="there was no host"),
        pytest.param(0, {"web1"}, 0, "no test ran", id="there was no test"),
    ],
)
def test_verdict(status: int, hosts: set[str], tests: int, problem: str) -> None:
    assert molecule.verdict(status, hosts, tests).startswith(problem)
    assert bool(molecule.verdict(status, hosts, tests)) == bool(problem)


def step(name: str, program: str, limit: int = 60) -> runner.Step:
    return runner.Step(name, "try", "a step of a test", (sys.executable, "-c", program), limit)


def test_the_longest_scenarios_begin_first_and_none_is_left_out() -> None:
    assert runner.scenarios()[: len(runner.LONGEST)] == list(runner.LONGEST)
    assert sorted(runner.scenarios()) == molecule.scenarios()


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        pytest.param(
            "  \x1b[2m│\x1b[0m E       assert 1 == 2\n  \x1b[2m│\x1b[0m E       +1\n"
            "  \x1b[2m│\x1b[0m E       fatal: [h1]: FAILED! => gone\n  \x1b[2m│\x1b[0m FAILED test_a.py::test_b\nover",
            ("E       assert 1 == 2", "E       fatal: [h1]: FAILED! => gone", "FAILED test_a.py::test_b"),
            id="a test in molecule's frame",
        ),
        pytest.param("\x1b[31mfatal: [h1]: gone\x1b[0m\nend", ("fatal: [h1]: gone",), id="a task"),
        pytest.param("one\n\ntwo\n", ("one", "two"), id="a step's last words"),
        pytest.param("", (), id="no word"),
    ],
)
def test_reasons(printed: str, expected: tuple[str, ...]) -> None:
    assert runner.reasons(printed) == expected


def test_the_last_line_counts_and_a_failure_does_not_stop_the_rest(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    steps = [step("good", "print('fine')"), step("bad", "raise SystemExit(3)"), step("late", "print('still run')")]
    monkeypatch.setattr(runner, "steps", lambda: steps)
    assert runner.main([]) == 1
    output = capfd.readouterr().out
    assert "still run" in output
    assert "FAILED  bad" in output
    assert "exit code 3" in output
    assert output.splitlines()[-1] == "2 passed, 1 failed"


def test_what_two_steps_print_at_a_time_is_not_mixed(capfd: pytest.CaptureFixture[str]) -> None:
    slowly = "import time\nfor n in range(3): print('{0}', n, flush=True); time.sleep(0.2)"
    outcomes = runner.Runner(2).run([step(name, slowly.format(name)) for name in ("one", "two")])
    assert [(outcome.step.name, outcome.problem) for outcome in outcomes] == [("one", ""), ("two", "")]
    output = capfd.readouterr().out
    assert "one 0\none 1\none 2\n" in output
    assert "two 0\ntwo 1\ntwo 2\n" in output


@pytest.mark.parametrize(("jobs", "beside"), [(2, True), (1, False)], ids=["two lanes", "one after the other"])
def test_a_step_that_waits_runs_beside_the_others(jobs: int, beside: bool, tmp_path: Path) -> None:
    wait = "import pathlib, time; pathlib.Path({!r}).touch(); time.sleep(1.5)"
    names = ("one", "two", "late")
    steps = [step(name, wait.format(str(tmp_path / name))) for name in names]
    runner.Runner(jobs).run([*steps[:2], dataclasses.replace(steps[2], patient=True)])
    began = [(tmp_path / name).stat().st_mtime for name in names]
    assert (max(began) - min(began) < 1.4) is beside


@pytest.mark.parametrize("wanted", ["0", "many"])
def test_a_number_of_jobs_that_is_none_is_named(monkeypatch: pytest.MonkeyPatch, wanted: str) -> None:
    monkeypatch.setenv("JOBS", wanted)
    with pytest.raises(SystemExit, match=f"JOBS is '{wanted}'"):
        runner.jobs()


def test_a_step_that_hangs_fails() -> None:
    outcome = runner.Runner(1).step(step("slow", "import time; time.sleep(60)", limit=1))
    assert outcome.problem.startswith("still running after")
    assert outcome.seconds < 30


def test_a_step_whose_program_is_missing_fails() -> None:
    missing = runner.Step("gone", "try", "a step of a test", ("/no/such/program",))
    assert runner.Runner(2).step(missing).problem.startswith("could not be started")


def test_an_unknown_step_is_named_with_those_there_are() -> None:
    with pytest.raises(SystemExit, match=r"no step or group 'lnit'; choose from .*lint"):
        runner.choose(["lnit"])


def test_an_unknown_scenario_is_named_with_the_command() -> None:
    call = [sys.executable, "scripts/molecule.py", "no-such"]
    done = subprocess.run(call, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "SCENARIO is 'no-such'" in done.stdout
    assert "make molecule SCENARIO=" in done.stdout
