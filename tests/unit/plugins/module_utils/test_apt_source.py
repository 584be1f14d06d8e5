# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.runnerkit.gitlab.plugins.module_utils.apt_source import (
    AptSource,
    read_source_files,
    takeovers,
)

URI = "https://download.docker.com/linux/debian"
MIRROR = "http://mirror.example/linux/debian"
URIS = [MIRROR, URI]
OURS = "/etc/apt/sources.list.d/runnerkit-docker.sources"
LIST = "/etc/apt/sources.list.d/other.list"
SOURCES = "/etc/apt/sources.list.d/other.sources"
SYSTEM = "/etc/apt/sources.list"
NOTE = "# switched off, runnerkit-docker.sources has this repository now: "


def taken_over(path: str, text: str) -> str | None:
    """The content of one file afterwards; None for one that is set aside."""
    found = takeovers({path: text}, URIS, OURS)
    assert len(found) <= 1
    return found[0].text if found else text


def test_our_own_file() -> None:
    source = AptSource("docker", MIRROR, "bookworm", ("stable", "test"), "amd64", "/etc/apt/keyrings/k.asc")
    assert source.render("Managed by a test") == textwrap.dedent(
        """\
        # Managed by a test
        Types: deb
        URIs: http://mirror.example/linux/debian
        Suites: bookworm
        Components: stable test
        Architectures: amd64
        Signed-By: /etc/apt/keyrings/k.asc
        """
    )
    assert source.render().startswith("# Ansible managed\n")


@pytest.mark.parametrize(
    "line",
    [
        f"deb {URI} bookworm stable",
        f"deb {URI}/ bookworm stable",
        f"deb-src {URI} bookworm stable",
        f"deb [arch=amd64 signed-by=/usr/share/keyrings/docker.gpg] {URI} bookworm stable",
        f"deb [ arch=amd64 ]\t{URI} bookworm stable # docker",
        f"  deb   {MIRROR} bookworm stable",
    ],
    ids=["plain", "with a slash", "source packages", "with options", "with tabs and a comment", "indented"],
)
def test_a_list_with_nothing_but_our_repository_is_set_aside(line: str) -> None:
    assert taken_over(LIST, line + "\n") is None
    assert taken_over(LIST, f"# docker\n\n{line}\n# deb http://old/ x y") is None


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        pytest.param(
            LIST, f"deb http://a/ b c\ndeb {URI} b stable\n", f"deb http://a/ b c\n{NOTE}deb {URI} b stable\n",
            id="a list with another repository keeps that one",
        ),
        pytest.param(
            LIST, f"deb {URI} b stable\r\ndeb http://a/ b c", f"{NOTE}deb {URI} b stable\r\ndeb http://a/ b c",
            id="a list without a newline at the end",
        ),
        pytest.param(SYSTEM, f"deb {URI} b c\n", f"{NOTE}deb {URI} b c\n", id="the system's list is never moved"),
        pytest.param(
            SYSTEM, f"# mine\ndeb http://a/ b c\ndeb {URI} b stable\n",
            f"# mine\ndeb http://a/ b c\n{NOTE}deb {URI} b stable\n", id="the system's list with another repository",
        ),
        pytest.param(SOURCES, f"Types: deb\nURIs: {URI}\nSuites: b\n", None, id="a stanza of our repository alone"),
        pytest.param(
            SOURCES, f"# docker\nTypes: deb\nURIs: {URI}/\nSigned-By:\n -----BEGIN\n .\n x\n -----END\n", None,
            id="a stanza with the key in it",
        ),
        pytest.param(
            SOURCES, f"URIs: http://a/\nSuites: b\n\nURIs: {URI}\nSuites: c\n",
            f"URIs: http://a/\nSuites: b\n\nURIs: {URI}\nSuites: c\nEnabled: no\n", id="one stanza of two",
        ),
        pytest.param(
            SOURCES, f"URIs: {URI}\nEnabled: yes\nSuites: b\n\n\nURIs: http://a/",
            f"URIs: {URI}\nSuites: b\nEnabled: no\n\n\nURIs: http://a/", id="a stanza that says it is on",
        ),
        pytest.param(
            SOURCES, f"URIs: http://a/\n\nURIs:\n {URI}\nSuites: b",
            f"URIs: http://a/\n\nURIs:\n {URI}\nSuites: b\nEnabled: no",
            id="an address on a line of its own",
        ),
        pytest.param(
            SOURCES, f"uris: {URI}\nenabled: no\n\nURIs: {URI}\nEnabled: YES\n\nURIs: http://a/\n",
            f"uris: {URI}\nenabled: no\n\nURIs: {URI}\nEnabled: no\n\nURIs: http://a/\n", id="one is off already",
        ),
    ],
)  # fmt: skip
def test_files_of_other_tools(path: str, text: str, expected: str | None) -> None:
    assert taken_over(path, text) == expected


