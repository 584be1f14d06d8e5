# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Certificates and keys as a diff may show them: what is public as it is, of a private key that it is one."""

from __future__ import annotations

import re

from ansible_collections.runnerkit.gitlab.plugins.module_utils.ca_look import Found

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ansible_collections.runnerkit.gitlab.plugins.module_utils.ca_decide import Step

# Also one whose end is missing, and one in a file that is meant for certificates.
_KEY = re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|\Z)", re.DOTALL)
ONE, ANOTHER = "(a private key)\n", "(another private key)\n"


def difference(step: Step) -> dict[str, str]:
    """One file of the diff."""
    before, after = step.found, step.after
    return {
        "before_header": _header(step.path, before, after),
        "after_header": _header(step.path, after, before),
        "before": _shown(step.path, before, ONE),
        "after": _shown(step.path, after, ONE if before.content in (None, after.content) else ANOTHER),
    }


def _header(path: str, this: Found, other: Found) -> str:
    """The path, with what the content does not show."""
    if this.target is not None:
        return f"{path} (a link to {this.target})"
    if this.content is not None and other.is_file and other.content == this.content and this.mode is not None:
        return f"{path} (mode {this.mode:04o})"
    return path


def _shown(path: str, found: Found, key: str) -> str:
    """A file's content."""
    if found.content is None:
        return ""
    if path.endswith(".key"):
        return key
    try:
        text = found.content.decode("utf-8")
    except UnicodeDecodeError:
        return f"({len(found.content)} bytes that are no text)\n"
    return _KEY.sub(key.strip(), text)
