# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.runnerkit.gitlab.plugins.module_utils import probe_container, probe_leftovers
from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import Engine, EngineError, EngineResponse
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_leftovers import remove_leftovers, remove_marked
from ansible_collections.runnerkit.gitlab.plugins.modules import seccomp_probe, seccomp_profile
from tests.unit.plugins.module_utils.fake_engine import answer, fake_engine

MARK = "0123456789ab"
LABELS = {"runnerkit.probe": MARK}
NAMES = [f"/runnerkit-probe-{MARK}"]
TAG = f"runnerkit-probe-{MARK}:1"


def container(**changes: Any) -> dict[str, Any]:
    return {"Id": "c0ffee", "Created": 1, "Names": NAMES, "Labels": LABELS, **changes}


def image(**changes: Any) -> dict[str, Any]:
    return {"Id": "sha256:1", "Created": 1, "RepoTags": [TAG], "Labels": LABELS, **changes}


def removed(containers: Any = (), images: Any = (), mark: str | None = None) -> list[str]:
    """What is asked to be removed of an engine that has these."""
    table = {"/containers/json": answer(list(containers)), "/images/json": answer(list(images))}
    with fake_engine(table) as fake:
        engine = Engine(fake.path)
        count = remove_leftovers(engine, before=500.0) if mark is None else remove_marked(engine, mark)
        found = [target for method, target, _ in fake.requests if method == "DELETE"]
    assert len(found) == count
    return found


def test_a_probes_container_goes_with_its_nameless_volumes_and_its_image_by_name() -> None:
    assert removed([container()], [image()]) == [
        "/containers/c0ffee?force=true&v=true",
        f"/images/{TAG}?force=false",
    ]


@pytest.mark.parametrize(
    "found",
    [
        pytest.param(container(Names=["/job"]), id="a job's, which merely has the label"),
        pytest.param(container(Names=[f"/x-runnerkit-probe-{MARK}"]), id="a name that ends like a probe's"),
        pytest.param(container(Names=[f"/runnerkit-probe-{MARK}-keep"]), id="a name that begins like a probe's"),
        pytest.param(container(Names=["/runnerkit-probe-mine"]), id="a name of somebody's own"),
        pytest.param(container(Names=[f"/job/runnerkit-probe-{MARK}"]), id="a link's name"),
        pytest.param(container(Names=None), id="no name"),
        pytest.param(container(Names=[7]), id="a number for a name"),
        pytest.param(container(Labels={"runnerkit.probe": "true"}), id="a label that is no mark"),
        pytest.param(container(Labels={"runnerkit.probe": f"{MARK}0"}), id="a label that is too long for a mark"),
        pytest.param(container(Labels={}), id="no label, whatever was asked for"),
        pytest.param(container(Labels=[MARK]), id="labels of another shape"),
        pytest.param(container(Created=900), id="one in use"),
        pytest.param(container(Created=None), id="no age"),
        pytest.param({**container(), "Id": 7}, id="no identifier"),
        pytest.param("nonsense", id="no object"),
    ],
)
def test_what_is_not_for_certain_a_probes_container_stays(found: Any) -> None:
    assert removed([found]) == []


@pytest.mark.parametrize(
    ("changes", "mark", "expected"),
    [
        pytest.param({"RepoTags": ["job:1"]}, None, [], id="a job's image with the label"),
        pytest.param({"RepoTags": ["job:1"]}, MARK, [], id="the same, with the very mark"),
        pytest.param({"RepoTags": []}, None, [], id="an old one without a name: anybody's"),
        pytest.param({"RepoTags": ["<none>:<none>"]}, None, [], id="the same in an older engine's words"),
        pytest.param({"RepoTags": []}, MARK, ["sha256:1?force=true"], id="one's own without a name"),
        pytest.param({"RepoTags": ["<none>:<none>"]}, MARK, ["sha256:1?force=true"], id="in an older engine's words"),
        pytest.param({"RepoTags": ["job:1", TAG]}, None, [f"{TAG}?force=false"], id="two names: the probe's only"),
        pytest.param({"RepoTags": ["job:1", TAG]}, MARK, [f"{TAG}?force=true"], id="two names, and the very mark"),
        pytest.param({"Labels": {"runnerkit.probe": "1"}}, None, [], id="a label that is no mark"),
        pytest.param({"Created": 900}, None, [], id="one in use"),
        pytest.param({"Created": 900}, MARK, [f"{TAG}?force=true"], id="one's own, however young"),
    ],
)
def test_an_image_goes_by_the_name_that_a_probe_gave_it(
    changes: dict[str, Any], mark: str | None, expected: list[str]
) -> None:
    assert removed([], [image(**changes)], mark) == [f"/images/{path}" for path in expected]


def test_a_container_that_cannot_be_removed_is_released(monkeypatch: pytest.MonkeyPatch) -> None:
    released: list[str] = []
    monkeypatch.setattr(probe_leftovers, "release", released.append)
    removed([container()], [image()])  # this engine knows no such path
    assert released == ["c0ffee"]


def test_an_engine_that_says_no_is_an_error() -> None:
    with fake_engine({}) as fake, pytest.raises(EngineError):
        remove_marked(Engine(fake.path), MARK)


def test_no_container_of_a_living_probe_is_ever_old() -> None:
    longest = max(seccomp_probe.MAX_TIMEOUT, seccomp_profile.MAX_TIMEOUT)
    assert 6 * longest <= probe_container.LEFT_BEHIND_AFTER


class Recording(Engine):
    """Has these containers, and remembers what it is asked to remove."""

    def __init__(self, found: Any) -> None:
        super().__init__("/nowhere")
        self.found = found
        self.removed: list[str] = []

    def get(self, *args: Any, **kwargs: Any) -> Any:
        return self.found

    def request(self, method: str, path: str, *args: Any, **kwargs: Any) -> EngineResponse:
        self.removed.append(path)
        return EngineResponse(200, {}, b"")


@given(
    st.lists(
        st.fixed_dictionaries(
            {"Id": st.text(), "Created": st.integers()},
            optional={
                "Names": st.none() | st.lists(st.text() | st.integers()),
                "RepoTags": st.none() | st.lists(st.text()),
                "Labels": st.none() | st.dictionaries(st.just("runnerkit.probe"), st.just(MARK) | st.text()),
            },
        )
    )
)
def test_law_nothing_of_another_name_is_removed(found: list[dict[str, Any]]) -> None:
    engine = Recording(found)
    remove_leftovers(engine, before=float("inf"))
    assert engine.removed == []
