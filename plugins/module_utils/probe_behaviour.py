# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""Behaviour, not calls: whether `test -x` and threads work with the programs of an image that is on the host."""

from __future__ import annotations

from typing import Any, Mapping, Sequence

from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import Engine, EngineError, printable
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_again import again_if_vanished
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_container import throw_away
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_janitor import Janitor
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_program import MARKER, first_words
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_result import untested

END = f"{MARKER} end"

# Programs are looked for with `-e`, which asks for their existence: `-x` and `command -v` ask what is on trial here.
# Each is first run in a way that needs no thread, so that one which is broken otherwise does not count.
_SCRIPT = r"""
m=@MARKER@
if [ -e /bin/sh ]; then
    if test -x /bin/sh; then echo "$m access works"; else echo "$m access fails"; fi
fi
has() {
    for d in /usr/local/bin /usr/bin /bin; do
        if [ -e "$d/$1" ]; then found=$d/$1; return 0; fi
    done
    return 1
}
try() {
    said=$("$@" 2>&1)
    code=$?
    if [ "$code" = 0 ]; then echo "$m threads works $1"; else echo "$m threads fails $1 $code"; echo "$said"; fi
    echo "$m end"
    exit 0
}
if [ -e /bin/threads ]; then try /bin/threads; fi
if has python3 && "$found" -c 'import threading' 2>/dev/null; then
    try "$found" -c 'import threading; t = threading.Thread(target=int); t.start(); t.join()'
fi
if has perl && "$found" -Mthreads -e 1 2>/dev/null; then
    try "$found" -Mthreads -e 'threads->create(sub {})->join'
fi
if has node && "$found" --version >/dev/null 2>&1; then try "$found" -e 0; fi
if has ruby && "$found" --version >/dev/null 2>&1; then try "$found" -e 'Thread.new {}.join'; fi
echo "$m end"
"""


def script() -> str:
    """The text for `sh -c` in a container of the image."""
    return _SCRIPT.replace("@MARKER@", MARKER)


def own_behaviour(report: Mapping[str, Any]) -> dict[str, Any]:
    """The host's own interpreter and C library in the empty container, from the program's report."""
    return {
        "image": None,
        "access": _own(report.get("access"), "faccessat with AT_EACCESS of the host's C library"),
        "threads": _own(report.get("threads"), "a thread of the host's Python"),
    }


def _own(said: Any, what: str) -> dict[str, str]:
    if not isinstance(said, dict) or said.get("result") not in ("works", "fails"):
        return {"result": "untested", "detail": "the probe's program did not tell"}
    detail = printable(str(said.get("detail") or ""))
    return {"result": str(said["result"]), "detail": f"{what}: {detail}" if detail else what}


def image_behaviour(image: str, output: str) -> dict[str, Any]:
    """What the script printed in a container of IMAGE."""
    found = untested(image, "the image has no program that would show it")
    for part in ("\n" + output).split(f"\n{MARKER} ")[1:]:
        line, _, rest = part.partition("\n")
        words = printable(line).split()
        if words[:1] == ["access"] and words[1:] in (["works"], ["fails"]):
            found["access"] = {"result": words[1], "detail": "test -x /bin/sh"}
        elif words[:2] == ["threads", "works"] and len(words) == 3:
            found["threads"] = {"result": "works", "detail": f"a thread of {words[2]}"}
        elif words[:2] == ["threads", "fails"] and len(words) == 4:
            detail = f"a thread of {words[2]} (status {words[3]}): {first_words(rest)}"
            found["threads"] = {"result": "fails", "detail": detail}
    return found


def measure_image(
    engine: Engine, janitor: Janitor, image: str, host_config: Mapping[str, Any], deadline: float
) -> dict[str, Any]:
    """Run the script in a container of IMAGE, which is not pulled."""
    config = {"Image": image, "Entrypoint": ["sh", "-c", script()], "Cmd": [], "NetworkDisabled": True}

    def run() -> dict[str, Any]:
        try:
            with throw_away(engine, janitor, config, host_config, deadline) as container:
                return image_behaviour(image, container.output_until(END))
        except EngineError as error:
            if error.status == 404 and "image" in error.message.lower():
                return untested(image, f"{image} is not on this host and the probe pulls nothing; pull it first")
            raise

    try:
        return again_if_vanished(run)
    except EngineError as error:
        return untested(image, error.message)


def measure_images(
    engine: Engine, janitor: Janitor, images: Sequence[str], host_config: Mapping[str, Any], deadline: float
) -> list[dict[str, Any]]:
    """The behaviour of each image."""
    return [measure_image(engine, janitor, image, host_config, deadline) for image in images]
