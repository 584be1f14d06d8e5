"""Running programs, saying what happens, and failing in one sentence."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

_STARTED = time.monotonic()
_PRINTING = threading.Lock()
T = TypeVar("T")


class LabError(Exception):
    """What went wrong and what to do about it, in one sentence."""


def say(text: str) -> None:
    """Print one line of progress. Standard output is left to data."""
    with _PRINTING:
        print(f"lab {time.monotonic() - _STARTED:6.1f} s  {text}", file=sys.stderr, flush=True)


@contextmanager
def step(text: str) -> Iterator[None]:
    """Say that something begins, and how long it took when it is done."""
    say(f"{text} ...")
    begun = time.monotonic()
    yield
    say(f"{text}: done in {time.monotonic() - begun:.1f} s")


def run(
    command: Sequence[str | Path],
    *,
    data: bytes | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    remedy: str = "",
    timeout: float | None = None,
) -> str:
    """Run a program and return its standard output; a failure shows the end of what it said."""
    words = [str(word) for word in command]
    try:
        done = subprocess.run(
            words,
            input=data,
            stdin=subprocess.DEVNULL if data is None else None,
            capture_output=True,
            env={**os.environ, "LC_ALL": "C.UTF-8", **(env or {})},
            cwd=cwd,
            timeout=timeout,
            check=False,
        )
    except FileNotFoundError:
        raise LabError(
            f"The program {words[0]!r} is missing; install what `python3 -m tests.lab requirements` prints."
        ) from None
    except subprocess.TimeoutExpired:
        raise LabError(f"`{' '.join(words[:6])}` did not end within {timeout} s. {remedy}".strip()) from None
    if done.returncode != 0:
        output = (done.stderr or done.stdout).decode(errors="replace").strip()
        tail = "\n  ".join(output.splitlines()[-12:])
        raise LabError(
            f"`{' '.join(words[:6])}` failed with exit code {done.returncode}. {remedy}".strip() + f"\n  {tail}"
        )
    return done.stdout.decode(errors="replace")


def succeeds(command: Sequence[str | Path]) -> bool:
    """Whether a program ends well; what it says is of no interest."""
    words = [str(word) for word in command]
    return subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode == 0


def in_parallel(jobs: Sequence[Callable[[], T]], at_once: int = 8) -> list[T]:
    """Run jobs side by side; the first failure is raised when all have ended."""
    if not jobs:
        return []
    with ThreadPoolExecutor(max_workers=min(at_once, len(jobs))) as pool:
        return [future.result() for future in [pool.submit(job) for job in jobs]]


def write(path: Path, text: str, mode: int = 0o644) -> None:
    """Write a file so that a reader sees the old text or the new one, never a half."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    draft.touch(mode=mode)
    draft.write_text(text)
    draft.chmod(mode)
    draft.replace(path)
