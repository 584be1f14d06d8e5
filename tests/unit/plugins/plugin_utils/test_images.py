# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.runnerkit.gitlab.plugins.module_utils.syscalls import NAMES
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.images import GENERATIONS, generations_of, image_base

DIGEST = "sha256:" + "0123456789abcdef" * 4
F, C, R, M = "faccessat2", "clone3", "close_range", "fchmodat2"
HELPER = "registry.gitlab.com/gitlab-org/gitlab-runner/gitlab-runner-helper"


@pytest.mark.parametrize(
    ("reference", "family", "version", "certainty", "needs"),
    [
        # Distributions by number
        pytest.param("alpine:3.12", "alpine", "3.12", "stated", (), id="Alpine before all trouble"),
        pytest.param("alpine:3.14", "alpine", "3.14", "stated", (F,), id="Alpine 3.14, with which it began"),
        pytest.param("alpine:3.14.2", "alpine", "3.14", "stated", (F,), id="a patch release of it"),
        pytest.param("alpine:3.20", "alpine", "3.20", "stated", (F, M), id="Alpine with musl 1.2.5"),
        pytest.param("debian:11-slim", "debian", "11", "stated", (), id="Debian by number"),
        pytest.param("debian:12.5", "debian", "12", "stated", (F, C, R), id="Debian's point release"),
        pytest.param("ubuntu:20.04", "ubuntu", "20.04", "stated", (), id="Ubuntu before glibc 2.33"),
        pytest.param("ubuntu:22.04", "ubuntu", "22.04", "stated", (F, C, R), id="Ubuntu 22.04"),
        pytest.param("ubuntu:24.04", "ubuntu", "24.04", "stated", (F, C, R, M), id="Ubuntu 24.04"),
        pytest.param("fedora:33", "fedora", "33", "stated", (), id="Fedora 33"),
        pytest.param("fedora:34", "fedora", "34", "stated", (F,), id="Fedora 34 has glibc 2.33"),
        pytest.param("fedora:35", "fedora", "35", "stated", (F, C, R), id="Fedora 35 has glibc 2.34"),
        pytest.param("fedora:40", "fedora", "40", "stated", (F, C, R, M), id="Fedora 40 has glibc 2.39"),
        pytest.param("centos:7", "centos", "7", "stated", (), id="CentOS"),
        pytest.param("centos:centos7.9.2009", "centos", "7.9.2009", "stated", (), id="CentOS with its name in the tag"),
        pytest.param("quay.io/centos/centos:stream9", "centos", "9", "stated", (F, C, R), id="CentOS Stream"),
        pytest.param("rockylinux:9.3", "rockylinux", "9.3", "stated", (F, C, R), id="Rocky Linux"),
        pytest.param("almalinux:8-minimal", "almalinux", "8", "stated", (), id="AlmaLinux"),
        pytest.param("oraclelinux:8-slim", "oraclelinux", "8", "stated", (), id="Oracle Linux"),
        pytest.param("rockylinux/rockylinux:10", "rockylinux", "10", "stated", (F, C, R, M), id="Rocky Linux 10"),
        pytest.param("amazonlinux:2", "amazonlinux", "2", "stated", (), id="Amazon Linux 2"),
        pytest.param("amazonlinux:2018.03", "amazonlinux", "2018.03", "stated", (), id="the first Amazon Linux"),
        pytest.param("amazonlinux:2023", "amazonlinux", "2023", "stated", (F, C, R), id="Amazon Linux 2023"),
        pytest.param("opensuse/leap:15.5", "opensuse", "15.5", "stated", (), id="openSUSE Leap 15.5"),
        pytest.param("opensuse/leap:15.6", "opensuse", "15.6", "stated", (F, C, R), id="openSUSE Leap 15.6"),
        pytest.param("opensuse/leap:42.3", "opensuse", None, "unknown", None, id="openSUSE's odd number 42"),
        pytest.param("opensuse/leap:15", "opensuse", "15.6", "floating", (F, C, R), id="the newest Leap 15"),
        pytest.param("opensuse/leap", "opensuse", "15.6", "floating", (F, C, R), id="the newest Leap"),
        # Numbers that no release of the distribution has
        pytest.param("alpine:1.4", "alpine", None, "unknown", None, id="Alpine 1.4, which never was"),
        pytest.param("alpine:2", "alpine", None, "unknown", None, id="Alpine 2 without its second number"),
        pytest.param("ubuntu:1.0", "ubuntu", None, "unknown", None, id="Ubuntu 1.0"),
        pytest.param("ubuntu:24", "ubuntu", None, "unknown", None, id="Ubuntu 24 without its month"),
        pytest.param("ubuntu:22.05", "ubuntu", None, "unknown", None, id="Ubuntu of May"),
        pytest.param("debian:1.2.3", "debian", None, "unknown", None, id="Debian 1.2.3, which had no images"),
        pytest.param("debian:20240101", "debian", None, "unknown", None, id="Debian of a day"),
        pytest.param("fedora:3", "fedora", None, "unknown", None, id="Fedora 3"),
        pytest.param("amazonlinux:2022", "amazonlinux", None, "unknown", None, id="Amazon Linux's preview of 2022"),
        pytest.param(
            "amazonlinux:2023.3.20231218.0", "amazonlinux", "2023.3.20231218.0", "stated", (F, C, R), id="full"
        ),
        pytest.param("acme/builder:debian1", "debian", None, "unknown", None, id="such a number behind the name"),
        pytest.param("acme/builder:alpine314", "alpine", None, "unknown", None, id="a number without its dot"),
        # Ways to write a release behind the name
        pytest.param("acme/app:alpine3", "alpine", "3.22", "floating", (F, M), id="alpine3 is the newest of them"),
        pytest.param("acme/app:1-ubuntu2004", "ubuntu", "20.04", "stated", (), id="ubuntu2004"),
        pytest.param("acme/app:1-ubuntu2204", "ubuntu", "22.04", "stated", (F, C, R), id="ubuntu2204"),
        pytest.param("acme/app:ubuntu2404", "ubuntu", "24.04", "stated", (F, C, R, M), id="ubuntu2404"),
        pytest.param("acme/app:ubuntu24", "ubuntu", "24.04", "stated", (F, C, R, M), id="ubuntu24, of April"),
        pytest.param("acme/app:ubuntu20", "ubuntu", "20.04", "stated", (), id="ubuntu20"),
        pytest.param("acme/app:ubuntu23", "ubuntu", None, "unknown", None, id="ubuntu23, of April or of October"),
        pytest.param("acme/app:ubuntu2305", "ubuntu", None, "unknown", None, id="ubuntu2305"),
        pytest.param("amazoncorretto:17-al2", "amazonlinux", "2", "stated", (), id="al2"),
        pytest.param("acme/app:al2022", None, None, "unknown", None, id="al2022, the preview"),
        # Red Hat's names
        pytest.param("registry.access.redhat.com/ubi9", "ubi", "9", "stated", (F, C, R), id="ubi9"),
        pytest.param("redhat/ubi8-minimal:8.9", "ubi", "8", "stated", (), id="ubi8-minimal"),
        pytest.param(
            "registry.redhat.io/ubi9/python-311:1-77", "ubi", "9", "stated", (F, C, R), id="an image below ubi9"
        ),
        pytest.param("registry.redhat.io/rhel7", "redhat", "7", "stated", (), id="rhel7"),
        # Code names
        pytest.param("debian:bullseye", "debian", "11", "stated", (), id="bullseye"),
        pytest.param("debian:bookworm-20240101-slim", "debian", "12", "stated", (F, C, R), id="bookworm of a day"),
        pytest.param("debian:trixie", "debian", "13", "stated", (F, C, R, M), id="trixie"),
        pytest.param("debian:sid-slim", "debian", "sid", "floating", (F, C, R, M), id="sid"),
        pytest.param("ubuntu:focal", "ubuntu", "20.04", "stated", (), id="focal"),
        pytest.param("ubuntu:jammy-20240101", "ubuntu", "22.04", "stated", (F, C, R), id="jammy"),
        pytest.param("buildpack-deps:bookworm-scm", "debian", "12", "stated", (F, C, R), id="a code name anywhere"),
        # Tags that move
        pytest.param("alpine", "alpine", "3.22", "floating", (F, M), id="alpine:latest"),
        pytest.param("alpine:edge", "alpine", "edge", "floating", (F, M), id="alpine:edge"),
        pytest.param("debian:stable-slim", "debian", "13", "floating", (F, C, R, M), id="debian:stable"),
        pytest.param("archlinux", "archlinux", "rolling", "floating", (F, C, R, M), id="Arch Linux"),
        pytest.param("opensuse/tumbleweed", "opensuse", "rolling", "floating", (F, C, R, M), id="Tumbleweed"),
        pytest.param("archlinux:base-20240101.0.204065", "archlinux", None, "unknown", None, id="Arch Linux of a day"),
        pytest.param("alpine:20230901", "alpine", None, "unknown", None, id="Alpine edge of a day"),
        # Languages with a base in the tag
        pytest.param("ruby:2.7-alpine3.13", "alpine", "3.13", "stated", (), id="a tag with its Alpine"),
        pytest.param("python:3.12-slim-bookworm", "debian", "12", "stated", (F, C, R), id="a tag with its Debian"),
        pytest.param("golang:1.22-bullseye", "debian", "11", "stated", (), id="a tag with an older Debian"),
        pytest.param(
            "eclipse-temurin:17-jdk-jammy", "ubuntu", "22.04", "stated", (F, C, R), id="a tag with its Ubuntu"
        ),
        pytest.param("eclipse-temurin:17-ubi9-minimal", "ubi", "9", "stated", (F, C, R), id="a tag with ubi9"),
        pytest.param("mysql:8.0-oraclelinux8", "oraclelinux", "8", "stated", (), id="a tag with Oracle Linux"),
        pytest.param(
            "amazoncorretto:17-al2023", "amazonlinux", "2023", "stated", (F, C, R), id="a tag with Amazon Linux"
        ),
        pytest.param(
            "nvidia/cuda:12.1.0-base-ubuntu22.04", "ubuntu", "22.04", "stated", (F, C, R), id="somebody's image"
        ),
        pytest.param("gcr.io/distroless/cc-debian12", "debian", "12", "stated", (F, C, R), id="a base in the name"),
        # Languages by default
        pytest.param("python:3.12", "debian", "13", "floating", (F, C, R, M), id="a line that is rebuilt"),
        pytest.param("python:3.12-slim", "debian", "13", "floating", (F, C, R, M), id="its slim variant"),
        pytest.param("python:3", "debian", "13", "floating", (F, C, R, M), id="less than a line"),
        pytest.param("python", "debian", "13", "floating", (F, C, R, M), id="no tag"),
        pytest.param("python:3.12.1", "debian", None, "unknown", None, id="a release built when the default moved"),
        pytest.param("golang:1.22.3", "debian", "12", "default", (F, C, R), id="a release within one default"),
        pytest.param("rust:1.75", "debian", "12", "floating", (F, C, R), id="a line in a span of lines"),
        pytest.param("rust:1.89", "debian", None, "unknown", None, id="a line between the spans"),
        pytest.param("ruby:2.7", "debian", "11", "floating", (), id="a line that has ended"),
        pytest.param("ruby:2.7-alpine", "alpine", "3.14", "floating", (F,), id="the -alpine tags that broke in 2021"),
        pytest.param("ruby:2.7.4-alpine", "alpine", None, "unknown", None, id="an -alpine tag of one release"),
        pytest.param("python:3.12-alpine", "alpine", "3.21", "floating", (F, M), id="an -alpine tag that is rebuilt"),
        pytest.param("python:3.7-alpine", "alpine", "3.18", "floating", (F,), id="the least that a line ended on"),
        pytest.param(
            "python:3.8-alpine", "alpine", "3.20", "floating", (F, M), id="where a line is known to have ended"
        ),
        pytest.param("golang:1.21-alpine", "alpine", "3.20", "floating", (F, M), id="another line that has ended"),
        pytest.param("node:20-alpine", "alpine", "3.21", "floating", (F, M), id="a line with a newer Alpine"),
        pytest.param("node:20", "debian", "12", "floating", (F, C, R), id="lines with one number"),
        pytest.param("node:lts", "debian", None, "unknown", None, id="a line by a name"),
        pytest.param("php:8.2-fpm-alpine", "alpine", "3.21", "floating", (F, M), id="variants do not matter"),
        pytest.param("python:2.7", "debian", None, "unknown", None, id="a line that is not in the table"),
        pytest.param("openjdk:17", None, None, "unknown", None, id="a language that is not in the table"),
        pytest.param("golang:1.22-windowsservercore-1809", None, None, "unknown", None, id="Windows"),
        # Mirrors and copies
        pytest.param(
            "registry.example:5000/mirror/library/alpine:3.14", "alpine", "3.14", "stated", (F,), id="a mirror"
        ),
        pytest.param(
            "gitlab.example.com/group/dependency_proxy/containers/alpine:3.14",
            "alpine",
            "3.14",
            "stated",
            (F,),
            id="a proxy",
        ),
        pytest.param("arm32v7/debian:12", "debian", "12", "stated", (F, C, R), id="another architecture's directory"),
        pytest.param(
            "public.ecr.aws/docker/library/python:3.12", "debian", "13", "floating", (F, C, R, M), id="Amazon's"
        ),
        pytest.param("mirror.gcr.io/library/alpine:3.14", "alpine", "3.14", "stated", (F,), id="Google's mirror"),
        pytest.param("mirror.gcr.io/alpine:3.14", "alpine", "3.14", "stated", (F,), id="one name below a registry"),
        pytest.param(
            "registry.example/dockerhub/opensuse/leap:15.5", "opensuse", "15.5", "stated", (), id="a publisher"
        ),
        pytest.param("registry.example/acme/alpine:3.14", None, None, "unknown", None, id="an own image called alpine"),
        pytest.param("registry.example/acme/alpine:1.4", None, None, "unknown", None, id="with its own number"),
        pytest.param("registry.example/acme/ubuntu:1.0", None, None, "unknown", None, id="an own image called ubuntu"),
        pytest.param("registry.example/acme/debian:1.2.3", None, None, "unknown", None, id="one called debian"),
        pytest.param("registry.example/acme/node:20", None, None, "unknown", None, id="one called node"),
        pytest.param("registry.example/acme/ruby:main", None, None, "unknown", None, id="one called ruby"),
        pytest.param(
            "registry.example/acme/alpine3.12-node:20", None, None, "unknown", None, id="one called alpine3.12"
        ),
        pytest.param(
            "registry.example/acme/ubi9/app:1", None, None, "unknown", None, id="an own directory called ubi9"
        ),
        pytest.param(
            "registry.example/acme/python:1-slim-bookworm", "debian", "12", "stated", (F, C, R), id="with a code name"
        ),
        pytest.param("registry.example/acme/node:1-alpine3.18", "alpine", "3.18", "stated", (F,), id="with its Alpine"),
        pytest.param("registry.example/acme/node:1-alpine", "alpine", None, "floating", None, id="with some Alpine"),
        pytest.param("ubuntu/python:3.10-22.04_stable", None, None, "unknown", None, id="a publisher's own python"),
        pytest.param("public.ecr.aws/lambda/python:3.11", None, None, "unknown", None, id="Lambda's python"),
        pytest.param("public.ecr.aws/lambda/python:3.12", None, None, "unknown", None, id="Lambda's newer python"),
        pytest.param("someone/alpine:3.14", None, None, "unknown", None, id="somebody's image on Docker Hub"),
        pytest.param(
            "someone/ruby:2.7-alpine3.14", "alpine", "3.14", "stated", (F,), id="somebody's image with its base"
        ),
        pytest.param("registry.example/noble/ubuntu/app:1", None, None, "unknown", None, id="directories say nothing"),
        # Digests
        pytest.param(f"alpine@{DIGEST}", "alpine", None, "unknown", None, id="a digest alone"),
        pytest.param(f"alpine:3.14@{DIGEST}", "alpine", "3.14", "stated", (F,), id="a digest beside a release"),
        pytest.param(f"alpine:latest@{DIGEST}", "alpine", None, "unknown", None, id="a digest of a tag that moves"),
        # GitLab and others
        pytest.param(
            f"{HELPER}:alpine3.18-x86_64-v16.1.0", "alpine", "3.18", "stated", (F,), id="helper with its base"
        ),
        pytest.param(f"{HELPER}:x86_64-latest", "alpine", None, "unknown", None, id="helper without"),
        pytest.param(f"{HELPER}:ubuntu-x86_64-v16.1.0", "ubuntu", None, "floating", None, id="helper on some Ubuntu"),
        pytest.param("nginx:alpine", "alpine", None, "floating", None, id="on some Alpine"),
        pytest.param("nginx:1.25", None, None, "unknown", None, id="nothing to go by"),
    ],
)
def test_what_an_image_is_built_on_and_needs(
    reference: str, family: str | None, version: str | None, certainty: str, needs: tuple[str, ...] | None
) -> None:
    base = image_base(reference)
    assert (base.family, base.version, base.certainty) == (family, version, certainty)
    found = generations_of(reference)
    assert (None if found is None else tuple(one.id for one in found)) == needs


