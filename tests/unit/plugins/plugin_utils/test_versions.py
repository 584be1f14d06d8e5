# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import itertools
import shutil
import subprocess

import pytest
from ansible.plugins.test.core import version_compare
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.versions import EngineVersion, compare_debian

NUMBERS = st.lists(st.integers(0, 99), min_size=2, max_size=3).map(lambda parts: ".".join(map(str, parts)))
STAGES = st.one_of(
    st.just(""), st.tuples(st.sampled_from(["alpha", "beta", "rc"]), st.integers(1, 99)).map("{0[0]}{0[1]}".format)
)
# Few and telling characters find more than many.
PARTS = st.text("019.+~aZ", min_size=1, max_size=8)
DEBIAN = st.builds(
    lambda epoch, upstream, revision: epoch + upstream + revision,
    st.sampled_from(["", "0:", "1:", "5:"]),
    PARTS.map("1{}".format),
    st.one_of(st.just(""), PARTS.map("-{}".format)),
)


@pytest.mark.parametrize(
    ("text", "semver", "shown"),
    [
        pytest.param("20.10.24", "20.10.24", "20.10.24", id="a release"),
        pytest.param("v29.7.2", "29.7.2", "29.7.2", id="a git tag"),
        pytest.param("5:20.10.24~3-0~debian-bookworm", "20.10.24", "20.10.24", id="docker's package up to 20.10"),
        pytest.param("5:28.5.2-1~debian.12~bookworm", "28.5.2", "28.5.2", id="docker's package since 23.0"),
        pytest.param(
            "5:28.0.0~rc.1-1~debian.12~bookworm", "28.0.0-rc.1", "28.0.0-rc1", id="docker's release candidate"
        ),
        pytest.param("5:19.03.0~beta5-0~debian", "19.3.0-beta.5", "19.03.0-beta5", id="docker's beta"),
        pytest.param("18.06.3~ce~3-0~debian", "18.6.3", "18.06.3", id="the community edition with a leading zero"),
        pytest.param("20.10.5+dfsg1-1+deb11u2", "20.10.5", "20.10.5", id="Debian's repacked source"),
        pytest.param("26.1.5+dfsg1-9+b7", "26.1.5", "26.1.5", id="Debian's rebuild"),
        pytest.param("20.10.21-0ubuntu1~22.04.3", "20.10.21", "20.10.21", id="Ubuntu's package"),
        pytest.param("1.0.0~rc93+ds1-5", "1.0.0-rc.93", "1.0.0-rc93", id="Debian's runc candidate"),
        pytest.param("1.0.0-rc93", "1.0.0-rc.93", "1.0.0-rc93", id="runc's own candidate"),
        pytest.param("1.0.0-rc.93", "1.0.0-rc.93", "1.0.0-rc93", id="a candidate as semantic versioning has it"),
        pytest.param("27.0.0-RC.2", "27.0.0-rc.2", "27.0.0-rc2", id="capitals"),
        pytest.param("2.5.4", "2.5.4", "2.5.4", id="libseccomp"),
        pytest.param("20.10", "20.10.0", "20.10", id="two numbers"),
        pytest.param(" 28 \n", "28.0.0", "28", id="one number and blanks"),
    ],
)
def test_every_spelling_is_read(text: str, semver: str, shown: str) -> None:
    version = EngineVersion.parse(text)
    assert (version.semver, str(version)) == (semver, shown)


@pytest.mark.parametrize("text", ["", "latest", "dev", "rc1", "-1.2", "None"])
def test_what_has_no_number_in_front_is_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match=r"has to begin with numbers such as 20\.10\.24") as caught:
        EngineVersion.parse(text)
    assert repr(text) in str(caught.value)


def test_releases_come_in_the_order_of_their_making() -> None:
    made = [
        "1.0.0-alpha1",
        "1.0.0-beta1",
        "1.0.0-beta12",
        "1.0.0-rc2",
        "1.0.0-rc10",
        "1.0.0",
        "1.0.1",
        "1.1",
        "18.06.3",
    ]
    versions = [EngineVersion.parse(text) for text in made]
    assert all(left < right for left, right in itertools.pairwise(versions))


def test_a_version_is_no_number() -> None:
    assert EngineVersion.parse("1.0") != 1.0


@given(NUMBERS, STAGES)
def test_all_spellings_of_a_release_are_one(numbers: str, stage: str) -> None:
    spellings = [
        f"{numbers}-{stage}" if stage else numbers,
        f"v{numbers}-{stage}" if stage else f"v{numbers}",
        f"5:{numbers}~{stage}-1~debian.12~bookworm" if stage else f"5:{numbers}-1~debian.12~bookworm",
        f"{numbers}~{stage}+ds1-5" if stage else f"{numbers}+ds1-5",
    ]
    versions = [EngineVersion.parse(text) for text in spellings]
    again = [EngineVersion.parse(version.semver) for version in versions] + [
        EngineVersion.parse(str(version)) for version in versions
    ]
    assert len({*versions, *again}) == 1


