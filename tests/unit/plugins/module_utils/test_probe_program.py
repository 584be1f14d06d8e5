# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import ast
import contextlib
import json
import os
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.runnerkit.gitlab.plugins.module_utils import probe_program
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_kernel import callable_numbers, is_filtered
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_program import (
    MARKER,
    answers,
    errors,
    parse,
    presence,
)

needs_the_bare_kernel = pytest.mark.skipif(is_filtered(), reason="these tests are under a seccomp filter themselves")
needs_numbers = pytest.mark.skipif(not callable_numbers(), reason="the calls of this architecture are not known")

# Puts a filter over itself, as a runtime does, and then runs the program: number of a call to seccomp action.
CONFINED = """
import ctypes, struct
libc = ctypes.CDLL(None, use_errno=True)
steps = [(0x20, 0, 0, 0)]
for number, action in {rules!r}:
    steps += [(0x15, 0, 1, number), (0x06, 0, 0, action)]
steps += [(0x06, 0, 0, 0x7FFF0000)]
code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps))
program = ctypes.create_string_buffer(struct.pack("@HP", len(steps), ctypes.addressof(code)))
zero = ctypes.c_long(0)
assert libc.prctl(38, ctypes.c_long(1), zero, zero, zero) == 0
assert libc.prctl(22, ctypes.c_long(2), ctypes.c_long(ctypes.addressof(program)), zero, zero) == 0
exec({source!r})
"""
# A supervisor that lets every call go on: the process is its parent, and gets the listener from pidfd_getfd.
SUPERVISED = """
import ctypes, os, struct, sys, threading
libc = ctypes.CDLL(None, use_errno=True)
steps = [(0x20, 0, 0, 0), (0x15, 0, 1, {number}), (0x06, 0, 0, 0x7FC00000), (0x06, 0, 0, 0x7FFF0000)]
code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps))
program = ctypes.create_string_buffer(struct.pack("@HP", len(steps), ctypes.addressof(code)))
zero, word = ctypes.c_long(0), ctypes.c_long
assert libc.prctl(38, word(1), zero, zero, zero) == 0
inherited, ready = os.pipe()
supervisor = os.fork()
if supervisor == 0:
    os.read(inherited, 1)
    target = libc.syscall(word(434), word(os.getppid()), zero)
    listener = libc.syscall(word(438), word(target), word({listener}), zero)
    while True:
        asked = ctypes.create_string_buffer(80)
        if libc.ioctl(listener, ctypes.c_ulong(0xC0502100), asked) < 0:
            os._exit(1)
        said = ctypes.create_string_buffer(struct.pack("=QqiI", struct.unpack("=Q", asked[:8])[0], 0, 0, 1))
        libc.ioctl(listener, ctypes.c_ulong(0xC0182101), said)
listener = libc.syscall(word({seccomp}), word(1), word(8), word(ctypes.addressof(program)))
assert listener >= 0, ctypes.get_errno()
os.dup2(listener, {listener})
os.write(ready, b"x")
try:
    exec({source!r})
finally:
    os.kill(supervisor, 9)
"""
ERRNO, KILL, TRACE, TRAP = 0x00050000, 0x80000000, 0x7FF00000, 0x00030000


def run(text: str) -> str:
    """What a program prints in an interpreter as the container has it."""
    ended = subprocess.run(
        [sys.executable, "-I", "-S", "-c", text], capture_output=True, text=True, timeout=60, check=True
    )
    return ended.stdout


def confined(rules: dict[str, int]) -> dict[str, Any]:
    """The program's report under a filter of these rules."""
    numbers = callable_numbers()
    pairs = [(numbers[name], action) for name, action in rules.items()]
    return parse(run(CONFINED.format(rules=pairs, source=probe_program.source(numbers, linger=0))))


def test_python_3_6_understands_the_program() -> None:
    ast.parse(probe_program.source({"statx": 332}), feature_version=(3, 6))


@needs_numbers
def test_without_a_filter_every_call_is_answered_by_the_kernel() -> None:
    report = parse(run(probe_program.source(callable_numbers(), linger=0)))
    assert set(report["calls"]) == set(callable_numbers())
    kernel = presence(report)
    assert set(kernel.values()) <= {"present", "ENOSYS"}
    if not is_filtered():
        refused = {name for name, answer in answers(report, kernel).items() if answer["by"] == "profile"}
        assert refused == set()
    assert report["access"]["result"] == "works"
    assert report["threads"]["result"] == "works"


