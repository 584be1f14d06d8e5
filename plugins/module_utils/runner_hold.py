# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""The hold on GitLab Runner: while this file is there nobody starts it.

Neither the scripts of its package nor a reboot do, since its unit has the file as a condition, nor does a play that
does not know why it was stopped. The file names the holder, who releases it.
"""

from __future__ import annotations

import json
import time

from ansible_collections.runnerkit.gitlab.plugins.module_utils.files import read_text, remove, write_atomically

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterable, TypedDict

    class Hold(TypedDict):
        """Who holds it, and since when (UTC)."""

        by: str
        since: str | None


PATH = "/var/lib/runnerkit/gitlab-runner-hold"
# Who may hold it, and what starts it again then.
REMEDIES = {
    "upgrade": "run playbooks/upgrade.yml, which finishes the upgrade and starts it",
    "drain": "run playbooks/resume.yml, which starts it",
    "docker_engine": "run playbooks/site.yml, which starts it",
}
ANY = "any"
_UNKNOWN = "unknown"


def read() -> Hold | None:
    """The hold. For systemd its being there is enough, so one that cannot be read is somebody's that is not known."""
    try:
        text = read_text(PATH)
        if text is None:
            return None
        found = json.loads(text)
        return {"by": str(found["by"]), "since": str(found["since"])}
    except (OSError, ValueError, TypeError, KeyError):
        return {"by": _UNKNOWN, "since": None}


def new(by: str) -> Hold:
    """A hold from now on."""
    return {"by": by, "since": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}


def render(hold: Hold | None) -> str:
    """The file; empty for none."""
    return json.dumps(hold) + "\n" if hold else ""


def write(hold: Hold) -> None:
    """Hold it."""
    write_atomically(PATH, render(hold).encode(), 0o644)


def forget() -> bool:
    """Hold it no longer; False when nobody did."""
    return remove(PATH)


def releases(names: Iterable[str], hold: Hold) -> bool:
    """Whether somebody who may release the holds of these may release this one."""
    return bool({ANY, hold["by"]} & set(names))


def yields(hold: Hold, by: str) -> bool:
    """Whether the hold becomes another's: one that a restart of the engine left would end in the middle of theirs."""
    return hold["by"] == "docker_engine" and by != "docker_engine"


def sentence(hold: Hold) -> str:
    """Who holds it, and what is to be done for it to be started."""
    remedy = REMEDIES.get(hold["by"], f"see who wrote {PATH} and remove it, or start the runner with release: [{ANY}]")
    since = f" since {hold['since']}" if hold["since"] else ""
    return f"it is held by {hold['by']}{since}; {remedy}"
