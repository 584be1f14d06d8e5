# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Files of the controller that a task names, found where Ansible's copy finds them, and decrypted in memory."""

from __future__ import annotations

from pathlib import Path

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase


def read(action: ActionBase, path: str) -> bytes | None:
    """The content of a file; None when there is no such file.

    A relative path is looked for in `files` of the role, then beside the playbook. What ansible-vault encrypted comes
    decrypted. OSError says in its words what is wrong.
    """
    try:
        found = Path(action._find_needle("files", path))
    except AnsibleError:
        return None
    if found.is_dir():
        raise OSError(0, "it is a folder")
    # Ansible's own reader says of a file that cannot be read only that it cannot.
    with found.open("rb"):
        pass
    try:
        content, _ = action._loader._get_file_contents(str(found))
    except AnsibleError:
        content = None
    # Outside of the handler, as Ansible shows what led to an error.
    if content is None:
        raise OSError(0, "ansible-vault encrypted it, and the password is not known")
    return bytes(content)