@pytest.mark.parametrize(
    ("reference", "docker_version", "dind", "alpine", "certainty"),
    [
        pytest.param("docker:19.03.15-dind-alpine3.13", "19.03.15", True, "3.13", "stated", id="the advice of 2021"),
        pytest.param("docker:19.03.15-dind", "19.03.15", True, "3.14", "default", id="moved to 3.14 at last"),
        pytest.param("docker:19.03.12", "19.03.12", False, "3.12", "default", id="before the move"),
        pytest.param("docker:20.10.7-dind", "20.10.7", True, "3.13", "default", id="the last on 3.13"),
        pytest.param("docker:20.10.9-dind", "20.10.9", True, "3.14", "default", id="on 3.14"),
        pytest.param("docker:20.10-dind", "20.10", True, "3.17", "floating", id="a line: its newest release"),
        pytest.param("docker:19.03", "19.03", False, "3.14", "floating", id="an older line"),
        pytest.param("docker:24-dind-rootless", "24", True, "3.18", "floating", id="rootless"),
        pytest.param("docker:27.1.1-cli", "27.1.1", False, "3.20", "default", id="the CLI alone"),
        pytest.param("docker:27.1-git", "27.1", False, "3.20", "floating", id="with git"),
        pytest.param("docker:26.1.2", "26.1.2", False, None, "unknown", id="moved while it was current"),
        pytest.param("docker:29.0.0-rc.1-dind", "29.0.0-rc.1", True, "3.21", "default", id="a release candidate"),
        pytest.param("docker:latest", None, False, "3.21", "floating", id="latest"),
        pytest.param("docker:dind", None, True, "3.21", "floating", id="dind"),
        pytest.param("docker", None, False, "3.21", "floating", id="no tag"),
        pytest.param("docker:cli", None, False, "3.21", "floating", id="cli"),
        pytest.param("docker:git", None, False, "3.21", "floating", id="git"),
        pytest.param("docker:dind-rootless", None, True, "3.21", "floating", id="dind without root"),
        pytest.param("docker:rc-dind", None, True, "3.21", "floating", id="the next release"),
        pytest.param("docker:stable", None, False, "3.12", "floating", id="stable, which is not renewed"),
        pytest.param("docker:stable-dind", None, True, "3.12", "floating", id="its dind"),
        pytest.param("docker:stable-dind-rootless", None, True, "3.12", "floating", id="without root"),
        pytest.param("docker:test-dind", None, True, "3.12", "floating", id="test, which went with stable"),
        pytest.param("docker:edge-dind", None, True, None, "floating", id="edge, which ended earlier"),
        pytest.param("docker:18.09-dind", "18.09", True, "3.12", "floating", id="a line before all trouble"),
        pytest.param("docker:17.06.2-ce", "17.06.2", False, "3.12", "default", id="a community edition"),
        pytest.param("docker:nonsense", None, False, None, "unknown", id="a tag that is not in the table"),
        pytest.param("docker:1.0-dind", None, True, None, "unknown", id="a release that never had an image"),
        pytest.param("docker:21.0", None, False, None, "unknown", id="a release that never was"),
        pytest.param("docker:1.12", "1.12", False, None, "unknown", id="older than the table"),
        pytest.param(f"docker@{DIGEST}", None, False, None, "unknown", id="a digest"),
        pytest.param("mirror.example/library/docker:25.0.3-dind", "25.0.3", True, "3.19", "default", id="a mirror"),
    ],
)
def test_docker_images(
    reference: str, docker_version: str | None, dind: bool, alpine: str | None, certainty: str
) -> None:
    base = image_base(reference)
    assert (base.docker_version, base.dind) == (docker_version, dind)
    assert (base.family, base.version, base.certainty) == ("alpine", alpine, certainty)


