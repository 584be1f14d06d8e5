"""The shell script of a job, as it is fed to a shell's standard input."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from .variables import Variables

GREEN, PLAIN = "\033[32;1m", "\033[0;m"
# What the job's container runs: the best shell that its image has.
DETECT = (
    "for shell in /usr/local/bin/bash /usr/bin/bash /bin/bash /usr/local/bin/sh /usr/bin/sh /bin/sh /busybox/sh; do "
    'if [ -x "$shell" ]; then exec "$shell"; fi; done; echo shell not found; exit 1'
)


def _exports(variables: Variables, folder: str) -> list[str]:
    lines = []
    for key, value in variables.usable().items():
        if key in variables.files:
            path = f"{folder}.tmp/{key}"
            lines += [
                f"mkdir -p {shlex.quote(folder + '.tmp')}",
                f"printf %s {shlex.quote(value)} >{shlex.quote(path)}",
                f"export {key}={shlex.quote(path)}",
            ]
        else:
            lines.append(f"export {key}={shlex.quote(value)}")
    return lines


def notice(text: str) -> str:
    """A line of the log in the colour of what the runner says itself."""
    return f"printf '%s\\n' {shlex.quote(f'{GREEN}{text}{PLAIN}')}"


def prelude(variables: Variables, folder: str, strict: bool = True) -> list[str]:
    """What every stage begins with."""
    lines = [*_exports(variables, folder), "if (set -o pipefail) 2>/dev/null; then set -o pipefail; fi"]
    return [*lines, "set -e"] if strict else lines


def whole(body: Sequence[str]) -> str:
    """One function of it all, so that the shell has read everything before a command can eat its input."""
    return "\n".join(["job() {", *body, "}", "job </dev/null", ""])


def compose(variables: Variables, folder: str, commands: Sequence[str], strict: bool = True) -> str:
    """All of a stage."""
    body = prelude(variables, folder, strict)
    body += [f"mkdir -p {shlex.quote(folder)}", f"cd {shlex.quote(folder)}"]
    for command in commands:
        first = command.strip().partition("\n")[0]
        body += [notice(f"$ {first}"), command]
    return whole([*body, ":" if strict else ""])
