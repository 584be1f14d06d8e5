# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import pytest

from ansible_collections.runnerkit.gitlab.plugins.module_utils import facts_programs


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("Docker version 20.10.5+dfsg1, build 55c4c88\n", "20.10.5+dfsg1", id="Debian 11"),
        pytest.param("Docker version 20.10.24+dfsg1, build 297e128\n", "20.10.24+dfsg1", id="Debian 12"),
        pytest.param("Docker version 26.1.5+dfsg1, build a72d7cd\n", "26.1.5+dfsg1", id="Debian 13"),
        pytest.param("Docker version 28.5.2, build ecc6942\n", "28.5.2", id="docker's own package"),
        pytest.param("Docker version 29.0.0-rc.1, build 1234567\n", "29.0.0-rc.1", id="a release candidate"),
        pytest.param("Docker version 24.0.7, build 24.0.7-0ubuntu2~22.04.1\n", "24.0.7", id="Ubuntu 22.04"),
        pytest.param("Docker version v25.0.8, build 0bab007\n", "25.0.8", id="a tag with its v"),
        pytest.param("WARNING: no config\nDocker version 20.10.6, build 370c289\n", "20.10.6", id="after a warning"),
        pytest.param("podman version 4.3.1\n", None, id="podman's stand-in"),
        pytest.param("", None, id="nothing"),
        pytest.param(None, None, id="a program that did not answer"),
    ],
)
def test_docker_version(text: str | None, expected: str | None) -> None:
    assert facts_programs.docker_version(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "containerd github.com/containerd/containerd 1.4.13~ds1 1.4.13~ds1-1~deb11u4\n",
            "1.4.13~ds1",
            id="Debian 11",
        ),
        pytest.param(
            "containerd github.com/containerd/containerd 1.6.20~ds1 1.6.20~ds1-1+b1\n", "1.6.20~ds1", id="Debian 12"
        ),
        pytest.param(
            "containerd github.com/containerd/containerd 1.7.24~ds1 1.7.24~ds1-6+b4\n", "1.7.24~ds1", id="Debian 13"
        ),
        pytest.param(
            "containerd containerd.io 1.4.3 269548fa27e0089a8b8278fc4fc781d7f65a939b\n", "1.4.3", id="containerd.io 1.4"
        ),
        pytest.param("containerd containerd.io v2.1.5 fcd4322\n", "2.1.5", id="containerd.io 2.1 with its v"),
        pytest.param("unknown flag\n", None, id="another text"),
        pytest.param(None, None, id="a program that did not answer"),
    ],
)
def test_containerd_version(text: str | None, expected: str | None) -> None:
    assert facts_programs.containerd_version(text) == expected


@pytest.mark.parametrize(
    ("text", "version", "libseccomp"),
    [
        pytest.param(
            "runc version 1.0.0~rc93+ds1\ncommit: 1.0.0~rc93+ds1-5+deb11u5\nspec: 1.0.2-dev\ngo: go1.15.15\n"
            "libseccomp: 2.5.1\n",
            "1.0.0~rc93+ds1",
            "2.5.1",
            id="Debian 11",
        ),
        pytest.param(
            "runc version 1.1.5+ds1\ncommit: 1.1.5+ds1-1+deb12u1\nspec: 1.0.2-dev\ngo: go1.19.8\nlibseccomp: 2.5.4\n",
            "1.1.5+ds1",
            "2.5.4",
            id="Debian 12",
        ),
        pytest.param(
            "runc version 1.1.15+ds1\ncommit: 1.1.15+ds1-2+b4\nspec: 1.0.2-dev\ngo: go1.24.4\nlibseccomp: 2.6.0\n",
            "1.1.15+ds1",
            "2.6.0",
            id="Debian 13",
        ),
        pytest.param(
            "runc version 1.0.0-rc92\ncommit: ff819c7e9184c13b7c2607fe6c30ae19403a7aff\nspec: 1.0.2-dev\n",
            "1.0.0-rc92",
            None,
            id="containerd.io before rc93 does not tell its libseccomp",
        ),
        pytest.param(
            "runc version 1.3.3\ncommit: v1.3.3-0-gd842d771\nspec: 1.2.1\ngo: go1.24.9\nlibseccomp: 2.5.5\n",
            "1.3.3",
            "2.5.5",
            id="containerd.io carries a libseccomp of its own",
        ),
        pytest.param("crun version 1.8.1\n", None, None, id="crun under runc's name"),
        pytest.param(None, None, None, id="a program that did not answer"),
    ],
)
def test_runc_versions(text: str | None, version: str | None, libseccomp: str | None) -> None:
    assert facts_programs.runc_versions(text) == {"version": version, "libseccomp": libseccomp}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("podman version 4.3.1\n", "4.3.1", id="podman"),
        pytest.param("Docker version 28.5.2, build x\n", None, id="docker under podman's name"),
        pytest.param(None, None, id="a program that did not answer"),
    ],
)
def test_podman_version(text: str | None, expected: str | None) -> None:
    assert facts_programs.podman_version(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "Version:      17.5.0\nGit revision: 0c6c7ef1\nGo version:   go1.22\n", "17.5.0", id="the vendor's"
        ),
        pytest.param("Version:      14.0.0~beta.1.gabc\n", "14.0.0~beta.1.gabc", id="a development build"),
        pytest.param("a stand-in\n", None, id="another text"),
        pytest.param(None, None, id="a program that did not answer"),
    ],
)
def test_gitlab_runner_version(text: str | None, expected: str | None) -> None:
    assert facts_programs.gitlab_runner_version(text) == expected
