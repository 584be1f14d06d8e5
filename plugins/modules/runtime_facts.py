#!/usr/bin/python
# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

DOCUMENTATION = r"""
module: runtime_facts
short_description: Tell what runs containers on a host
version_added: 0.1.0
description:
  - Gathers what is there to run containers on a host, Docker Engine, containerd, runc, libseccomp and podman,
    and what they rest on, the kernel, the distribution and the control groups.
  - Facts of the running engine come from the Engine API over its unix socket.
    Without a daemon, versions come from the programs and from the package database.
  - Nothing is changed and nothing needs to be installed. What is absent is V(null). What is there but broken is
    described in RV(ansible_facts.runnerkit.docker.error), RV(ansible_facts.runnerkit.docker.daemon_config_error),
    RV(ansible_facts.runnerkit.gitlab_runner.config_error), RV(ansible_facts.runnerkit.registry_ca.errors) or
    RV(ansible_facts.runnerkit.maintenance).
    None of them fails the task.
  - Takes less than half a second on a healthy host. With an engine that hangs it takes at most twice O(timeout),
    or three seconds if that is longer.
author:
  - The runnerkit contributors (@runnerkit)
options:
  socket:
    description:
      - The unix socket that the engine listens on.
      - Variables such as E(DOCKER_HOST) and contexts of the Docker client are not looked at.
    type: path
    default: /var/run/docker.sock
  timeout:
    description:
      - Seconds that the engine has for each of two API calls, more than 0 and at most 60.
    type: float
    default: 2
attributes:
  check_mode:
    description: Can run in check mode and return what it would return otherwise.
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
  - Run it as root. Another user who may not open the socket gets RV(ansible_facts.runnerkit.docker.running=null).
  - Passwords in URLs, and values in C(daemon.json) whose keys look like tokens, passwords, secrets or keys,
    are returned as V(********). So never write the returned configuration back to a host.
  - Of GitLab Runner's C(config.toml) only the keys that are listed here are returned, never a token, and of its
    variables only those that tell how a job reaches a Docker daemon.
  - Of registries' certificates only public files are read, and no private key is opened.
  - Package facts are read from dpkg's database, with the journal of an interrupted dpkg.
    On other families of distributions they are V(null).
"""

EXAMPLES = r"""
- name: Gather what runs containers
  runnerkit.gitlab.runtime_facts:

- name: Refuse an engine that is too old
  ansible.builtin.assert:
    that:
      - ansible_facts['runnerkit'].docker.running
      - ansible_facts['runnerkit'].docker.server_version is version('20.10.6', '>=')

- name: Say whether the host's libseccomp knows faccessat2
  ansible.builtin.debug:
    msg: "{{ (ansible_facts['runnerkit'].libseccomp.faccessat2 | default(-1)) != -1 }}"

- name: Gather from an engine that listens elsewhere and answers slowly
  runnerkit.gitlab.runtime_facts:
    socket: /run/docker-ci/docker.sock
    timeout: 10
"""

