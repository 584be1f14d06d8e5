#!/usr/bin/python
# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

DOCUMENTATION = r"""
module: dind_image
short_description: Build an image for Docker-in-Docker services that trusts private registries
version_added: 0.1.0
description:
  - Makes an image from any image for Docker-in-Docker, which trusts the given registries by itself, so that nothing has
    to be mounted into services. The certificates go to C(/etc/docker/certs.d), and with O(os_store) into the
    system-wide store, too. Entry point, command, environment, volumes and all other settings of the base stay.
  - An engine on the host does it, by its API. Neither the docker command nor a build kit is needed, and nothing of the
    base is run but the programs that say their versions.
  - The engine in the base is asked for its version, whatever its tag says, and refused below O(minimum_version).
  - The image is pushed to the registry in its name. The host's own engine has to trust that registry, for which there
    is M(runnerkit.gitlab.ca_certificates).
  - A second run changes nothing. Labels of the image tell what it was made from; the registry is asked whether it has
    exactly this image.
  - Only authorities are put into the image, never a client's certificate or its key.
  - Containers are removed, by another process when the module is killed, and so is the image that had the name before
    unless it has another one or is used.
options:
  name:
    description: The image to make, with its registry and a tag, such as V(registry.example:5000/ci/dind:28.5.2).
    type: str
    required: true
  base:
    description: The image to make it from, such as V(docker:28.5.2-dind). Its daemon has to run as root.
    type: str
    required: true
  registries:
    description:
      - The registries to trust, in the form of C(registry_ca_registries). Of each, C(host) and C(ca) are looked at;
        C(trust) and the client's certificate are not.
      - C(ca) is PEM, the path of a file on the controller, or a list of them. Several are all trusted.
    type: list
    elements: dict
    default: []
  os_store:
    description:
      - Whether the certificates go into the image's system-wide store, too, for other programs in it. An authority
        there vouches for every address, not for one registry.
      - Certificates are added to the file of all certificates, which the engine and most programs read, and to the
        folder that the distribution's update program takes them from.
    type: bool
    default: true
  mirrors:
    description:
      - Pull-through caches of Docker Hub, put before those that the base has in C(/etc/docker/daemon.json).
      - A daemon that is given C(--registry-mirror) as well does not start; leave one of the two out.
    type: list
    elements: str
    default: []
  minimum_version:
    description: The least version of the Docker Engine in the base. GitLab advises 20.10.6.
    type: str
    default: 20.10.6
  push:
    description: Whether the image is put into its registry.
    type: bool
    default: true
  auth:
    description:
      - The login at the registry of O(name), a dictionary with C(username) and C(password). A base in the same registry
        is pulled with it, too.
      - It is handed to the engine for the one request, and stored nowhere.
    type: dict
  pull:
    description:
      - When the base is pulled.
      - With V(missing), a base that was cleaned away is not pulled again while the image is as it should be.
    type: str
    choices: [missing, always, never]
    default: missing
  socket:
    description: The unix socket of the engine that does it.
    type: path
    default: /var/run/docker.sock
  timeout:
    description: Seconds for all of it, more than 0 and at most 3600.
    type: float
    default: 900
attributes:
  check_mode:
    support: full
    description:
      - Nothing is pulled, made or pushed. The versions of a base that is on the host are looked at in a container that
        is removed again.
  diff_mode:
    support: full
    description: What the image was made from, and what it is made from now.
  platform:
    support: full
    platforms: linux
    description: Any Linux with an engine.
notes:
  - Run it as root, on one host.
  - The controller needs the Python library cryptography.
  - Programs that look for certificates in a folder by hashes of their names, as C(openssl) in images of Debian, do not
    see those of O(os_store) until C(update-ca-certificates) is run there.
seealso:
  - module: runnerkit.gitlab.ca_certificates
author:
  - The runnerkit contributors (@runnerkit)
"""

EXAMPLES = r"""
- name: Build an image that trusts a registry, and push it there
  runnerkit.gitlab.dind_image:
    name: registry.example:5000/ci/dind:28.5.2
    base: docker:28.5.2-dind
    registries:
      - host: registry.example:5000
        ca: files/registry-ca.crt
    auth:
      username: ci
      password: "{{ vault_registry_password }}"

- name: Build one that looks into a pull-through cache first, and keep it on this host
  runnerkit.gitlab.dind_image:
    name: local/dind:28.5.2
    base: docker:28.5.2-dind
    registries: "{{ registry_ca_registries }}"
    mirrors: [https://mirror.example:5000]
    push: false
"""

RETURN = r"""
name:
  description: The image.
  returned: success
  type: str
  sample: registry.example:5000/ci/dind:28.5.2
base:
  description: What it is made from.
  returned: success
  type: str
  sample: docker:28.5.2-dind
id:
  description: The image's Id on this host, V(null) where check mode only says that it would be built.
  returned: success
  type: str
  sample: sha256:c52904268e58...
digest:
  description: The image's digest in its registry, V(null) where it is not pushed.
  returned: success
  type: str
  sample: sha256:6d5a9f21b7f3...
versions:
  description: What the programs in it say of themselves, V(null) where check mode would have to pull the base first.
  returned: success
  type: dict
  contains:
    engine:
      description: Version of C(dockerd).
      returned: always
      type: str
      sample: 28.5.2
    containerd:
      description: Version of C(containerd), V(null) where it is not in it.
      returned: always
      type: str
      sample: 1.7.28
    runc:
      description: Version of C(runc), V(null) where it is not in it.
      returned: always
      type: str
      sample: 1.3.3
    libseccomp:
      description: The libseccomp that C(runc) was built with, V(null) where it does not say.
      returned: always
      type: str
      sample: 2.5.6
    architecture:
      description: In the engine's words.
      returned: always
      type: str
      sample: amd64
holds:
  description:
    - What it was made from, C(base), C(registries) with the beginnings of their certificates' SHA-256, C(os_store) and
      C(mirrors).
  returned: success
  type: dict
pulled:
  description: Whether the base was pulled and is another one than before.
  returned: success
  type: bool
built:
  description: Whether the image was built.
  returned: success
  type: bool
pushed:
  description: Whether the image was pushed.
  returned: success
  type: bool
"""
