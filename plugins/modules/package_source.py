#!/usr/bin/python
# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

DOCUMENTATION = r"""
module: package_source
short_description: Make one signed apt repository known to a host
version_added: 0.1.0
description:
  - Writes a deb822 source file and the signing key it names, after the key was compared with the wanted fingerprint.
  - The key is fetched each time, since its owner may have prolonged it; when its address does not answer, a key on the
    host that has the wanted fingerprint does.
  - Entries for the same repository that other tools left in other source files are taken over, because apt refuses to
    work while two entries name different keys. A file with nothing else in it is renamed to C(FILE.runnerkit.save),
    which apt passes over; in other files just those entries are switched off.
  - Needs neither python3-debian nor gpg on the host.
extends_documentation_fragment:
  - runnerkit.gitlab.apt_repository
attributes:
  check_mode:
    support: full
    description: The key is fetched and compared all the same.
  diff_mode:
    support: full
    description: Keys are shown by their fingerprint.
  platform:
    support: full
    platforms: debian
    description: Hosts that use apt.
author:
  - The runnerkit contributors (@runnerkit)
"""

EXAMPLES = r"""
- name: Use Docker's own repository
  runnerkit.gitlab.package_source:
    name: docker
    uri: https://download.docker.com/linux/debian
    suite: bookworm
    components: [stable]
    key_url: https://download.docker.com/linux/debian/gpg
    key_fingerprint: 9DC8 5822 9FC7 DD38 854A E2D8 8D81 803C 0EBF CD88
"""

RETURN = r"""
files:
  description: What was written, or set aside (C(FILE -> NEW NAME)).
  type: list
  elements: str
  returned: success
"""

import os

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.runnerkit.gitlab.plugins.module_utils.apt_repository import (
    ARGUMENTS,
    FileChange,
    Repository,
    RepositoryError,
    read_url,
)
from ansible_collections.runnerkit.gitlab.plugins.module_utils.dpkg import read_packages
from ansible_collections.runnerkit.gitlab.plugins.module_utils.files import write_atomically
from ansible_collections.runnerkit.gitlab.plugins.module_utils.redact import redact_text


def apply(change: FileChange, content: bytes | None) -> None:
    """Write one file, or rename it where nothing of it is left."""
    if change.moved_to:
        os.replace(change.path, change.moved_to)
        return
    write_atomically(
        change.path, content if content is not None else (change.after or "").encode("utf-8", "surrogateescape")
    )


def shown(text: str | None) -> str:
    """A source file as it can be shown: without passwords, and as text even where a comment in it is not."""
    return redact_text((text or "").encode("utf-8", "surrogateescape").decode("utf-8", "replace"))


def main() -> None:
    """Entry point."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    try:
        repository = Repository(module.params, read_packages(["dpkg"])["dpkg"].architecture)
    except KeyError:
        module.fail_json(
            msg="this host has no dpkg database, so it has no use for an apt source; use a host with Debian or Ubuntu"
        )
    try:
        key = repository.newest_key(read_url)
    except RepositoryError as error:
        module.fail_json(msg=str(error), kind=error.kind)
    changes = repository.changes(key)
    if not module.check_mode:
        for change in changes:
            apply(change, key if change.path == repository.key_path(key) else None)
    module.exit_json(
        changed=bool(changes),
        files=[change.path + (" -> " + change.moved_to if change.moved_to else "") for change in changes],
        diff=[
            {
                "before_header": change.path,
                "after_header": change.moved_to or change.path,
                "before": shown(change.before),
                "after": shown(change.before if change.moved_to else change.after),
            }
            for change in changes
        ],
    )


if __name__ == "__main__":
    main()
