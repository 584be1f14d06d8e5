#!/usr/bin/python
# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

DOCUMENTATION = r"""
module: ca_certificates
short_description: Trust private registries at every layer of a host
version_added: 0.1.0
description:
  - Brings the certificate authorities, and the client certificates, of private registries to where each layer looks for
    them, the engine, podman, dind services, the helper image, the runner, the host's own trust store.
  - One call for any number of registries. Everything that can be wrong with a certificate is said before the host is
    asked, all of it at once.
  - What is not declared any more goes. Only what this module wrote is removed, and only while it still is what was
    written; a file that had been there before comes back. A file that was there already and holds what is declared is
    left alone, now and later.
  - All or nothing. When a file cannot be written, or the update program of the trust store fails or does not end within
    five minutes, everything is put back. A run that is killed is completed by the next one.
  - No daemon is restarted. Engine and podman read these files at each connection; the trust store of the host is read
    once by a daemon, see O(runnerkit.gitlab.docker_daemon#module:read_at_start).
  - The work is done on the controller, which needs the Python library cryptography 42 or newer; hosts need Python
    alone.
  - No private key is logged on the way or left in temporary files.
options:
  registries:
    description:
      - Private registries. No two of them may have the same O(registries[].host).
      - Those that are not listed, and were in an earlier call, are trusted no more.
    type: list
    elements: dict
    default: []
    suboptions:
      host:
        description: The registry as images name it, with its port and without a scheme, as C(registry.example:5000).
        type: str
        required: true
      ca:
        description:
          - The authority that signed the registry's certificate, or that certificate itself when it is self-signed, as
            PEM or as the path of a file on the controller. Several may be in one text, or in a list.
          - During a rotation list the old one and the new one.
        type: raw
      client_cert:
        description:
          - The certificate that the registry wants to see of its clients, with those that lie between it and its
            authority behind it; PEM or a file on the controller.
        type: str
      client_key:
        description: Its private key; PEM or a file on the controller, which ansible-vault may have encrypted.
        type: str
      trust:
        description:
          - Who shall trust it. V(engine) is the host's Docker Engine, V(podman) podman, V(dind) the engine in services
            of jobs, V(runner) the runner when that registry is on the GitLab server, V(helper) the container that
            fetches sources, V(os) everything on the host that uses its trust store.
          - By default V(engine), V(podman) and V(dind), and without V(dind) where there is a
            O(registries[].client_key), as jobs can read what their services get.
          - In V(os), V(runner) and V(helper) an authority vouches for any address, not for this registry alone.
        type: list
        elements: str
        choices: [engine, podman, os, runner, dind, helper]
  gitlab:
    description: The GitLab server, where its certificate is signed by a private authority.
    type: dict
    suboptions:
      url:
        description: Its address, as the runner has it.
        type: str
        required: true
      ca:
        description: As O(registries[].ca).
        type: raw
        required: true
      trust:
        description: Who shall trust it; by default V(runner) and V(helper).
        type: list
        elements: str
        choices: [runner, helper, os]
  check_only:
    description: Whether only the declaration is checked. The host is not asked then, and nothing changes.
    type: bool
    default: false
attributes:
  check_mode:
    support: full
    description: Compares and says what would change.
  diff_mode:
    support: full
    description: Certificates are shown, of a private key it is said that it is one.
  platform:
    support: full
    platforms: linux
    description: Debian, the RedHat family, and those like them; any Linux as long as V(os) is not declared.
notes:
  - A folder that is a link is followed. A link in place of a file is replaced by a file, so that nobody else's file is
    written, and comes back when the file goes.
  - E(ANSIBLE_KEEP_REMOTE_FILES), E(ANSIBLE_DEBUG) and pipelining that is switched off are not followed for the call
    that carries private keys. Where nothing but temporary files is left (become by C(su), C(requiretty) of sudo), a run
    that is killed can leave one behind, in the remote user's C(~/.ansible/tmp).
seealso:
  - module: runnerkit.gitlab.docker_daemon
author:
  - The runnerkit contributors (@runnerkit)
"""

EXAMPLES = r"""
- name: Trust a registry while its authority is being replaced, and show it who asks
  runnerkit.gitlab.ca_certificates:
    registries:
      - host: registry.example:5000
        ca: [registry-ca-2024.pem, registry-ca-2026.pem]
        client_cert: builder.pem
        client_key: builder-key.pem
    gitlab:
      url: https://gitlab.example/
      ca: company-ca.pem

- name: Check a declaration without asking the host
  runnerkit.gitlab.ca_certificates:
    registries: "{{ my_registries }}"
    check_only: true
"""

RETURN = r"""
files:
  description: Paths on the host by what became of them.
  type: dict
  returned: success
  contains:
    written:
      description: They were missing, or held something else.
      type: list
      elements: str
    removed:
      description: They are not declared any more.
      type: list
      elements: str
    restored:
      description: They are not declared any more, and hold again what they held before.
      type: list
      elements: str
    kept:
      description: They are not declared any more, and stay, as somebody changed them since.
      type: list
      elements: str
store_updated:
  description: Whether the bundle of the host's trust store was made anew.
  type: bool
  returned: success
store_path:
  description: That bundle, V(null) where nothing is or was declared for it.
  type: str
  returned: success
distrusted:
  description:
    - Whether daemons that read that store at their start may trust what it does not have any more, because certificates
      were taken out of it by this run, or by one before that nobody saw to the end.
    - It is so until the host is booted, or C(/run/runnerkit/registry-ca-distrusted) is removed there.
  type: bool
  returned: success
"""