@pytest.mark.parametrize(
    ("reference", "dind"),
    [
        pytest.param("registry.gitlab.com/acme/docker:1.0-dind", True, id="an own image called docker"),
        pytest.param("registry.example/acme/docker:20.10.5", False, id="with a number like a release of Docker's"),
        pytest.param("someone/docker:dind", True, id="on Docker Hub"),
    ],
)
def test_anybodys_image_called_docker_is_no_docker_engine(reference: str, dind: bool) -> None:
    base = image_base(reference)
    assert (base.family, base.version, base.certainty) == (None, None, "unknown")
    assert (base.docker_version, base.dind) == (None, dind)


def test_dind_is_told_from_other_peoples_names_too() -> None:
    assert image_base("cruizba/ubuntu-dind:jammy").dind
    assert not image_base("example/finding:1").dind


@pytest.mark.parametrize(
    ("reference", "pinned"),
    [
        pytest.param("ruby:2.7-alpine3.13", True, id="a tag that ends in -alpine3.13"),
        pytest.param("docker:20.10.8-dind-alpine3.13", True, id="docker's image too"),
        pytest.param("registry.example/mirror/node:14-alpine3.13", True, id="on a mirror"),
        pytest.param("alpine:3.13", True, id="Alpine 3.13 itself"),
        pytest.param("alpine:3.13.5", True, id="a patch release of it"),
        pytest.param("ruby:2.7-alpine3.12", False, id="an older one was nobody's advice"),
        pytest.param("ruby:2.7-alpine3.14", False, id="a newer one is no way around"),
        pytest.param("docker:20.10.7-dind", False, id="on 3.13 without saying so"),
        pytest.param("python:3.13", False, id="another program's 3.13"),
    ],
)
def test_the_workaround_of_2021_is_recognised_and_called_temporary(reference: str, pinned: bool) -> None:
    base = image_base(reference)
    assert base.pinned_workaround is pinned
    assert any("temporary" in note for note in base.notes) is pinned


