"""Run one registry per configuration: `run_registries.py FOLDER COMMAND ...`. Runs inside the registries' container.

When one of them ends, all end: the container starts anew then, and nobody tests against half a lab.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType


def main(folder: str, command: list[str]) -> int:
    configurations = sorted(Path(folder).glob("*.json"))
    running = [subprocess.Popen([*command, "serve", str(path)]) for path in configurations]

    def stop(_number: int, _frame: FrameType | None) -> None:
        for process in running:
            process.terminate()

    signal.signal(signal.SIGTERM, stop)
    ended, _status = os.wait()
    name = next((path.stem for path, process in zip(configurations, running) if process.pid == ended), "?")  # noqa: B905
    print(f"the registry {name} has ended, so the others end, too", file=sys.stderr, flush=True)
    stop(0, None)
    for process in running:
        process.wait()
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
