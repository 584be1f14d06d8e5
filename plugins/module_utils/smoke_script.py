# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""What a smoke job does, in plain sh, and what it says of it.

Each step is a function; `step NAME` runs it between two lines that the module finds in the output. An image for jobs
need not hold more than a shell with a few small programs and the docker command.
"""

from __future__ import annotations

import re
import shlex
from typing import Mapping, NamedTuple, Sequence

JOB, VERSION, BUILD, MOUNT = "job", "docker_version", "docker_build", "bind_mount"
PREFIX = "runnerkit-smoke-"

# What a container of the job's image can be asked, whatever else it holds.
_FUNCTIONS = r"""
umask 022
say() { printf '\n%s%s %s\n' runnerkit-smoke- "$mark" "$*"; }
step() {
	say "begin $1"
	(set -e; "$1") </dev/null 2>&1
	code=$?
	say "end $1 $code"
}
job() {
	mkdir -p "$folder/data"
	cd "$folder"
	echo "$mark" >data/proof
	printf '%s\n' "$dockerfile" >Dockerfile
	echo "as $(id -un 2>/dev/null || id -u) in $folder"
}
docker_version() {
	command -v docker >/dev/null 2>&1 || { echo "there is no docker command on PATH ($PATH)"; exit 127; }
	docker version
	docker version --format 'client {{.Client.Version}}, engine {{.Server.Version}}' 2>/dev/null || :
}
docker_build() {
	cd "$folder"
	if [ -n "$archive" ]; then
		loaded=$(docker load -q -i "$archive")
		docker tag "${loaded##* }" "$base"
	fi
	docker build --force-rm --label "$label" -t "$built" .
	echo "$built was built from $source"
}
bind_mount() {
	cd "$folder"
	# What is mounted besides has no blanks in it, and is words.
	seen=$(docker run --rm --name "$name" --label "$label" $mounts -v "$PWD/data:/app/data" --entrypoint sh "$base" -c '
		[ -d /app/data ] || { echo "no folder at all"; exit 0; }
		[ ! -f /app/data/proof ] || { cat /app/data/proof; exit 0; }
		found=$(echo /app/data/*)
		[ "$found" != "/app/data/*" ] || found="an empty directory"
		echo "$found"')
	[ "$seen" = "$mark" ] || {
		echo "docker run -v \$PWD/data:/app/data: the container sees $seen in place of $PWD/data/proof"
		exit 1
	}
	echo "the container sees the file in $PWD/data"
}
"""

_MARKER = re.compile(rf"^{PREFIX}[0-9a-f]+ (begin|end) (\w+)(?: (\d+))?$")


class Words(NamedTuple):
    """What the script is told; every value is text without a meaning for the shell."""

    mark: str
    folder: str
    base: str
    source: str
    built: str
    name: str
    label: str
    dockerfile: str
    archive: str = ""
    mounts: str = ""


class Heard(NamedTuple):
    """A step in a job's output: how it ended, None for one that did not, and what it printed."""

    step: str
    code: int | None
    lines: tuple[str, ...]
    began: float
    ended: float | None


def functions(words: Words) -> str:
    """The steps, for a shell."""
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in words._asdict().items()) + _FUNCTIONS


def script(words: Words, steps: Sequence[str]) -> str:
    """All of it. The version is what the others stand on; a build that fails does not keep from trying the mount."""
    # Not `step ... || exit`: on the left of that, and below it, a shell ignores `set -e`.
    lines = [f"step {name}" + ('; [ "$code" -eq 0 ] || exit 1' if name in (JOB, VERSION) else "") for name in steps]
    # A folder that several runners share is left as it was found.
    return functions(words) + "trap 'rm -rf \"$folder\"' EXIT\n" + "\n".join([*lines, "exit 0"]) + "\n"


def dockerfile(base: str, mark: str, label: str, run: bool) -> str:
    """A build with a file of the checkout and, where the image can run anything, a command in it."""
    lines = [f"FROM {base}", f"LABEL {label}", f"COPY data/proof /runnerkit-{mark}"]
    if run:
        check = "test -x /bin/sh || { echo 'test -x /bin/sh says no in this container'; exit 1; }"
        lines.append(f"RUN {{ {check}; }} && cat /runnerkit-{mark}")
    return "\n".join(lines)


def hear(lines: Sequence[tuple[float, str]]) -> list[Heard]:
    """The steps in lines of output, each with its time."""
    found: list[Heard] = []
    for when, line in lines:
        marker = _MARKER.match(line)
        if marker and marker.group(1) == "begin":
            found.append(Heard(marker.group(2), None, (), when, None))
        elif marker and found and found[-1].step == marker.group(2):
            found[-1] = found[-1]._replace(code=int(marker.group(3) or 1), ended=when)
        elif found and found[-1].ended is None and line.strip():
            found[-1] = found[-1]._replace(lines=(*found[-1].lines, line))
    return found


def environment_text(environment: Mapping[str, str]) -> str:
    """Assignments for a shell that is not started with an environment."""
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in environment.items())