@pytest.mark.parametrize(
    ("reference", "note"),
    [
        ("alpine", "the tag latest moves: alpine 3.22 at least, and it may be built on a newer one by now"),
        ("alpine:edge", "the tag edge is rebuilt on newer bases as they come"),
        ("node:20-alpine", "the tag 20-alpine moves: alpine 3.21 at least, and it may be built on a newer one by now"),
        ("acme/app:alpine3", "the tag alpine3 moves: alpine 3.22 at least, and it may be built on a newer one by now"),
        ("registry.example/library/alpine:3.14", "taken for a copy of the well-known image alpine by its path"),
        (
            "registry.example/x/alpine:3.14",
            "an image of its own, for all that its path tells, though it is called alpine",
        ),
        ("ubuntu:24", "ubuntu 24 is no release that is known of it"),
        ("docker:1.0-dind", "Docker 1.0 is no release that is known of it"),
        ("docker:18.09", "docker:18.09 was last built on about Alpine 3.12 or older"),
        ("someone/app:1-bookworm", "by the tag alone: the image is not one of the official ones"),
        (f"alpine:latest@{DIGEST}", "the digest pins one build of a tag that is rebuilt: which one cannot be told"),
        ("python:3.12.1", "python:3.12.1 was built between Debian 12 and 13 as the default"),
        ("docker:18.09.9", "docker:18.09.9 was last built on about Alpine 3.12 or older"),
        ("docker:stable", "docker:stable is not renewed any more: it stayed at Docker 19.03.14 of December 2020"),
        ("golang:1.22-nanoserver", "a Windows image: seccomp does not concern it"),
        ("example/app", "neither the name nor the tag says what the image is built on"),
    ],
)
def test_notes_tell_how_much_to_believe(reference: str, note: str) -> None:
    assert note in image_base(reference).notes