RETURN = r"""
ansible_facts:
  description: The facts, all of them under the one key C(runnerkit).
  returned: always
  type: dict
  contains:
    runnerkit:
      description: What runs containers on this host.
      returned: always
      type: dict
      contains:
        docker:
          description: Docker Engine and its client. A dictionary even where neither is there.
          returned: always
          type: dict
          contains:
            installed:
              description: Whether the engine is there, as a package, as the program C(dockerd) or on the socket.
              returned: always
              type: bool
              sample: true
            running:
              description:
                - Whether the engine answered on the socket within O(timeout). An answer by podman does not count.
                - An engine that was stopped is not started by asking, even if systemd listens on its socket.
                - V(null) where this user may not open the socket.
              returned: always
              type: bool
              sample: true
            error:
              description: Why facts of the running engine are missing, in one sentence; V(null) if nothing went wrong.
              returned: always
              type: str
              sample: /var/run/docker.sock exists but nothing listens on it; start the engine
            socket:
              description: The socket that was asked, O(socket).
              returned: always
              type: str
              sample: /var/run/docker.sock
            client_version:
              description: Version of the client, from C(docker --version); podman's stand-in for it counts as absent.
              returned: always
              type: str
              sample: 20.10.24+dfsg1
            server_version:
              description: Version of the running engine, as it reports it (API C(/version)).
              returned: always
              type: str
              sample: 20.10.24+dfsg1
            api_version:
              description: Newest API version that the engine speaks (API C(/version)).
              returned: always
              type: str
              sample: "1.41"
            minimum_api_version:
              description: Oldest API version that the engine speaks (API C(/version)).
              returned: always
              type: str
              sample: "1.12"
            storage_driver:
              description: Driver of image layers (API C(/info)).
              returned: always
              type: str
              sample: overlay2
            cgroup_driver:
              description: Who manages control groups for the engine, V(systemd) or V(cgroupfs) (API C(/info)).
              returned: always
              type: str
              sample: systemd
            cgroup_version:
              description: Version of control groups that the engine uses (API C(/info)); V(null) before Engine 20.10.
              returned: always
              type: int
              sample: 2
            security_options:
              description: Security options exactly as the engine lists them (API C(/info)).
              returned: always
              type: list
              elements: str
              sample: ["name=apparmor", "name=seccomp,profile=default"]
            seccomp_profile:
              description:
                - Profile that containers get unless they ask for another, V(default) (which Engine 23 renamed to
                  V(builtin)), V(unconfined), or the path of a file.
                - V(null) without a daemon, and where seccomp is not in force.
              returned: always
              type: str
              sample: default
            live_restore:
              description: Whether containers survive a restart of the daemon (API C(/info)).
              returned: always
              type: bool
              sample: true
            rootless:
              description: Whether the daemon runs without root (API C(/info)).
              returned: always
              type: bool
              sample: false
            swarm:
              description: Whether the engine is an active member of a swarm (API C(/info)).
              returned: always
              type: bool
              sample: false
            registry_mirrors:
              description: Mirrors of Docker Hub in force (API C(/info)), user names and passwords masked.
              returned: always
              type: list
              elements: str
              sample: ["https://mirror.example.com/"]
            insecure_registries:
              description: Networks and registries whose certificates the engine does not look at (API C(/info)).
              returned: always
              type: list
              elements: str
              sample: ["127.0.0.0/8", "registry.example:5000"]
            https_proxy:
              description:
                - The proxy through which the engine goes to registries (API C(/info)), with user name and password
                  masked; V(null) without one.
              returned: always
              type: str
              sample: http://proxy.example.com:3128
            no_proxy:
              description: What the engine goes to without its proxy (API C(/info)).
              returned: always
              type: list
              elements: str
              sample: [.example.com, 10.0.0.0/8]
            data_root:
              description: Where the engine keeps images, containers and volumes (API C(/info)).
              returned: always
              type: str
              sample: /var/lib/docker
            containers_running:
              description: Number of running containers (API C(/info)).
              returned: always
              type: int
              sample: 3
            daemon_config:
              description:
                - C(/etc/docker/daemon.json) as found, secrets masked; an empty file is an empty dictionary.
                - V(null) where there is no such file or it cannot be understood.
              returned: always
              type: dict
              sample: {"live-restore": true}
            daemon_config_error:
              description: What is wrong with C(/etc/docker/daemon.json), in one sentence.
              returned: always
              type: str
              sample: /etc/docker/daemon.json holds a list where the daemon wants an object; correct it
            defaults:
              description:
                - Names of the variables that C(/etc/default/docker) sets. Only the distribution's packages read it.
              returned: always
              type: list
              elements: str
              sample: [DOCKER_OPTS]
            seccomp_workaround:
              description:
                - What the profile of the role docker_engine's seccomp workaround was derived from; V(null) without the
                  workaround.
              returned: always
              type: dict
              contains:
                engine:
                  description: Version of the engine whose own default profile it is.
                  returned: always
                  type: str
                  sample: 20.10.5+dfsg1
                path:
                  description: File of the profile.
                  returned: always
                  type: str
                  sample: /etc/docker/runnerkit-seccomp-trace.json
            group_members:
              description: Local users in the group C(docker), from C(/etc/group) and C(/etc/passwd), sorted.
              returned: always
              type: list
              elements: str
              sample: ["gitlab-runner"]
            package:
              description: Where the engine came from; V(null) if it is absent or the host does not use dpkg.
              returned: always
              type: dict
              contains: &package
                name:
                  description: Name of the package; V(null) for a static binary.
                  returned: always
                  type: str
                  sample: docker-ce
                version:
                  description: Version in the package database; for a static binary what C(dockerd --version) prints.
                  returned: always
                  type: str
                  sample: "5:20.10.24~3-0~debian-bookworm"
                held:
                  description: Whether the package is held at this version.
                  returned: always
                  type: bool
                  sample: true
                state:
                  description:
                    - What dpkg says of the package, V(installed), or after an interrupted installation V(unpacked),
                      V(half-configured), V(half-installed), V(triggers-awaited) or V(triggers-pending).
                  returned: always
                  type: str
                  sample: installed
                source:
                  description:
                    - V(docker-ce), V(docker.io) or V(moby-engine); V(static) for a C(dockerd) that no package brought,
                      V(other) for one from an unknown package.
                  returned: for the engine's package
                  type: str
                  sample: docker-ce
        containerd:
          description: The containerd on this host; V(null) without one.
          returned: always
          type: dict
          contains:
            version:
              description: Version of the one that the engine uses (API C(/version)), else from C(containerd --version).
              returned: always
              type: str
              sample: 1.6.20~ds1
            package:
              description: Its package, C(containerd.io) or C(containerd), with the keys name, version, held and state.
              returned: always
              type: dict
              contains: *package
        runc:
          description: The runc that is first in the path of system services; V(null) without one.
          returned: always
          type: dict
          contains:
            version:
              description: Version from C(runc --version).
              returned: always
              type: str
              sample: 1.1.5+ds1
            libseccomp:
              description:
                - The libseccomp that runc itself uses, from C(runc --version). It decides what containers may do; with
                  docker-ce it is another one than the host's.
                - V(null) before runc 1.0.0-rc93, which does not tell.
              returned: always
              type: str
              sample: 2.5.4
            package:
              description: Its package, C(runc) or C(containerd.io), with the keys name, version, held and state.
              returned: always
              type: dict
              contains: *package
        libseccomp:
          description: The host's libseccomp; V(null) without one.
          returned: always
          type: dict
          contains:
            version:
              description: Version as the library itself answers; V(null) before 2.3.0, which does not tell.
              returned: always
              type: str
              sample: 2.5.4
            path:
              description: File of the library that the loader takes.
              returned: always
              type: str
              sample: /usr/lib/x86_64-linux-gnu/libseccomp.so.2.5.4
            faccessat2:
              description: Number of the system call faccessat2, or V(-1) where the library does not know it.
              returned: always
              type: int
              sample: 439
            syscalls:
              description:
                - Number of each system call that is newer than 2017, on the host's architecture.
                - V(-1) where the library does not know the call. Below that, it knows it but the architecture has none
                  (the C(time64) calls on 64-bit hosts).
              returned: always
              type: dict
              sample: {"faccessat2": 439, "clone3": 435, "mseal": -1, "futex_time64": -10222}
            package:
              description: Its package, with the keys name, version, held and state.
              returned: always
              type: dict
              contains: *package
        kernel:
          description: The running kernel.
          returned: always
          type: dict
          contains:
            release:
              description: Its release, as C(uname -r) prints it.
              returned: always
              type: str
              sample: 6.1.0-37-amd64
        os:
          description: The distribution, from os-release; a key that is missing there is V(null).
          returned: always
          type: dict
          contains:
            id:
              description: C(ID).
              returned: always
              type: str
              sample: debian
            id_like:
              description: C(ID_LIKE) as a list.
              returned: always
              type: list
              elements: str
              sample: []
            version_id:
              description: C(VERSION_ID).
              returned: always
              type: str
              sample: "12"
            codename:
              description: C(VERSION_CODENAME).
              returned: always
              type: str
              sample: bookworm
            pretty_name:
              description: C(PRETTY_NAME).
              returned: always
              type: str
              sample: Debian GNU/Linux 12 (bookworm)
        architecture:
          description: The machine, as C(uname -m) prints it.
          returned: always
          type: str
          sample: x86_64
        cgroup_version:
          description: V(2) where the host mounts the unified hierarchy, V(1) for the old and the hybrid layout.
          returned: always
          type: int
          sample: 2
        service_manager:
          description: V(systemd) where it runs as PID 1, else V(other).
          returned: always
          type: str
          sample: systemd
        podman:
          description: Podman; V(null) without it.
          returned: always
          type: dict
          contains:
            version:
              description: Version from C(podman --version).
              returned: always
              type: str
              sample: 4.3.1
            path:
              description: Its program.
              returned: always
              type: str
              sample: /usr/bin/podman
        gitlab_runner:
          description: GitLab Runner; V(null) without its program and its package.
          returned: always
          type: dict
          contains:
            version:
              description: Version from C(gitlab-runner --version).
              returned: always
              type: str
              sample: 17.5.0
            path:
              description: Its program.
              returned: always
              type: str
              sample: /usr/bin/gitlab-runner
            package:
              description:
                - The package C(gitlab-runner), with the keys name, version, held and state; V(null) for a program that
                  was copied there, and on hosts that do not use dpkg.
              returned: always
              type: dict
              contains: *package
            config_path:
              description: Its configuration file, if that exists.
              returned: always
              type: str
              sample: /etc/gitlab-runner/config.toml
            config_error:
              description:
                - Why the configuration cannot be read, in one sentence that quotes nothing of it; V(null) if it can,
                  or if there is none.
              returned: always
              type: str
              sample: /etc/gitlab-runner/config.toml is not TOML from line 3, column 7 on; correct it by hand
            service:
              description: Its systemd service.
              returned: always
              type: dict
              contains:
                active:
                  description:
                    - Its state (C(ActiveState)), V(active), V(inactive), V(failed), V(deactivating) while it waits for
                      its last jobs, or V(activating), also while systemd waits to start it once more.
                    - V(null) without systemd, and where there is no such unit.
                  returned: always
                  type: str
                  sample: active
                enabled:
                  description: Whether it starts at boot (C(UnitFileState)); V(null) as above.
                  returned: always
                  type: str
                  sample: enabled
                held:
                  description:
                    - Who keeps it from being started, by M(runnerkit.gitlab.runner_service); V(null) if nobody does.
                  returned: always
                  type: dict
                  contains:
                    by:
                      description: V(upgrade), V(drain) or V(docker_engine); V(unknown) where that cannot be read.
                      returned: always
                      type: str
                      sample: drain
                    since:
                      description: When it began, in UTC; V(null) where that cannot be read.
                      returned: always
                      type: str
                      sample: "2026-11-22T17:40:00Z"
            builds_folders:
              description:
                - Folders of checkouts that runners share with the host at the same path, as far as they are there.
              returned: always
              type: list
              elements: str
              sample: [/builds]
            certificates:
              description: SHA-256 of each file by which the runner trusts a GitLab server, C(certs/HOST.crt).
              returned: always
              type: dict
              sample: {"gitlab.example.com.crt": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}
            registry_auth:
              description:
                - Who has logins to registries by M(runnerkit.gitlab.registry_auth), by name, with the keys C(users) (of
                  the host) and C(runners) (of its configuration); V(null) where nobody has.
              returned: always
              type: dict
              sample: {"users": ["root"], "runners": ["build"]}
            concurrent:
              description: How many jobs may run at once; V(null) where that is not set.
              returned: always
              type: int
              sample: 4
            runners:
              description: The runners in the configuration, in their order, as far as their settings are no secrets.
              returned: always
              type: list
              elements: dict
              contains:
                name:
                  description: The runner's name.
                  returned: always
                  type: str
                  sample: build
                id:
                  description: Its number in GitLab; V(null) where the runner has not written it down.
                  returned: always
                  type: int
                  sample: 42
                url:
                  description: Its GitLab, user names and passwords masked.
                  returned: always
                  type: str
                  sample: https://gitlab.example.com
                tls_ca_file:
                  description: The file with the CA of its GitLab; V(null) where it looks for that by itself.
                  returned: always
                  type: str
                  sample: /etc/gitlab-runner/certs/gitlab.example.com.crt
                executor:
                  description: Its executor.
                  returned: always
                  type: str
                  sample: docker
                mode:
                  description:
                    - How its jobs reach a Docker daemon, told by the settings; V(socket), V(dind), V(dind_insecure),
                      V(shell), or V(custom) for whatever else.
                  returned: always
                  type: str
                  sample: socket
                builds_dir:
                  description: Where jobs are checked out; V(null) for the executor's own default.
                  returned: always
                  type: str
                  sample: /builds
                environment:
                  description:
                    - Of the variables that the runner gives to jobs, those that tell how a job reaches a daemon,
                      E(DOCKER_HOST), E(DOCKER_TLS_CERTDIR), E(DOCKER_TLS_VERIFY), E(DOCKER_CERT_PATH),
                      E(DOCKER_DRIVER), E(DOCKER_TLS_SAN) and E(FF_NETWORK_PER_BUILD). Nothing of the others.
                  returned: always
                  type: dict
                  sample: {"DOCKER_HOST": "tcp://docker:2376"}
                feature_flags:
                  description: The runner's switches that are set.
                  returned: always
                  type: dict
                  sample: {"FF_NETWORK_PER_BUILD": true}
                docker:
                  description: The settings of its containers; V(null) without any.
                  returned: always
                  type: dict
                  contains:
                    image:
                      description: Image of jobs that name none.
                      returned: always
                      type: str
                      sample: docker:20.10.24-cli
                    helper_image:
                      description: Image that replaces the runner's own helper.
                      returned: always
                      type: str
                      sample: registry.example.com/gitlab-runner-helper:x86_64-v17.5.0
                    privileged:
                      description: Whether jobs run privileged.
                      returned: always
                      type: bool
                      sample: false
                    services_privileged:
                      description: Whether services run privileged; V(null) means as jobs do.
                      returned: always
                      type: bool
                      sample: true
                    volumes:
                      description: Volumes of jobs and services.
                      returned: always
                      type: list
                      elements: str
                      sample: ["/builds:/builds", "/cache", "/var/run/docker.sock:/var/run/docker.sock"]
                    services:
                      description: Services that the runner starts for each job.
                      returned: always
                      type: list
                      elements: dict
                      contains:
                        name:
                          description: The image.
                          returned: always
                          type: str
                          sample: docker:20.10.24-dind
                        alias:
                          description: More names for it, separated by spaces or commas.
                          returned: always
                          type: str
                          sample: docker
                        own_command:
                          description: Whether a command or an entry point of its own may change where it listens.
                          returned: always
                          type: bool
                          sample: false
                    disable_cache:
                      description: Whether the runner makes no volumes for entries of C(volumes) without a source.
                      returned: always
                      type: bool
                      sample: false
                    services_security_opt:
                      description: Security options of services, in the form of those of jobs.
                      returned: always
                      type: list
                      elements: str
                      sample: []
                    security_opt:
                      description: Security options of jobs; a seccomp profile that is written out is C({...}).
                      returned: always
                      type: list
                      elements: str
                      sample: ["seccomp=unconfined"]
                    runtime:
                      description: OCI runtime of jobs; V(null) for the engine's default.
                      returned: always
                      type: str
                      sample: runc
                    network_mode:
                      description: Network of jobs; V(null) for the executor's own default.
                      returned: always
                      type: str
                      sample: host
                    pull_policy:
                      description: When images are pulled, in the order in which that is tried.
                      returned: always
                      type: list
                      elements: str
                      sample: [if-not-present]
                    allowed_images:
                      description: Images that jobs may name; an empty list allows all.
                      returned: always
                      type: list
                      elements: str
                      sample: ["registry.example.com/*"]
                    allowed_services:
                      description: Services that jobs may name; an empty list allows all.
                      returned: always
                      type: list
                      elements: str
                      sample: []
                    allowed_privileged_images:
                      description: Images that run privileged where that is set; an empty list means all.
                      returned: always
                      type: list
                      elements: str
                      sample: []
                    allowed_privileged_services:
                      description: Services that run privileged where that is set; an empty list means all.
                      returned: always
                      type: list
                      elements: str
                      sample: []
                    host:
                      description: The engine that runs the jobs, passwords masked; V(null) for the host's own.
                      returned: always
                      type: str
                      sample: tcp://10.0.0.7:2376
        maintenance:
          description:
            - The mark of a host that was taken out of service by M(runnerkit.gitlab.runner_pause); V(null) without one.
            - The one key C(error), a sentence, where it cannot be read.
          returned: always
          type: dict
          contains:
            by:
              description: Who did it, V(upgrade) or V(drain).
              returned: success
              type: str
              sample: drain
            since:
              description: When, in UTC.
              returned: success
              type: str
              sample: "2026-11-22T17:40:00Z"
            reason:
              description: Why, for people.
              returned: success
              type: str
              sample: new memory modules
            paused:
              description: The runners that were paused in GitLab for it.
              returned: success
              type: list
              elements: dict
              contains:
                id:
                  description: Its number in GitLab.
                  returned: success
                  type: int
                  sample: 42
                name:
                  description: Its name.
                  returned: success
                  type: str
                  sample: build
                url:
                  description: Its GitLab.
                  returned: success
                  type: str
                  sample: https://gitlab.example.com
            before:
              description: What whoever did it wants to know again afterwards.
              returned: success
              type: dict
              sample: {}
            run:
              description:
                - Which run of C(playbooks/upgrade.yml) works on the host, as C(HOSTNAME:PID:START) of its process on
                  the controller. Empty with C(by=drain).
              returned: success
              type: str
              sample: ""
            idle:
              description: Seconds since whoever did it last touched the host, by its own clock.
              returned: success
              type: int
              sample: 42
        registry_ca:
          description:
            - The certificates by which registries and GitLab servers are trusted on the host, layer by layer.
            - Layers are where somebody put a certificate. V(engine) is C(/etc/docker/certs.d), V(podman)
              C(/etc/containers/certs.d) (for a registry that has no folder there podman takes the engine's), V(dind)
              C(/etc/runnerkit/certs.d), V(runner) C(/etc/gitlab-runner/certs), V(helper)
              C(/etc/runnerkit/helper-certs/ca.crt), and V(os) what was added to the host's own store.
            - Times are in UTC. Nothing is judged, and nothing verified.
          returned: always
          type: dict
          contains:
            authorities:
              description: One entry for each certificate of each registry, those for every address last.
              returned: always
              type: list
              elements: dict
              contains:
                host:
                  description: The registry, as its folder is named; V(null) in the layers runner, os and helper.
                  returned: always
                  type: str
                  sample: registry.example:5000
                name:
                  description: The server's name, as its file is named, in the layer runner; elsewhere V(null).
                  returned: always
                  type: str
                  sample: gitlab.example.com
                sha256:
                  description: SHA-256 of the certificate.
                  returned: always
                  type: str
                  sample: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
                subject:
                  description: Its subject in one line (RFC 4514).
                  returned: always
                  type: str
                  sample: CN=Example Root,O=Example
                issuer:
                  description: Its issuer in one line.
                  returned: always
                  type: str
                  sample: CN=Example Root,O=Example
                not_before:
                  description: From when it is valid.
                  returned: always
                  type: str
                  sample: "2026-01-31T00:00:00Z"
                not_after:
                  description: Until when it is valid.
                  returned: always
                  type: str
                  sample: "2036-01-31T00:00:00Z"
                ca:
                  description: Whether it may sign others, by its basic constraints; in version 1 if it signs itself.
                  returned: always
                  type: bool
                  sample: true
                self_signed:
                  description: Whether it names itself as its issuer, with a key of the same identifier.
                  returned: always
                  type: bool
                  sample: true
                layers:
                  description: Where it lies, of V(engine), V(podman), V(os), V(runner), V(dind) and V(helper).
                  returned: always
                  type: list
                  elements: str
                  sample: [engine, podman]
                paths:
                  description: Its files.
                  returned: always
                  type: list
                  elements: str
                  sample: ["/etc/docker/certs.d/registry.example:5000/ca.crt"]
            clients:
              description: One entry for each certificate that is shown to a registry.
              returned: always
              type: list
              elements: dict
              contains:
                host:
                  description: The registry, as its folder is named.
                  returned: always
                  type: str
                  sample: registry.example:5000
                sha256:
                  description: SHA-256 of the certificate.
                  returned: always
                  type: str
                  sample: 60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752
                subject:
                  description: Its subject in one line.
                  returned: always
                  type: str
                  sample: CN=builder
                issuer:
                  description: Its issuer in one line.
                  returned: always
                  type: str
                  sample: CN=Example Root,O=Example
                not_before:
                  description: From when it is valid.
                  returned: always
                  type: str
                  sample: "2026-01-31T00:00:00Z"
                not_after:
                  description: Until when it is valid.
                  returned: always
                  type: str
                  sample: "2027-01-31T00:00:00Z"
                layers:
                  description: Where it lies.
                  returned: always
                  type: list
                  elements: str
                  sample: [engine]
                paths:
                  description: Its files.
                  returned: always
                  type: list
                  elements: str
                  sample: ["/etc/docker/certs.d/registry.example:5000/client.cert"]
                key:
                  description: Whether each of its files has its key beside it. No key is ever opened.
                  returned: always
                  type: bool
                  sample: true
            errors:
              description: Files that are not read, by these facts or by the engine. At most a hundred are listed.
              returned: always
              type: list
              elements: dict
              contains:
                path:
                  description: The file.
                  returned: always
                  type: str
                  sample: /etc/docker/certs.d/registry.example:5000/ca.crt
                error:
                  description: What is wrong with it, as a sentence about it.
                  returned: always
                  type: str
                  sample: it has no certificate in PEM
                certificates:
                  description: How many certificates were found in it all the same.
                  returned: always
                  type: int
                  sample: 0
            store:
              description:
                - Whose way of adding authorities to its own store the host has, V(debian) or V(redhat), told by its
                  program; V(null) for another or none.
              returned: always
              type: str
              sample: debian
            store_current:
              description:
                - Whether the bundle that programs read has all certificates of the layer os. V(false) means that the
                  program that makes it has not run since, or is broken.
                - V(null) where there are none.
              returned: always
              type: bool
              sample: true
            managed:
              description: Files that the role registry_ca has written down as its own.
              returned: always
              type: list
              elements: str
              sample: ["/etc/docker/certs.d/registry.example:5000/ca.crt"]
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import DEFAULT_SOCKET, DEFAULT_TIMEOUT
from ansible_collections.runnerkit.gitlab.plugins.module_utils.facts_runtime import gather

MAX_TIMEOUT = 60.0


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "socket": {"type": "path", "default": DEFAULT_SOCKET},
            "timeout": {"type": "float", "default": DEFAULT_TIMEOUT},
        },
        supports_check_mode=True,
    )
    timeout = module.params["timeout"]
    # Written so that NaN is refused as well.
    if not 0 < timeout <= MAX_TIMEOUT:
        module.fail_json(msg=f"timeout is {timeout:g}; give seconds above 0 and up to {MAX_TIMEOUT:g}")
    facts = gather(module.params["socket"], timeout)
    module.exit_json(changed=False, ansible_facts={"runnerkit": facts})


if __name__ == "__main__":
    main()
