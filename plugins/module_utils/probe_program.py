# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""The program that makes the calls: its text, and what its one line of output means.

It runs inside a throw-away container with the host's own interpreter, and once on the host itself, where nothing
filters, to learn what the kernel answers. So its text needs only ctypes and any Python from 3.6 on, and every argument
of every call is -1, which no kernel accepts: nothing happens but the answer.

    source(numbers("x86_64"))         # the text for `python3 -I -S -c`
    parse(output)                     # {"machine": .., "calls": {"faccessat2": ["EINVAL", "kernel"], ..}, ..}
    answers(parsed, kernel_calls)     # {"faccessat2": {"answer": "allowed", "by": None, "errno": "EINVAL"}, ..}
"""

from __future__ import annotations

import json
from typing import Any, Mapping

from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import printable

MARKER = "RUNNERKIT-PROBE"

# What the kernel itself may answer for want of a right, which nobody has more of than this host's root.
REFUSALS = ("EPERM", "EACCES")

# How long the container stays for its configuration to be read. It is killed long before; this is for the case that
# nobody is left to kill it.
LINGER = 600.0

# Each call is made in a child, since a filter may kill whoever makes it; the child that comes after goes on with the
# next call. Then every call that was answered with something else than ENOSYS is repeated under a filter of the
# child's own that says SECCOMP_RET_TRACE, which becomes ENOSYS as nobody traces. Of several filters the strictest
# decides, and an error number is stricter than a trace: so the second answer is ENOSYS where the profile lets the call
# through and the kernel answered the first time, and the old one again where the profile answered.
_PROGRAM = r'''
import errno, json, os, struct, sys, time

NUMBERS = json.loads(@NUMBERS@)
MARKER, LINGER = @MARKER@, @LINGER@


def tell(report):
    os.write(1, (MARKER + " " + json.dumps(report, sort_keys=True) + "\n").encode())


try:
    import ctypes
except ImportError as error:
    tell({"error": "ctypes", "detail": str(error)})
    sys.exit(0)

LIBC = ctypes.CDLL(None, use_errno=True)
LONG = ctypes.c_long
PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS, MODE_FILTER = 22, 38, 2
ALLOW, TRACE = 0x7FFF0000, 0x7FF00000


def prctl(option, first=0, second=0):
    return LIBC.prctl(option, LONG(first), LONG(second), LONG(0), LONG(0))


def trace(numbers):
    """Answer NUMBERS with SECCOMP_RET_TRACE in this process from now on."""
    steps = [(0x20, 0, 0, 0)]
    steps += [(0x15, len(numbers) - i, 0, number) for i, number in enumerate(numbers)]
    steps += [(0x06, 0, 0, ALLOW), (0x06, 0, 0, TRACE)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps))
    program = ctypes.create_string_buffer(struct.pack("@HP", len(steps), ctypes.addressof(code)))
    return prctl(PR_SET_SECCOMP, MODE_FILTER, ctypes.addressof(program)) == 0


def call(number):
    ctypes.set_errno(0)
    result = LIBC.syscall(LONG(number), *[LONG(-1)] * 6)
    return ctypes.get_errno() if result == -1 else 0


def child(work):
    """What WORK(write) wrote in a child, and how the child ended."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            # Landlock asks for it, and so does a filter of an ordinary user's.
            prctl(PR_SET_NO_NEW_PRIVS, 1)
            work(lambda text: os.write(writer, text.encode()))
        finally:
            os._exit(0)
    os.close(writer)
    said = b""
    while True:
        part = os.read(reader, 4096)
        if not part:
            break
        said += part
    os.close(reader)
    return said.decode(), os.waitpid(pid, 0)[1]


def ask(names, traced):
    """errno of each call, `killed` for one that its maker did not survive; None where there may be no own filter."""
    found, rest = {}, list(names)
    while rest:

        def work(write):
            if traced and not trace([NUMBERS[name] for name in names]):
                write("no filter\n")
                return
            for name in rest:
                write("%d\n" % call(NUMBERS[name]))

        said, status = child(work)
        lines = said.split()
        if lines[:1] == ["no"]:
            return None
        for name, line in zip(rest, lines):
            found[name] = errno.errorcode.get(int(line), line) if int(line) else "OK"
        if len(lines) < len(rest):
            found[rest[len(lines)]] = "killed"
        rest = rest[len(lines) + 1:]
    return found


def ask_twice():
    first = ask(NUMBERS, False)
    names = [name for name in first if first[name] not in ("ENOSYS", "killed")]
    second = ask(names, True)
    report = {}
    for name in first:
        by = None
        if second is not None and second.get(name, "killed") != "killed":
            by = "kernel" if second[name] == "ENOSYS" else "profile"
        report[name] = [first[name], by]
    return report