@pytest.mark.parametrize(
    ("reference", "architecture", "needs"),
    [
        pytest.param("alpine:3.13", "armv7l", ("musl-time64",), id="32-bit ARM needs the time64 calls"),
        pytest.param("alpine:3.14", "i686", ("musl-time64", F), id="32-bit x86 too"),
        pytest.param("alpine:3.12", "armv7l", (), id="but not before Alpine 3.13"),
        pytest.param("alpine:3.13", "aarch64", (), id="and 64-bit ARM does not"),
        pytest.param("debian:12", "armhf", (F, C, R), id="glibc is not musl"),
    ],
)
def test_what_an_image_needs_depends_on_the_architecture(
    reference: str, architecture: str, needs: tuple[str, ...]
) -> None:
    found = generations_of(reference, architecture)
    assert found is not None
    assert tuple(one.id for one in found) == needs


@pytest.mark.parametrize(
    ("reference", "architecture"),
    [
        ("arm32v5/debian:12", "armv5l"),
        ("arm32v6/alpine:3.13", "armv6l"),
        ("docker.io/arm32v7/alpine:3.13", "armv7l"),
        ("arm64v8/ubuntu:22.04", "aarch64"),
        ("i386/alpine:3.13", "i386"),
        ("amd64/python:3.12", "x86_64"),
        ("s390x/docker:27-dind", "s390x"),
        ("registry.example/mirror/arm32v7/alpine:3.13", "armv7l"),
        ("alpine:3.13", None),
        ("registry.example/arm32v7/alpine:3.13", None),
    ],
)
def test_a_directory_of_docker_hub_states_the_architecture(reference: str, architecture: str | None) -> None:
    assert image_base(reference).architecture == architecture


