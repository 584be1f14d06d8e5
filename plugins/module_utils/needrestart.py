# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Keeping needrestart from restarting units under the jobs that need them.

After an upgrade of a library needrestart restarts what still uses the old one: Ubuntu has it from the start, on Debian
it is a package. Its own configuration leaves docker.service alone, but neither containerd.service, with which an engine
may go down, nor gitlab-runner.service, whose jobs a restart aborts. It goes on telling that they need a restart.

The file is written whether needrestart is there or not: whoever installs it later does not think of jobs, and until
then nobody reads the file.
"""

from __future__ import annotations

import re

from ansible_collections.runnerkit.gitlab.plugins.module_utils.files import read_text, remove, write_atomically

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

PATH = "/etc/needrestart/conf.d/runnerkit-{0}.conf"


def render(role: str, units: Iterable[str]) -> str:
    """The file, in Perl as all of needrestart's configuration; 0 has it leave a unit alone."""
    # As Perl's quotemeta does it: an @ begins a variable there.
    quoted = [re.sub(r"(\W)", r"\\\1", unit) for unit in sorted(set(units))]
    lines = [f"$nrconf{{override_rc}}{{qr(^{unit}$)}} = 0;\n" for unit in quoted]
    return f"# Ansible managed: role runnerkit.gitlab.{role}\n" + "".join(lines) if lines else ""


class Override:
    """The file of one role, as it is and as it shall be; empty text is no file, and no units want none."""

    def __init__(self, role: str, units: Iterable[str]) -> None:
        self.path = PATH.format(role)
        self.before = read_text(self.path) or ""
        self.after = render(role, units)

    @property
    def changes(self) -> bool:
        """Whether there is something to do."""
        return self.before != self.after

    def apply(self) -> None:
        """Write it, or remove it."""
        if self.after:
            write_atomically(self.path, self.after.encode(), 0o644)
        else:
            remove(self.path)