@given(NUMBERS, STAGES, NUMBERS, STAGES)
def test_ansible_orders_the_semantic_form_the_same_way(
    left: str, left_stage: str, right: str, right_stage: str
) -> None:
    first = EngineVersion.parse(f"{left}-{left_stage}" if left_stage else left)
    second = EngineVersion.parse(f"{right}-{right_stage}" if right_stage else right)
    assert (first < second) == version_compare(first.semver, second.semver, "<", version_type="semver")


@given(NUMBERS, STAGES, NUMBERS, STAGES)
def test_packages_come_in_the_order_of_their_releases(left: str, left_stage: str, right: str, right_stage: str) -> None:
    """Of two packages with as many numbers the package manager prefers the newer release."""
    if left.count(".") != right.count("."):
        return
    first, second = (
        f"5:{numbers}~{stage}-1~debian.12~bookworm" if stage else f"5:{numbers}-1~debian.12~bookworm"
        for numbers, stage in ((left, left_stage), (right, right_stage))
    )
    releases = EngineVersion.parse(first), EngineVersion.parse(second)
    assert compare_debian(first, second) == (releases[0] > releases[1]) - (releases[0] < releases[1])


PAIRS = [
    pytest.param("5:20.10.24~3-0~debian-bookworm", "5:28.5.2-1~debian.12~bookworm", id="docker's packages"),
    pytest.param("18.06.3~ce~3-0~debian", "5:18.09.0~3-0~debian", id="the epoch outweighs everything"),
    pytest.param("5:28.0.0~rc.1-1", "5:28.0.0-1", id="a tilde sorts before the end"),
    pytest.param("1.0~~", "1.0~", id="two tildes before one"),
    pytest.param("1.0~", "1.0~a", id="a tilde alone before a tilde and a letter"),
    pytest.param("20.10.5+dfsg1-1+deb11u1", "20.10.5+dfsg1-1+deb11u2", id="security updates count up"),
    pytest.param("26.1.5+dfsg1-9", "26.1.5+dfsg1-9+b7", id="a rebuild is newer"),
    pytest.param("1.9", "1.10", id="numbers are numbers"),
    pytest.param("1.0a", "1.0+", id="letters before signs"),
    pytest.param("1.0Z", "1.0a", id="capitals before small letters"),
    pytest.param("1.0-1", "1.0-1.1", id="a longer revision"),
    pytest.param("1.0", "1.0-1", id="no revision is revision 0"),
    pytest.param("1-2-3", "1-3-1", id="the revision begins at the last hyphen"),
    pytest.param("1:2:3", "1:2:4", id="the epoch ends at the first colon"),
]


@pytest.mark.parametrize(("older", "newer"), PAIRS)
def test_the_package_managers_order(older: str, newer: str) -> None:
    assert (compare_debian(older, newer), compare_debian(newer, older)) == (-1, 1)


@pytest.mark.parametrize(("left", "right"), [("1.0", "1.00"), ("1.0", "0:1.0"), ("1.0", "1.0-0"), ("1.a", "1.a0")])
def test_versions_that_are_written_differently_and_are_equal(left: str, right: str) -> None:
    assert compare_debian(left, right) == 0


@given(DEBIAN, DEBIAN, DEBIAN)
def test_the_order_is_total(first: str, second: str, third: str) -> None:
    assert compare_debian(first, first) == 0
    assert compare_debian(first, second) == -compare_debian(second, first)
    if compare_debian(first, second) <= 0 and compare_debian(second, third) <= 0:
        assert compare_debian(first, third) <= 0


@pytest.mark.skipif(not shutil.which("dpkg"), reason="dpkg is not on this machine")
@settings(max_examples=5)
@given(st.lists(st.tuples(DEBIAN, DEBIAN), min_size=20, max_size=40))
def test_dpkg_agrees(pairs: list[tuple[str, str]]) -> None:
    """One shell for many pairs, since each question to dpkg is a process."""
    pairs += [(str(values[0]), str(values[1])) for values in (param.values for param in PAIRS)]
    script = """while [ $# -gt 0 ]; do
        for order in lt eq gt; do dpkg --compare-versions "$1" $order "$2" && echo $order; done; shift 2
    done"""
    words = [word for pair in pairs for word in pair]
    answer = subprocess.run(["sh", "-c", script, "sh", *words], check=False, capture_output=True, text=True)
    assert answer.stderr == ""
    assert answer.stdout.split() == [("eq", "gt", "lt")[compare_debian(*pair)] for pair in pairs]