@pytest.mark.parametrize(
    ("reference", "host", "needs"),
    [
        pytest.param("arm32v7/alpine:3.13", "aarch64", ("musl-time64",), id="32-bit ARM on a 64-bit host"),
        pytest.param("i386/alpine:3.14", "x86_64", ("musl-time64", F), id="32-bit x86 on a 64-bit host"),
        pytest.param("arm32v7/alpine:3.12", "aarch64", (), id="but not before Alpine 3.13"),
        pytest.param("i386/debian:12", "x86_64", (F, C, R), id="nor with glibc"),
        pytest.param("amd64/alpine:3.13", "i686", (), id="and a 64-bit image is one everywhere"),
    ],
)
def test_the_architecture_that_an_image_states_counts(reference: str, host: str, needs: tuple[str, ...]) -> None:
    found = generations_of(reference, host)
    assert found is not None
    assert tuple(one.id for one in found) == needs


def test_generations_are_complete_and_in_order() -> None:
    assert [one.id for one in GENERATIONS] == ["musl-time64", F, C, R, M]
    for one in GENERATIONS:
        assert one.severity in ("broken", "degraded")
        assert set(one.needs) <= set(NAMES)
        assert len(one.title) <= 24
        assert all((one.what, one.examples, one.symptom, one.since))
    assert len(set(GENERATIONS)) == len(GENERATIONS)


