# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""What tests of smoke jobs share."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tests.unit.plugins.module_utils.fake_engine import answer

GONE = answer(b"", "204 No Content")
ABSENT = answer({"message": "no such thing"}, "404 Not Found")


class Answers(dict):  # type: ignore[type-arg]
    """Answers of an engine by patterns of paths; the names of what is made cannot be known before."""

    def __init__(self, answers: Mapping[str, bytes | None]) -> None:
        super().__init__(answers)

    def get(self, path: Any, default: Any = None) -> Any:
        """The first that matches."""
        return next((value for pattern, value in self.items() if re.fullmatch(pattern, path)), default)


def deleted(requests: list[tuple[str, str, bytes]]) -> list[str]:
    """What was asked to be removed."""
    return [target for method, target, _ in requests if method == "DELETE"]