@pytest.mark.parametrize(
    ("path", "text"),
    [
        pytest.param(LIST, "deb http://deb.debian.org/debian bookworm main\n", id="another repository"),
        pytest.param(LIST, f"# deb {URI} bookworm stable\n", id="a comment"),
        pytest.param(LIST, f"{NOTE}deb {URI} bookworm stable\n", id="what we switched off"),
        pytest.param(LIST, f"deb {URI}-security bookworm stable\n", id="a longer address"),
        pytest.param(LIST, f"deb [signed-by=/x] http://a/?{URI} b c\n", id="our address within another"),
        pytest.param(LIST, "deb cdrom:[Debian 12]/ bookworm main\n", id="a disc"),
        pytest.param(LIST, "", id="an empty list"),
        pytest.param(SOURCES, f"URIs: {URI}\nEnabled: no\n", id="a stanza that is off"),
        pytest.param(SOURCES, f"Enabled: False\nURIs: {URI}\n", id="a stanza that is off in other words"),
        pytest.param(SOURCES, f"# URIs: {URI}\n", id="a stanza in comments"),
        pytest.param(SOURCES, f"URIs: http://a/\nX-Comment: {URI}\n", id="our address in another field"),
        pytest.param(SOURCES, "", id="an empty file of stanzas"),
        pytest.param(OURS, f"URIs: {URI}\n", id="our own file"),
    ],
)
def test_what_is_left_alone(path: str, text: str) -> None:
    assert takeovers({path: text}, URIS, OURS) == []


def test_files_come_in_order_and_with_their_old_content() -> None:
    text = f"deb {URI} b c\n"
    found = takeovers({LIST: text, SYSTEM: text, OURS: text, SOURCES: f"URIs: {URI}"}, URIS, OURS)
    assert [(takeover.path, takeover.text is None) for takeover in found] == [
        (SYSTEM, False), (LIST, True), (SOURCES, True),
    ]  # fmt: skip
    assert found[0].before == text


LINES = st.sampled_from(
    [
        f"deb {URI} bookworm stable", f"  deb [arch=amd64] {MIRROR}/ bookworm stable", "deb http://a/ b c",
        "deb-src [trusted=yes] http://a/ b c", "# a comment", f"# deb {URI} x y", "", "not a source at all", "\t",
    ]
)  # fmt: skip
STANZAS = st.lists(
    st.sampled_from(
        [
            f"URIs: {URI}", f"uris: http://a/\n {MIRROR}", "URIs: http://a/", "Types: deb", "Suites: b", "Enabled: yes",
            "Enabled: no", "# a comment", "Signed-By:\n -----BEGIN\n .\n -----END", "Components: stable",
        ]
    ),
    max_size=6,
    unique_by=lambda text: text.partition(":")[0].lower(),
).map("\n".join)  # fmt: skip
FILES = st.fixed_dictionaries(
    {
        SYSTEM: st.lists(LINES, max_size=8).map("\n".join),
        LIST: st.lists(LINES, max_size=8).map(lambda lines: "".join(line + "\n" for line in lines)),
        SOURCES: st.builds(
            lambda stanzas, between, end: between.join(stanzas) + end,
            st.lists(STANZAS, max_size=4),
            st.sampled_from(["\n\n", "\n\n\n", "\n \n"]),
            st.sampled_from(["", "\n", "\n\n"]),
        ),
    }
)  # fmt: skip