@pytest.mark.parametrize("asked", [image_base, generations_of], ids=["image_base", "generations_of"])
def test_what_is_no_reference_is_refused(asked: object) -> None:
    assert callable(asked)
    with pytest.raises(ValueError, match="'Alpine' has capital letters"):
        asked("Alpine")


releases = st.one_of(
    st.tuples(st.just("alpine"), st.lists(st.integers(0, 30).map("3.{}".format), min_size=2, max_size=2)),
    st.tuples(
        st.just("ubuntu"),
        st.lists(
            st.tuples(st.integers(12, 30), st.sampled_from(["04", "10"])).map("{0[0]}.{0[1]}".format),
            min_size=2, max_size=2,
        ),
    ),
    st.tuples(st.just("debian"), st.lists(st.integers(6, 19).map(str), min_size=2, max_size=2)),
    st.tuples(st.just("rockylinux"), st.lists(st.sampled_from(["8", "8.9", "9", "9.3", "10"]), min_size=2, max_size=2)),
)  # fmt: skip


@given(releases)
def test_law_a_newer_release_needs_all_that_an_older_one_needs(images: tuple[str, list[str]]) -> None:
    name, numbers = images
    older, newer = sorted(numbers, key=lambda text: [int(part) for part in text.split(".")])
    before, after = generations_of(f"{name}:{older}", "armhf"), generations_of(f"{name}:{newer}", "armhf")
    assert before is not None
    assert after is not None
    assert set(before) <= set(after)