@needs_numbers
@needs_the_bare_kernel
@pytest.mark.parametrize(
    ("action", "expected"),
    [
        pytest.param(ERRNO | 1, {"answer": "EPERM", "by": "profile", "errno": None}, id="a filter's EPERM"),
        pytest.param(ERRNO | 38, {"answer": "ENOSYS", "by": "profile", "errno": None}, id="a filter's ENOSYS"),
        pytest.param(TRACE, {"answer": "ENOSYS", "by": "profile", "errno": None}, id="a trace that nobody follows"),
        pytest.param(ERRNO | 13, {"answer": "EPERM", "by": "profile", "errno": "EACCES"}, id="another number"),
        pytest.param(KILL, {"answer": "killed", "by": "profile", "errno": None}, id="a filter that kills"),
        pytest.param(TRAP, {"answer": "killed", "by": "profile", "errno": None}, id="a filter that sends a signal"),
    ],
)
def test_a_filter_is_recognised(action: int, expected: dict[str, Any]) -> None:
    report = confined({"statx": action})
    kernel = dict.fromkeys(report["calls"], "present")
    found = answers(report, kernel)
    assert found["statx"] == expected
    # Its neighbours are not taken along.
    assert found["rseq"]["answer"] == "allowed"
    assert found["pidfd_open"]["answer"] == "allowed"


@needs_numbers
@needs_the_bare_kernel
def test_a_supervisor_that_lets_a_call_go_on_is_no_refusal() -> None:
    seccomp = {"x86_64": 317, "aarch64": 277}[os.uname().machine]
    numbers = callable_numbers()
    text = SUPERVISED.format(
        number=numbers["statx"], seccomp=seccomp, listener=99, source=probe_program.source(numbers, linger=0)
    )
    try:
        report = parse(run(text))
    except subprocess.CalledProcessError:
        pytest.skip("this kernel has no user notification, or does not let one be tried here")
    own = errors(parse(run(probe_program.source(numbers, linger=0))))
    assert report["calls"]["statx"] == [own["statx"], "profile"]
    kernel = dict.fromkeys(report["calls"], "present")
    assert answers(report, kernel, own)["statx"] == {"answer": "allowed", "by": "unknown", "errno": own["statx"]}


@needs_numbers
@needs_the_bare_kernel
def test_the_program_survives_a_filter_that_kills_call_after_call() -> None:
    names = ["statx", "rseq", "clone3", "openat2", "faccessat2"]
    found = confined(dict.fromkeys(names, KILL))["calls"]
    assert [found[name][0] for name in names] == ["killed"] * 5
    assert set(found) == set(callable_numbers())


@needs_numbers
@needs_the_bare_kernel
def test_without_a_filter_of_its_own_the_program_cannot_tell_who_refused() -> None:
    # prctl(PR_SET_SECCOMP) and prctl(PR_SET_NO_NEW_PRIVS) are one call; refused, there is no second look.
    prctl = {"x86_64": 157, "aarch64": 167}[os.uname().machine]
    numbers = callable_numbers()
    rules = [(numbers["statx"], ERRNO | 1), (prctl, ERRNO | 1)]
    report = parse(run(CONFINED.format(rules=rules, source=probe_program.source(numbers, linger=0))))
    assert answers(report, None)["statx"] == {"answer": "EPERM", "by": "unknown", "errno": None}
    assert answers(report, None)["pidfd_open"] == {"answer": "allowed", "by": None, "errno": "EINVAL"}


def test_an_interpreter_without_ctypes_is_told_what_it_lacks() -> None:
    output = run("import sys\nsys.modules['_ctypes'] = None\n" + probe_program.source({"statx": 332}, linger=0))
    with pytest.raises(
        ValueError, match=r"Python has no ctypes \(.*\); install the whole standard library of python3$"
    ):
        parse(output)


