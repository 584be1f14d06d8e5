# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Lines of text that fit a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.report_shape import count, listed, name_ranges

WIDTH = 110
LEAST_WIDTH = 60


def read_width(width: Any) -> int:
    """How wide lines may be; ValueError names what is no number."""
    try:
        return max(int(width), LEAST_WIDTH)
    except (TypeError, ValueError):
        raise ValueError(f"width is {width!r}, where a number such as {WIDTH} is wanted") from None


def names_of(names: Sequence[str], most: int | None = None) -> str:
    """Every host by its name, in short; of more than MOST only the first ones."""
    number = count(len(names), "host")
    ranges = name_ranges(names)
    if most is not None and len(ranges) > most:
        return f"{number}, such as {listed(ranges[: most // 2])}"
    return listed(ranges) if len(names) == 1 else f"{listed(ranges)} ({number})"


def wrapped(text: str, width: int, first: str = "", further: str = "  ") -> str:
    """A paragraph whose lines are at most WIDTH wide; FIRST and FURTHER stand before its lines."""
    filled = textwrap.fill(
        " ".join(text.split(" ")), width, initial_indent=first, subsequent_indent=further, break_on_hyphens=False
    )
    return filled or first.rstrip()