@given(st.from_regex(r"[a-z]{1,6}(?:/[a-z]{1,6})?(?::[a-z0-9][a-z0-9.-]{0,16})?", fullmatch=True))
def test_law_every_reference_has_an_answer(reference: str) -> None:
    base = image_base(reference)
    assert (generations_of(reference) is None) == (base.version is None)
    assert base.family is not None or base.version is None
    assert base.version is not None or base.certainty in ("floating", "unknown")


@given(
    st.one_of(
        st.text(),
        st.text("aA0:/@.-_[]$ 3x", max_size=30),
        st.tuples(
            st.sampled_from(["alpine", "docker", "ubuntu", "python", "node", "opensuse/leap", "a.b/c/d", "fedora"]),
            st.text("0123456789.-_+abcdefghilnoprstuvxz", max_size=40),
        ).map(":".join),
    )
)
@example("python:3.")
@example("alpine:" + "9" * 128)
@example("docker:0.0.0")
@example("php:7.3-alpine")
@example("rust:1.89-alpine")
def test_law_any_text_has_an_answer_or_is_refused(text: str) -> None:
    try:
        base = image_base(text)
        needs = generations_of(text)
    except ValueError as error:
        told = str(error)
    else:
        assert (needs is None) == (base.version is None)
        return
    assert "image reference" in told


names = st.sampled_from(
    ["alpine", "debian", "ubuntu", "fedora", "leap", "docker", "python", "node", "ubi9", "cc-debian12", "alpine3.12"]
)
owners = st.sampled_from(["registry.example/acme", "registry.gitlab.com/acme/app", "acme", "localhost", "quay.io/acme"])
words = st.one_of(
    st.from_regex(r"[0-9]{1,4}(?:\.[0-9]{1,3}){0,2}", fullmatch=True),
    st.sampled_from(["latest", "dind", "slim", "main", "v3", "stable", "alpine", "ubuntu", "rc1", "20240101"]),
)


@given(owners, names, st.lists(words, min_size=1, max_size=3).map("-".join))
@example("registry.example/acme", "alpine", "3.14")
@example("localhost", "alpine", "3.14")
def test_law_a_private_image_states_no_base_but_in_its_tag(owner: str, name: str, tag: str) -> None:
    base = image_base(f"{owner}/{name}:{tag}")
    assert base.certainty not in ("stated", "default")
    assert (base.version, base.docker_version) == (None, None)
    assert generations_of(f"{owner}/{name}:{tag}") is None
    stated = image_base(f"{owner}/{name}:{tag}-slim-bookworm")
    assert (stated.family, stated.version, stated.certainty) == ("debian", "12", "stated")