@pytest.mark.parametrize(
    ("said", "kernel", "expected"),
    [
        pytest.param(["EINVAL", "kernel"], "present", ("allowed", None, "EINVAL"), id="any other error is an answer"),
        pytest.param(["OK", "kernel"], "present", ("allowed", None, None), id="so is success"),
        pytest.param(["EPERM", "profile"], "present", ("EPERM", "profile", None), id="EPERM of the profile blocks"),
        pytest.param(["EPERM", "kernel"], "present", ("allowed", "kernel", "EPERM"), id="EPERM of the kernel does not"),
        pytest.param(["EPERM", None], "present", ("EPERM", "unknown", None), id="EPERM of nobody knows whom"),
        pytest.param(
            ["EACCES", "profile"], "present", ("EPERM", "profile", "EACCES"), id="a profile's own number blocks"
        ),
        pytest.param(["EACCES", None], "present", ("allowed", None, "EACCES"), id="a number that cannot be placed"),
        pytest.param(["ENOSYS", None], "present", ("ENOSYS", "profile", None), id="the kernel has it, so the profile"),
        pytest.param(["ENOSYS", None], "ENOSYS", ("ENOSYS", "kernel", None), id="the kernel lacks it"),
        pytest.param(["ENOSYS", None], None, ("ENOSYS", "unknown", None), id="the kernel was not asked"),
        pytest.param(["killed", None], "present", ("killed", "profile", None), id="killed"),
    ],
)
def test_an_answer_is_read(said: list[Any], kernel: str | None, expected: tuple[Any, ...]) -> None:
    found = answers({"calls": {"clone3": said}}, {"clone3": kernel} if kernel else None)
    assert tuple(found["clone3"].values()) == expected


@pytest.mark.parametrize(
    ("said", "own", "expected"),
    [
        pytest.param("EINVAL", "EINVAL", ("allowed", "unknown", "EINVAL"), id="the kernel's own answer: let through"),
        pytest.param("OK", "OK", ("allowed", "unknown", None), id="a success as the kernel has it"),
        pytest.param("EINVAL", "EFAULT", ("EPERM", "profile", "EINVAL"), id="another number than the kernel's"),
        pytest.param("EINVAL", None, ("EPERM", "profile", "EINVAL"), id="the kernel was not asked"),
        pytest.param("EACCES", "EACCES", ("EPERM", "profile", "EACCES"), id="a refusal, even one like the kernel's"),
        pytest.param("EPERM", "EPERM", ("EPERM", "profile", None), id="the usual refusal, likewise"),
        pytest.param("ENOSYS", "ENOSYS", ("ENOSYS", "kernel", None), id="no such call"),
    ],
)
def test_a_profiles_answer_is_compared_with_the_kernels(said: str, own: str | None, expected: tuple[Any, ...]) -> None:
    kernel = {"statx": "ENOSYS" if own == "ENOSYS" else "present"}
    found = answers({"calls": {"statx": [said, "profile"]}}, kernel, {"statx": own} if own else None)
    assert tuple(found["statx"].values()) == expected


@pytest.mark.parametrize(
    ("output", "message"),
    [
        pytest.param("", "printed no result but nothing", id="no output"),
        pytest.param("Traceback\nImportError: x\n", "printed no result but 'ImportError: x'", id="a traceback"),
        pytest.param("a\x1b[31mb", "printed no result but 'a?[31mb'", id="control characters"),
        pytest.param(f"{MARKER} {{", "is not JSON", id="a result cut short"),
        pytest.param(f"{MARKER} []", "of another shape", id="a list"),
        pytest.param(f"{MARKER} {{}}", "of another shape", id="no calls"),
        pytest.param(MARKER + ' {"calls": {"statx": "EPERM"}}', "of another shape", id="calls of another kind"),
    ],
)
def test_a_bad_output_is_a_sentence(output: str, message: str) -> None:
    with pytest.raises(ValueError, match=r"^the probe's program printed ") as caught:
        parse(output)
    assert message in str(caught.value)


def test_the_line_is_found_among_others() -> None:
    line = json.dumps({"calls": {"statx": ["EINVAL", "kernel"]}})
    assert parse(f"a warning\n{MARKER} {line}\nmore\n")["calls"] == {"statx": ["EINVAL", "kernel"]}


@given(
    st.one_of(
        st.text(),
        st.recursive(st.none() | st.text(), lambda more: st.lists(more) | st.dictionaries(st.text(), more)).map(
            json.dumps
        ),
    )
)
def test_no_output_whatever_breaks_the_reader(text: str) -> None:
    with contextlib.suppress(ValueError):
        answers(parse(f"{MARKER} {text}\n"), None)