@given(FILES)
def test_after_taking_over_there_is_nothing_left_to_take_over(files: dict[str, str]) -> None:
    after = dict(files)
    for takeover in takeovers(files, URIS, OURS):
        assert takeover.before == files[takeover.path]
        if takeover.text is None:
            assert takeover.path != SYSTEM
            del after[takeover.path]
        else:
            after[takeover.path] = takeover.text
    assert takeovers(after, URIS, OURS) == []


@given(FILES)
def test_nothing_is_lost_but_the_word_that_switches_on(files: dict[str, str]) -> None:
    for takeover in takeovers(files, URIS, OURS):
        if takeover.text is not None:  # otherwise the file is still there, under another name
            lost = set(takeover.before.split()) - set(takeover.text.split())
            # A folded list of addresses goes on in one line.
            assert lost <= {"yes", "uris:"}


def test_a_stanza_that_names_another_repository_too_goes_on_without_ours() -> None:
    text = "Types: deb\nURIs: http://a/ http://mirror.example/linux/debian\nSuites: bookworm\nComponents: main\n"
    (takeover,) = takeovers(
        {"/etc/apt/sources.list.d/other.sources": text}, ["http://mirror.example/linux/debian"], OURS
    )
    assert takeover.text == (
        "Types: deb\n"
        "# switched off, runnerkit-docker.sources has this repository now: http://a/ http://mirror.example/linux/debian\n"
        "URIs: http://a/\nSuites: bookworm\nComponents: main\n"
    )
    assert (
        takeovers(
            {"/etc/apt/sources.list.d/other.sources": takeover.text}, ["http://mirror.example/linux/debian"], OURS
        )
        == []
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "Types: deb\nURIs: http://a/\n# and docker\n http://mirror.example/linux/debian\n#URIs: c\nSuites: b\n",
            f"Types: deb\n# and docker\n{NOTE}http://a/ http://mirror.example/linux/debian\nURIs: http://a/\n"
            "#URIs: c\nSuites: b\n",
            id="between the lines of a folded field",
        ),
        pytest.param(
            "Types: deb\n#URIs: http://mirror.example/linux/debian\nURIs: http://a/\nSuites: b\n", None,
            id="a comment that looks like a field",
        ),
        pytest.param(
            "URIs: http://a/\nSuites: b\n\nURIs:\n# x\n http://mirror.example/linux/debian\nSuites: b\n",
            "URIs: http://a/\nSuites: b\n\nURIs:\n# x\n http://mirror.example/linux/debian\nSuites: b\nEnabled: no\n",
            id="before the first address",
        ),
    ],
)  # fmt: skip
def test_comments_inside_a_stanza_are_no_part_of_it(text: str, expected: str | None) -> None:
    path = "/etc/apt/sources.list.d/other.sources"
    found = takeovers({path: text}, ["http://mirror.example/linux/debian"], OURS)
    assert [takeover.text for takeover in found] == ([expected] if expected else [])
    if expected:
        assert takeovers({path: expected}, ["http://mirror.example/linux/debian"], OURS) == []


@given(FILES)
def test_entries_of_other_repositories_stay_as_they_are(files: dict[str, str]) -> None:
    for takeover in takeovers(files, URIS, OURS):
        others = [line for line in takeover.before.splitlines() if "http://a/" in line and "deb" in line]
        if takeover.text is None:
            assert not others
        else:
            lines = [line for line in takeover.text.splitlines() if not line.startswith(NOTE)]
            assert [line for line in lines if "http://a/" in line and "deb" in line] == others


def test_the_files_that_apt_reads(tmp_path: Path) -> None:
    assert read_source_files(str(tmp_path)) == {}
    parts = tmp_path / "sources.list.d"
    parts.mkdir()
    (tmp_path / "sources.list").write_text("deb a b c\n")
    for name in ("b.sources", "a.list", "c.list.runnerkit.save", "d.list.save", "README"):
        (parts / name).write_text(name)
    (parts / "e.list").mkdir()
    (parts / "f.list").write_bytes(b"# caf\xe9\n")
    found = read_source_files(str(tmp_path))
    assert [path.rpartition("/")[2] for path in found] == ["sources.list", "a.list", "b.sources", "f.list"]
    assert found[str(parts / "f.list")].encode("utf-8", "surrogateescape") == b"# caf\xe9\n"