def access(write):
    """What faccessat(..., AT_EACCESS) of the C library says of a program that may be executed: `test -x` asks this."""
    ctypes.set_errno(0)
    if LIBC.faccessat(-100, os.fsencode(sys.executable), 1, 0x200) == 0:
        write("works")
    else:
        write("fails " + os.strerror(ctypes.get_errno()))


def threads(write):
    import _thread

    lock = _thread.allocate_lock()
    lock.acquire()
    try:
        _thread.start_new_thread(lock.release, ())
    except RuntimeError as error:
        write("fails " + str(error))
        return
    write("works" if lock.acquire(True, 10) else "fails it was started and never ran")


def behaviour(work):
    said, status = child(work)
    result, _, detail = said.partition(" ")
    if not said:
        return {"result": "fails", "detail": "the process was killed (status %d)" % status}
    return {"result": result, "detail": detail}


tell({
    "machine": os.uname().machine,
    "calls": ask_twice(),
    "access": behaviour(access),
    "threads": behaviour(threads),
})
time.sleep(LINGER)
'''


def source(numbers: Mapping[str, int], linger: float = LINGER) -> str:
    """The text of the program for these calls; `linger` is how many seconds it stays after its line of output."""
    table = json.dumps(dict(numbers))
    return (
        _PROGRAM.replace("@NUMBERS@", repr(table))
        .replace("@MARKER@", repr(MARKER))
        .replace("@LINGER@", repr(float(linger)))
    )


def parse(text: str) -> dict[str, Any]:
    """The report in the output; ValueError, with a sentence, for an output that holds none."""
    line = next((line for line in text.splitlines() if line.startswith(MARKER + " ")), None)
    if line is None:
        raise ValueError(f"the probe's program printed no result but {first_words(text)}")
    try:
        report = json.loads(line[len(MARKER) :])
    except ValueError as error:
        raise ValueError(f"the probe's program printed a result that is not JSON: {error}") from error
    if isinstance(report, dict) and report.get("error") == "ctypes":
        raise ValueError(
            f"the host's Python has no ctypes ({report.get('detail')}); install the whole standard library of python3"
        )
    if not _is_report(report):
        raise ValueError("the probe's program printed a result of another shape")
    checked: dict[str, Any] = report
    return checked


def _is_report(report: Any) -> bool:
    calls = report.get("calls") if isinstance(report, dict) else None
    return isinstance(calls, dict) and all(
        isinstance(said, list)
        and len(said) == 2
        and isinstance(said[0], str)
        and said[1] in (None, "kernel", "profile")
        for said in calls.values()
    )


def answers(
    report: Mapping[str, Any],
    kernel_calls: Mapping[str, str] | None,
    kernel_errors: Mapping[str, str] | None = None,
) -> dict[str, dict[str, str | None]]:
    """LAYER's calls; `kernel_calls` is what the kernel itself says, without which ENOSYS is nobody's.

    `kernel_errors` are the errors by which it says so.
    """
    known, own = kernel_calls or {}, kernel_errors or {}
    return {name: _answer(errno, by, known.get(name), own.get(name)) for name, (errno, by) in report["calls"].items()}


def _answer(errno: str, by: str | None, kernel: str | None, own: str | None) -> dict[str, str | None]:
    if errno == "killed":
        return {"answer": "killed", "by": "profile", "errno": None}
    if errno == "ENOSYS":
        origin = {"ENOSYS": "kernel", "present": "profile"}.get(kernel or "", "unknown")
        return {"answer": "ENOSYS", "by": origin, "errno": None}
    if by == "profile" and errno == own and errno not in REFUSALS:
        # A supervisor (SCMP_ACT_NOTIFY) is asked before a trace is, and has let the kernel go on. Or a profile answers
        # as the kernel would, and nobody can tell the two apart.
        return {"answer": "allowed", "by": "unknown", "errno": None if errno == "OK" else errno}
    if by == "profile":
        # A profile may give any number. Whatever it is, it blocks: programs fall back on ENOSYS alone.
        return {"answer": "EPERM", "by": "profile", "errno": None if errno == "EPERM" else errno}
    if errno == "EPERM" and by is None:
        return {"answer": "EPERM", "by": "unknown", "errno": None}
    return {
        "answer": "allowed",
        "by": "kernel" if errno == "EPERM" else None,
        "errno": None if errno == "OK" else errno,
    }


def errors(report: Mapping[str, Any]) -> dict[str, str]:
    """The error by which the kernel itself answers each call, from a report that was made without a filter."""
    return {name: str(said[0]) for name, said in report["calls"].items()}


def presence(report: Mapping[str, Any]) -> dict[str, str]:
    """What the kernel itself says, from a report that was made without a filter."""
    return {name: "ENOSYS" if said[0] == "ENOSYS" else "present" for name, said in report["calls"].items()}


def first_words(text: str) -> str:
    """The end of an output, which is where interpreters say what went wrong, fit for a sentence."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    shown = printable((lines[-1] if lines else "")[:200])
    return repr(shown) if shown else "nothing"
