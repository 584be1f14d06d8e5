# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""What the measurements share."""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections.abc import Sequence

from tests.support.plays import CHECKOUT


def lab(*arguments: str) -> None:
    """The lab's command line; its own words go to the terminal."""
    subprocess.run([sys.executable, "-m", "tests.lab", *arguments], cwd=CHECKOUT, check=True)


def spread(values: Sequence[float]) -> str:
    """Median, and in brackets the smallest and largest."""
    return f"{statistics.median(values):6.2f} ({min(values):.2f} to {max(values):.2f})"
