#!/usr/bin/python
# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

DOCUMENTATION = r"""
module: registry_check
short_description: Tell whether the host's engine can use a registry
version_added: 0.1.0
description:
  - Connects to registries from the host as its engine does before a pull. It looks up the name, connects, speaks TLS
    with the certificates that lie on the host for that registry, and makes the first request of the registry protocol.
  - TLS is done with exactly that trust, the files of the registry's folder below O(source). As engines do it, each
    certificate there is trusted whether it is a root or not, a name has to be among the alternative names of the
    certificate, and TLS 1.2 is the least.
  - The host's own store counts as well, since engines add the folder to it. A registry that only the store trusts has
    the trust V(store), and the detail says why the folder does not do.
  - Never fails because of what it finds. Logs in nowhere, and pulls nothing. Several registries are asked at a time.
author:
  - The runnerkit contributors (@runnerkit)
options:
  registries:
    description:
      - The registries to ask. Without this, those that have a folder below O(source).
      - Other keys of an entry than O(registries[].host) are refused, so that no secret comes here.
    type: list
    elements: dict
    suboptions:
      host:
        description: The registry as images name it, V(registry.example:5000). Without a port it is 443.
        type: str
        required: true
  source:
    description:
      - The folder with one folder per registry.
      - Where V(/etc/containers/certs.d) has none for a registry, podman takes that of the engine, and so does this.
      - Of V(/etc/runnerkit/certs.d), which dind services get, the folder alone counts, without the host's own store.
    type: path
    default: /etc/docker/certs.d
  timeout:
    description:
      - Seconds for each registry, from its name to its answer, more than 0 and at most 60.
      - Where TLS fails, a second look at what the server shows may take as long.
    type: float
    default: 5
attributes:
  check_mode:
    description: Can run in check mode and return what it would return otherwise. Asking is looking.
    support: full
  diff_mode:
    description: Returns details on what has changed, or would change in check mode.
    support: none
  facts:
    description: Returns a dictionary C(ansible_facts) that is merged into the host's facts.
    support: full
  platform:
    description: Operating systems that the module works on.
    support: full
    platforms: posix
notes:
  - Run it as root, who alone may read client keys.
  - Connects directly. An engine that goes through a proxy may reach what this module does not.
  - Needs C(ssl) in the Python that Ansible uses on the host, which is a part of the standard library.
seealso:
  - module: runnerkit.gitlab.runtime_facts
"""

EXAMPLES = r"""
- name: Ask every registry for which the engine has certificates
  runnerkit.gitlab.registry_check:

- name: Refuse a host that cannot pull from the registry of the company
  runnerkit.gitlab.registry_check:
    registries:
      - host: registry.example.com:5000
  register: asked
  failed_when: not asked.ansible_facts.runnerkit_registries[0].ok

- name: Ask with what dind services get
  runnerkit.gitlab.registry_check:
    source: /etc/runnerkit/certs.d
"""

RETURN = r"""
msg:
  description: How many registries can be used, and which cannot, in one line.
  returned: always
  type: str
  sample: 1 of 2 registries can be used; not registry.example:5000 (other_ca)
ansible_facts:
  description: The answers, all of them under the one key C(runnerkit_registries).
  returned: always
  type: dict
  contains:
    runnerkit_registries:
      description: One entry for each registry, in the order of O(registries), else by name.
      returned: always
      type: list
      elements: dict
      contains:
        host:
          description: The registry.
          returned: always
          type: str
          sample: registry.example:5000
        address:
          description: Where the connection went; V(null) where there was none.
          returned: always
          type: str
          sample: 10.0.0.4:5000
        ok:
          description: Whether the engine can use the registry. A login is another matter.
          returned: always
          type: bool
          sample: true
        kind:
          description:
            - V(ok), or what stands in the way.
            - V(dns) is a name without an address. V(refused), V(timeout) and V(unreachable) concern the connection.
            - V(plain_http) is a server without TLS, V(protocol) one with which TLS fails for another reason.
            - V(other_ca) is a certificate that nobody trusted has signed, V(unfit) one that may not be used for this.
            - V(name_mismatch), V(server_expired) and V(server_not_yet_valid) concern the server's certificate.
            - V(ca_expired) and V(ca_not_yet_valid) concern those that signed it.
            - V(client_wanted) and V(client_refused) concern the client's certificate.
            - V(trust_unreadable) is a folder that the engine refuses, and then the registry is not asked, or one whose
              authorities the engine passes over.
            - V(not_a_registry) is a server that answers as registries do not.
          returned: always
          type: str
          sample: ok
        detail:
          description: What was found, as a sentence about the registry.
          returned: always
          type: str
          sample: its certificate expired on 2027-01-31T00:00:00Z
        seconds:
          description: How long it took.
          returned: always
          type: float
          sample: 0.021
        trust:
          description: What trusts the server, or should, V(folder) or V(store), the host's own.
          returned: always
          type: str
          sample: folder
        tls_version:
          description: Version of TLS; V(null) without it.
          returned: always
          type: str
          sample: TLSv1.3
        subject:
          description: Subject of the certificate that the server showed, trusted or not; V(null) where none was seen.
          returned: always
          type: str
          sample: CN=registry.example
        issuer:
          description: Its issuer.
          returned: always
          type: str
          sample: CN=Example Root,O=Example
        not_after:
          description: Until when it is valid.
          returned: always
          type: str
          sample: "2027-01-31T00:00:00Z"
        names:
          description: Names and addresses that it is for.
          returned: always
          type: list
          elements: str
          sample: [registry.example, 10.0.0.4]
        status:
          description: HTTP status of C(GET /v2/); V(null) where that was not answered.
          returned: always
          type: int
          sample: 401
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.runnerkit.gitlab.plugins.module_utils import registry_paths, registry_probe
from ansible_collections.runnerkit.gitlab.plugins.module_utils.registry_connection import split
from ansible_collections.runnerkit.gitlab.plugins.module_utils.registry_trust import Reader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MAX_TIMEOUT = 60.0


def complaint(host: str) -> str | None:
    """Why this is no registry; None if it is one."""
    try:
        split(host)
    except ValueError as error:
        return str(error)
    return None


def wanted(module: AnsibleModule) -> list[str]:
    """The registries to ask."""
    given: list[dict[str, Any]] | None = module.params["registries"]
    if given is None:
        # The engine never looks into a folder with another name.
        return [name for name in Reader().folders(module.params["source"]) if complaint(name) is None]
    for number, each in enumerate(given):
        wrong = complaint(each["host"])
        if wrong is not None:
            module.fail_json(msg=f"registries[{number}].host: {wrong}")
    return [each["host"] for each in given]


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "registries": {
                "type": "list",
                "elements": "dict",
                "options": {"host": {"type": "str", "required": True}},
            },
            "source": {"type": "path", "default": registry_paths.ENGINE},
            "timeout": {"type": "float", "default": 5.0},
        },
        supports_check_mode=True,
    )
    timeout = module.params["timeout"]
    # Written so that NaN is refused as well.
    if not 0 < timeout <= MAX_TIMEOUT:
        module.fail_json(msg=f"timeout is {timeout:g}; give seconds above 0 and up to {MAX_TIMEOUT:g}")
    results = registry_probe.check_all(wanted(module), module.params["source"].rstrip("/"), timeout)
    module.exit_json(
        changed=False,
        msg=registry_probe.summary(results),
        ansible_facts={"runnerkit_registries": results},
    )


if __name__ == "__main__":
    main()
