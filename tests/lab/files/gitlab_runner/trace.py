"""The log of a job on its way to GitLab."""

from __future__ import annotations

import threading
import zlib
from collections.abc import Callable, Sequence

from .gitlab import GitLab
from .log import log

INTERVAL = 3.0
PIECE = 1 << 20


class Trace:
    """Takes lines, sends them every few seconds, and tells when the server does not want the job any more."""

    def __init__(
        self, gitlab: GitLab, job: int, token: str, masked: Sequence[str], abort: Callable[[str], None]
    ) -> None:
        self._gitlab, self._job, self._token = gitlab, job, token
        # The longest first: one secret may be the beginning of another.
        self._masked = [value.encode() for value in sorted(masked, key=len, reverse=True)]
        self._abort = abort
        self._data = b""
        self._unfinished = b""
        self._sent = 0
        self._interval = INTERVAL
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._loop, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def write(self, data: bytes) -> None:
        """Whole lines go to the server; a secret is never cut in two that way."""
        with self._lock:
            whole, newline, rest = (self._unfinished + data).rpartition(b"\n")
            self._unfinished = rest
            self._data += self._clean(whole + newline)

    def line(self, text: str) -> None:
        self.write(text.encode() + b"\n")

    def _clean(self, data: bytes) -> bytes:
        for value in self._masked:
            data = data.replace(value, b"[MASKED]")
        return data

    def checksum(self) -> dict[str, object]:
        return {"checksum": f"crc32:{zlib.crc32(self._data):08x}", "bytesize": len(self._data)}

    def _send(self) -> None:
        with self._lock:
            piece = self._data[self._sent : self._sent + PIECE]
        if not piece:
            return
        answer = self._gitlab.patch_trace(self._job, self._token, piece, self._sent)
        if answer.status == 202:
            self._sent += len(piece)
        elif answer.status == 416:
            self._sent = int(answer.headers.get("Range", "0-0").rpartition("-")[2] or 0)
        elif answer.status == 403:
            self._abort("canceled")
        else:
            log("Appending trace to coordinator... failed", "WARNING", job=self._job, status=answer.status)
        interval = answer.headers.get("X-GitLab-Trace-Update-Interval", "")
        if interval.isdigit() and int(interval) > 0:
            self._interval = float(interval)
        self.obey(answer.headers.get("Job-Status", ""))

    def obey(self, status: str) -> None:
        """What the server thinks of the job, as any of its answers may say."""
        if status in ("canceling", "canceled", "failed"):
            self._abort("canceled")

    def _loop(self) -> None:
        while not self._ended.wait(self._interval):
            self._send()

    def close(self) -> None:
        """Send the rest."""
        self._ended.set()
        self._thread.join()
        with self._lock:
            self._data += self._clean(self._unfinished)
            self._unfinished = b""
        for _ in range(5 + len(self._data) // PIECE):
            if self._sent < len(self._data):
                self._send()
