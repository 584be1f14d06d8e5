# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Where trust in private registries lies on a host: the same words for those who plan, write and look.

HOST is a registry as images name it, with its port: `registry.example:5000`, `10.0.0.4:5000`, `[fd00::4]:5000`. NAME is
what the runner makes of it.
"""

from __future__ import annotations

# What somebody declares trust for.
LAYERS = ("engine", "podman", "os", "runner", "dind", "helper")

# Folders with one folder per HOST, read at each connection, so that no daemon has to be restarted.
ENGINE = "/etc/docker/certs.d"
PODMAN = "/etc/containers/certs.d"
# A folder of its own: jobs can read what dind services get, and the engine's client keys are not theirs.
DIND = "/etc/runnerkit/certs.d"
FOLDERS = {"engine": ENGINE, "podman": PODMAN, "dind": DIND}

# What such a folder has. Engine and podman read every *.crt as an authority, and X.cert with X.key as a client.
CA, CERT, KEY = "ca.crt", "client.cert", "client.key"

# Where the runner looks for the authority of its GitLab server: NAME.crt.
RUNNER = "/etc/gitlab-runner/certs"

# What helper images take into their store when they find it in RUNNER inside of the container.
HELPER = "/etc/runnerkit/helper-certs"

# Volumes that bring them to containers of jobs.
DIND_VOLUME = f"{DIND}:{ENGINE}:ro"
HELPER_VOLUME = f"{HELPER}:{RUNNER}:ro"

# The host's own store: one certificate per file, as its update program wants it.
DEBIAN_ANCHORS, DEBIAN_SUFFIX = "/usr/local/share/ca-certificates", ".crt"
DEBIAN_BUNDLE, DEBIAN_UPDATE = "/etc/ssl/certs/ca-certificates.crt", "update-ca-certificates"
REDHAT_ANCHORS, REDHAT_SUFFIX = "/etc/pki/ca-trust/source/anchors", ".pem"
REDHAT_BUNDLE, REDHAT_UPDATE = "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "update-ca-trust"
ANCHOR_PREFIX = "runnerkit-"

# There while certificates were taken out of the host's own store and nobody has seen yet to daemons that read it at
# their start; gone at boot, as those are.
DISTRUSTED = "/run/runnerkit/registry-ca-distrusted"

# What was written here, and what had been there before.
RECORD = "/var/lib/runnerkit/registry-ca.json"


def name_of(host: str) -> str:
    """How the runner names the files of a server: what stands before the first colon, in the spelling of its address.

    Of an IPv6 address that is its beginning with the bracket, `[fd00`, whether one likes that or not.
    """
    return host.split(":", 1)[0]


def folder(layer: str, host: str) -> str:
    """Where engine, podman or dind services look for what HOST needs."""
    return f"{FOLDERS[layer]}/{host}"


def ca(layer: str, host: str) -> str:
    """The file with the authorities of HOST."""
    return f"{folder(layer, host)}/{CA}"


def client(layer: str, host: str) -> tuple[str, str]:
    """The files with the client's certificate and its key."""
    return f"{folder(layer, host)}/{CERT}", f"{folder(layer, host)}/{KEY}"


def runner(host: str) -> str:
    """The file in which the runner looks for the authority of a server."""
    return f"{RUNNER}/{name_of(host)}.crt"


def helper() -> str:
    """The file that the helper image takes into its store."""
    return f"{HELPER}/{CA}"


def anchor(sha256: str) -> str:
    """A certificate's name in the host's store, without suffix; SHA256 in hex, of its DER."""
    return f"{ANCHOR_PREFIX}{sha256[:16].lower()}"
